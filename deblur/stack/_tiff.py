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
from deblur._core.tiff import opened
from deblur.photo import _exif

from ._model import SlicedArray, Stack

_MICROMETERS = {"nm": 1e-3, "µm": 1.0, "um": 1.0, "\\u00B5m": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0}
_MICROMETERS |= {"mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}
_KNOWN_COLORS = ("MINISBLACK", "MINISWHITE", "RGB")


def names_its_axes(path: Path) -> bool:
    """Return whether an OME-TIFF or ImageJ file has an axis other than rows, columns and samples."""
    try:
        with opened(path) as tiff:
            return bool(tiff.is_ome or tiff.is_imagej) and bool(set(tiff.series[0].axes) - set("YXS"))
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
    if form == "ome":
        options |= {"ome": True, "metadata": _ome(like)}
    elif form == "imagej":
        options |= {"imagej": True, "metadata": _imagej(like), **_resolution(like)}
        if dtype.name not in ("uint8", "uint16", "float32"):
            raise ValueError(f"ImageJ files hold uint8, uint16 and float32, not {dtype.name}; write an .ome.tif")
    else:
        options |= {"metadata": None, **{k: v for k, v in like.extra.items() if k != "exif"}}
    mapped = tifffile.memmap(path, shape=like.shape, dtype=dtype.newbyteorder("="), **options)
    array = _Mapped(path, mapped.dtype, int(mapped.offset), like.shape)
    del mapped
    reserve(path)
    exif = like.extra.get("exif") if form == "tiff" else None
    if exif and path.open("rb").read(4) in (b"II*\0", b"MM\0*"):  # not BigTIFF
        _exif.into_tiff(path, exif, keep_resolution="resolution" in like.extra)
    return array


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
            planes = [np.array(pages[int(number)].asarray()[within]) for number in chosen.ravel()]
        return np.stack(planes).reshape(*chosen.shape, *planes[0].shape)


def _described(path: Path, tiff: tifffile.TiffFile) -> Stack:
    series = tiff.series[0]
    page = series.keyframe
    if tifffile.PHOTOMETRIC(page.photometric).name not in _KNOWN_COLORS or page.extrasamples:
        raise ValueError("its pixels are neither gray nor RGB, or have transparency; convert it first")
    if series.dtype.kind not in "uif":
        raise ValueError(f"its samples are {series.dtype}; convert them to numbers")
    axes, shape = series.axes, tuple(series.shape)
    if series.dataoffset is not None:
        data: SlicedArray = _Mapped(path, np.dtype(tiff.byteorder + series.dtype.char), series.dataoffset, shape)
    else:
        leading = len(shape) - len(page.shape)
        if leading < 0 or shape[leading:] != page.shape:
            raise ValueError("the order of its samples is not supported; write it without compression")
        data = _Paged(path, shape[:leading], page.shape, series.dtype)
    if tiff.is_ome:
        return Stack(data, axes, *_from_ome(tiff), format="ome")
    if tiff.is_imagej:
        return Stack(data, axes, _from_imagej(tiff), format="imagej", extra={"imagej": tiff.imagej_metadata or {}})
    if tifffile.PHOTOMETRIC(page.photometric).name == "MINISWHITE":  # the counts of an instrument mean what they are
        raise ValueError("its samples are inverted, 0 is white; invert it first, or restore it whole")
    exif, resolution = _exif.from_tiff(path)
    if exif and _exif.orientation(exif) != 1:
        raise ValueError("its EXIF orientation is not upright; rotate it first, or restore it whole")
    extra: dict[str, Any] = {"exif": exif, "iccprofile": page.iccprofile}
    if resolution:
        extra |= {"resolution": resolution, "resolutionunit": "inch"}
    pages = "Z" if len(axes.replace("S", "")) == 3 else axes[:1]
    return Stack(data, axes if axes[0] in "YX" else pages + axes[1:], extra=extra)


def _from_ome(tiff: tifffile.TiffFile) -> tuple[dict[str, float], tuple[str, ...]]:
    image = tifffile.xml2dict(tiff.ome_metadata or "")["OME"]["Image"]
    pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    sizes = {}
    for axis in "ZYX":
        value = pixels.get(f"PhysicalSize{axis}")
        unit = _MICROMETERS.get(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")))
        if value and unit:
            sizes[axis] = float(value) * unit
    if pixels.get("TimeIncrement") and pixels.get("TimeIncrementUnit", "s") == "s":
        sizes["T"] = float(pixels["TimeIncrement"])
    channels = pixels.get("Channel", [])
    names = [str(each.get("Name", "")) for each in (channels if isinstance(channels, list) else [channels])]
    return sizes, tuple(names) if any(names) else ()


def _ome(stack: Stack) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": stack.axes}
    for axis in "ZYX":
        if axis in stack.voxel_size:
            metadata |= {f"PhysicalSize{axis}": stack.voxel_size[axis], f"PhysicalSize{axis}Unit": "µm"}
    if "T" in stack.voxel_size:
        metadata |= {"TimeIncrement": stack.voxel_size["T"], "TimeIncrementUnit": "s"}
    return metadata | ({"Channel": {"Name": list(stack.channels)}} if stack.channels else {})


def _from_imagej(tiff: tifffile.TiffFile) -> dict[str, float]:
    metadata = tiff.imagej_metadata or {}
    unit = _MICROMETERS.get(str(metadata.get("unit", "")))
    if unit is None:
        return {}
    sizes = {"Z": float(metadata["spacing"]) * unit} if "spacing" in metadata else {}
    tags = tiff.pages.first.tags
    for axis, tag in (("Y", "YResolution"), ("X", "XResolution")):
        numerator, denominator = tags.valueof(tag, (0, 1))
        if numerator and denominator:
            sizes[axis] = denominator / numerator * unit
    return sizes


def _imagej(stack: Stack) -> dict[str, Any]:
    kept = {
        k: v
        for k, v in stack.extra.get("imagej", {}).items()
        if k in ("Info", "Labels", "LUTs", "finterval", "fps", "loop", "mode")
    }
    kept |= {"axes": stack.axes}
    if stack.voxel_size:
        kept["unit"] = "um"
    return kept | ({"spacing": stack.voxel_size["Z"]} if "Z" in stack.voxel_size else {})


def _resolution(stack: Stack) -> dict[str, Any]:
    if not all(stack.voxel_size.get(axis) for axis in "YX"):
        return {}
    return {"resolution": (1 / stack.voxel_size["X"], 1 / stack.voxel_size["Y"]), "resolutionunit": "none"}
