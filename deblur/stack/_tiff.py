"""TIFF stacks, read and written in parts: OME, ImageJ, plain.

Files are memory-mapped for each access and unmapped at once: while a map stays open, every page that was touched
counts as memory of the process.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from deblur._core.atomic import reserve
from deblur._core.errors import reading
from deblur._core.tiff import opened, voxel_size
from deblur.photo import _exif

from ._model import SlicedArray, Stack
from ._ome import described_by_ome, merged, ome_options

_COUNTS = ("ImageJ", "images", "channels", "slices", "frames", "hyperstack")  # which tifffile works out
_KNOWN_COLORS = ("MINISBLACK", "MINISWHITE", "RGB")


def names_its_axes(path: Path) -> bool:
    """Return whether a file is OME-TIFF or ImageJ, one plane included, unless it is a picture in a palette."""
    try:
        with opened(path) as tiff:
            if not (tiff.is_ome or tiff.is_imagej):
                return False
            series = tiff.series[0]
            return bool(set(series.axes) - set("YXS")) or _is_plain(series.keyframe)
    except Exception:  # damaged: the function that reads it next raises the error
        return False


def open_tiff(path: Path) -> Stack:
    """Read the metadata of a TIFF file; see `open_stack`."""
    with reading(path), opened(path) as tiff:
        return _described(path, tiff)


def create_tiff(path: Path, like: Stack, dtype: np.dtype) -> _Mapped:
    """Create a file of zeros, and return the array in it."""
    form = "ome" if like.format == "zarr" else like.format
    options: dict[str, Any] = {
        "photometric": "rgb" if like.axes.endswith("S") and like.shape[-1] == 3 else "minisblack"
    }
    if like.axes.endswith("S"):
        options["planarconfig"] = "contig"
    elif like.extra.get("is_inverted"):
        options["photometric"] = "miniswhite"
    if form == "ome":
        options |= {"ome": True, "metadata": ome_options(like), **like.extra.get("resolution", {})}
    elif form == "imagej":
        options |= {"imagej": True, **_imagej(like)}
        if dtype.name not in ("uint8", "uint16", "float32"):
            raise ValueError(f"ImageJ files hold uint8, uint16 and float32, not {dtype.name}; write an .ome.tif")
    else:
        options |= {"metadata": None, **{k: v for k, v in like.extra.items() if k != "exif"}}
    mapped = tifffile.memmap(path, shape=like.shape, dtype=dtype.newbyteorder("="), **options)
    array = _Mapped(path, mapped.dtype, int(mapped.offset), like.shape)
    del mapped
    if form == "ome" and _is_described(like):
        tifffile.tiffcomment(path, merged(like.extra["ome_xml"], str(tifffile.tiffcomment(path))))
    reserve(path)
    exif = like.extra.get("exif") if form == "tiff" else None
    if exif and path.open("rb").read(4) in (b"II*\0", b"MM\0*"):  # not BigTIFF
        _exif.into_tiff(path, exif, keep_resolution="resolution" in like.extra)
    return array


def _is_described(like: Stack) -> bool:
    """Return whether the description of the file that a stack was read from is still true of it."""
    extra = like.extra
    now = like.axes, like.shape, like.voxel_size, like.channels
    return "ome_xml" in extra and now == (extra["axes"], extra["shape"], extra["sizes"], extra["channels"])


class _Mapped:
    """Array whose samples are contiguous in a file."""

    def __init__(self, path: Path, dtype: np.dtype, offset: int, shape: tuple[int, ...]) -> None:
        self.dtype, self.shape = dtype, shape
        self._path, self._offset = path, offset

    def __getitem__(self, box: Any) -> np.ndarray:
        mapped = np.memmap(self._path, self.dtype, "r", self._offset, self.shape)
        return np.array(mapped[box]).astype(self.dtype.newbyteorder("="), copy=False)

    def __setitem__(self, box: Any, values: np.ndarray) -> None:
        mapped = np.memmap(self._path, self.dtype, "r+", self._offset, self.shape)
        mapped[box] = values


class _Paged:
    """Array of compressed pages, each decoded when a part of it is read."""

    def __init__(self, path: Path, pages: tuple[int, ...], plane: tuple[int, ...], dtype: np.dtype) -> None:
        self.dtype, self.shape = dtype, (*pages, *plane)
        self._path, self._pages = path, pages

    def __getitem__(self, box: Any) -> np.ndarray:
        box = box if isinstance(box, tuple) else (box,)
        numbers = np.arange(math.prod(self._pages)).reshape(self._pages)
        leading, within = box[: len(self._pages)], box[len(self._pages) :]
        chosen = np.asarray(numbers[leading])
        with opened(self._path) as tiff:
            pages: Any = tiff.series[0].pages
            planes = [self._plane(pages[int(number)])[within] for number in chosen.ravel()]
        return np.stack(planes).reshape(*chosen.shape, *planes[0].shape)

    def _plane(self, page: Any) -> np.ndarray:
        if page is None:  # a plane that OME metadata name and the file does not have: black, as tifffile reads it
            return np.zeros(self.shape[len(self._pages) :], self.dtype)
        return np.asarray(page.asarray())


def _described(path: Path, tiff: tifffile.TiffFile) -> Stack:
    series = tiff.series[0]
    page = series.keyframe
    if not _is_plain(page):
        raise ValueError("its pixels are neither gray nor RGB, or have transparency; convert it first")
    if series.dtype.kind not in "uif":
        raise ValueError(f"its samples are {series.dtype}; convert them to numbers")
    axes, shape = series.axes, tuple(series.shape)
    if not math.prod(shape):
        raise ValueError(f"it has no pixels: its shape is {shape}")
    _check_planes(series)
    if series.dataoffset is not None:
        data: SlicedArray = _Mapped(path, np.dtype(tiff.byteorder + series.dtype.char), series.dataoffset, shape)
    else:
        leading = len(shape) - len(page.shape)
        if leading < 0 or shape[leading:] != page.shape:
            raise ValueError("the order of its samples is not supported; write it without compression")
        data = _Paged(path, shape[:leading], page.shape, series.dtype)
    is_inverted = tifffile.PHOTOMETRIC(page.photometric).name == "MINISWHITE"
    if tiff.is_ome or tiff.is_imagej:
        kept = {"resolution": _stored_resolution(page), "is_inverted": is_inverted, "shape": shape, "axes": axes}
        if tiff.is_ome:
            fields = described_by_ome(tiff)
            extra = {**kept, "ome_xml": tiff.ome_metadata, "channels": fields["channels"]}
        else:
            fields = {"voxel_size": voxel_size(tiff), "format": "imagej"}
            extra = {**kept, "imagej": tiff.imagej_metadata or {}}
        return Stack(data, axes, **fields, extra={**extra, "sizes": fields["voxel_size"]}, notes=_notes(tiff))
    if is_inverted:  # the counts of an instrument mean what they are
        raise ValueError("its samples are inverted, 0 is white; invert it first, or restore it whole")
    exif, resolution = _exif.from_tiff(path)
    if exif and _exif.orientation(exif) != 1:
        raise ValueError("its EXIF orientation is not upright; rotate it first, or restore it whole")
    extra = {"exif": exif, "iccprofile": page.iccprofile}
    if resolution:
        extra |= {"resolution": resolution, "resolutionunit": "inch"}
    pages = "Z" if len(axes.replace("S", "")) == 3 else axes[:1]
    return Stack(data, axes if axes[0] in "YX" else pages + axes[1:], extra=extra, notes=_notes(tiff))


def _check_planes(series: Any) -> None:
    """Refuse metadata that name more planes than are there, where most are missing."""
    missing = sum(page is None for page in series.pages)
    if 2 * missing > len(series.pages):
        present = len(series.pages) - missing
        raise ValueError(f"its metadata describe {len(series.pages)} planes, and {present} are there")


def _is_plain(page: Any) -> bool:
    """Return whether the samples of a page are values, with neither a palette nor transparency."""
    return tifffile.PHOTOMETRIC(page.photometric).name in _KNOWN_COLORS and not page.extrasamples


def _imagej(stack: Stack) -> dict[str, Any]:
    """Return options of tifffile that write what an ImageJ file said, and sizes that were changed since."""
    before = stack.extra.get("imagej", {})
    kept = {key: value for key, value in before.items() if key not in (*_COUNTS, "unit", "spacing")}
    kept |= {"axes": stack.axes}
    if stack.voxel_size == stack.extra.get("sizes"):  # which may be in a unit that is no length
        unit = before.get("unit")
        kept |= {"unit": unit if str(unit).isascii() else "um"} if unit is not None else {}
        kept |= {"spacing": before["spacing"]} if "spacing" in before else {}
        return {"metadata": kept, **stack.extra.get("resolution", {})}
    if stack.voxel_size:
        kept["unit"] = "um"
    kept |= {"spacing": stack.voxel_size["Z"]} if "Z" in stack.voxel_size else {}
    if not all(stack.voxel_size.get(axis) for axis in "YX"):
        return {"metadata": kept}
    per_micrometer = 1 / stack.voxel_size["X"], 1 / stack.voxel_size["Y"]
    return {"metadata": kept, "resolution": per_micrometer, "resolutionunit": "none"}


def _stored_resolution(page: Any) -> dict[str, Any]:
    """Return options of tifffile that write the resolution of a page again."""
    values = [page.tags.valueof(name) for name in ("XResolution", "YResolution")]
    if not all(isinstance(value, tuple) and all(value) for value in values):
        return {}
    return {"resolution": tuple(values), "resolutionunit": int(page.tags.valueof("ResolutionUnit", 1))}


def _planes_beyond(tiff: tifffile.TiffFile) -> int:
    """Return the number of pages that belong to no series, thumbnails aside."""
    described = sum(len(series.pages) for series in tiff.series)
    if len(tiff.pages) <= described:
        return 0
    pages: list[Any] = [tiff.pages.get(number) for number in range(len(tiff.pages))]
    return max(0, sum(not page.is_reduced for page in pages) - described)


def _notes(tiff: tifffile.TiffFile) -> tuple[str, ...]:
    """Return what of a file is not written again."""
    notes = []
    series, page = tiff.series[0], tiff.series[0].keyframe
    if len(tiff.series) > 1:
        others = len(tiff.series) - 1
        notes.append(f"{others} more series in it {'were' if others > 1 else 'was'} left out")
    if missing := sum(each is None for each in series.pages):
        notes.append(f"{missing} of the {len(series.pages)} planes that its metadata describe are missing, and black")
    if beyond := _planes_beyond(tiff):
        notes.append(f"{beyond} of its {len(tiff.pages)} pages, which its metadata do not describe, were left out")
    if len(series.levels) > 1:
        notes.append("its pyramid of smaller pictures was left out")
    if page.compression != 1:
        name = tifffile.COMPRESSION(page.compression).name.removeprefix("ADOBE_")
        notes.append(f"its {name} compression was left out: a stack is written in parts")
    return tuple(notes)
