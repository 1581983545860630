"""TIFF: any depth, any number of equal pages.

tifffile reads and writes it. It leaves some compressions (LZW, JPEG, fax) to the package imagecodecs; where that is
not installed, and for palettes, Pillow decodes 8 bits (OpenCV would multiply colors by alpha) and OpenCV the rest
(Pillow cannot).
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import TiffImagePlugin

from deblur._core.atomic import written_whole
from deblur._core.tiff import LOGGER, opened, voxel_size
from deblur.photo import _exif
from deblur.photo._opencv import quiet_opencv
from deblur.photo._pillow import patient_pillow, plain
from deblur.photo._stored import Encoding, Resolution, Stored
from deblur.photo._tiff_layout import TiffLayout

_XMP, _ICC = 700, 34675
_CAMERA = (271, 272, 34665)  # make, model, Exif directory
_REDUCED = 1  # subfile type of a smaller picture
_CLASSIC = 2**32 - 2**25  # bytes that offsets of 32 bits reach, as tifffile reckons
_GRAY, _INVERTED, _RGB = (tifffile.PHOTOMETRIC[name] for name in ("MINISBLACK", "MINISWHITE", "RGB"))
_CONVERTED = (tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.YCBCR)
_PREMULTIPLIED, _STRAIGHT = tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA


def read_tiff(path: Path) -> Stored:
    """Read all full-size pages, which must be alike."""
    # tifffile would follow the references of these kinds to other files, and reorder their planes.
    with _damage_raises(), opened(path, is_ome=False, is_mmstack=False, is_ndtiff=False) as tiff:
        pages = _full_size(tiff)
        page = pages.keyframe
        samples = _samples(path, tiff, pages)
        layout, notes = TiffLayout.of(tiff, pages)
        exif, resolution = _exif.from_tiff(path)
        if tiff.is_bigtiff:  # of which EXIF is not read
            resolution = _resolution(page)
            notes += ("its EXIF was left out: it is a BigTIFF",) if any(tag in page.tags for tag in _CAMERA) else ()
        xmp = page.tags.valueof(_XMP)
        extra = page.extrasamples[0] if page.extrasamples else None
        # OpenCV does not declare its extra sample.
        is_rgba = page.photometric == _RGB and samples.shape[-1] == 4 and extra in (None, _STRAIGHT, _PREMULTIPLIED)
        is_gray_alpha = samples.shape[-1] == 2 and extra in (_STRAIGHT, _PREMULTIPLIED)
        return Stored(
            samples,
            has_alpha=is_rgba or is_gray_alpha,
            premultiplied=extra == _PREMULTIPLIED and (is_rgba or is_gray_alpha),
            exif=exif,
            icc=page.tags.valueof(_ICC),
            xmp=xmp.encode() if isinstance(xmp, str) else xmp,
            resolution=resolution,
            measured=bool(page.is_ome or page.is_imagej),
            voxel_size=voxel_size(tiff),
            notes=notes,
            extra={"tiff": layout},
        )


def write_tiff(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write as the file was that the photograph came from, or else without compression, which all programs can read."""
    layout = stored.extra.get("tiff", TiffLayout())
    options = layout.options(stored, encoding.compression)
    smaller = list(layout.smaller(stored.samples[0])) if len(stored.samples) == 1 else []
    metadata: dict[str, Any] = {
        "metadata": None,
        "software": False,
        "resolution": stored.resolution,
        "resolutionunit": "inch" if stored.resolution else None,
    }
    once: dict[str, Any] = {
        "iccprofile": stored.icc,
        "extratags": [(_XMP, "B", len(stored.xmp), stored.xmp, True)] if stored.xmp else (),
    }
    order = _exif.byte_order(stored.exif or b"II")
    size = stored.samples.nbytes + sum(each.nbytes for each in smaller)
    least = 8 if options["compression"] else stored.samples.nbytes + 1
    hangs = layout.in_sub_directories and smaller
    with (
        written_whole(path, least),
        tifffile.TiffWriter(path, byteorder=order, bigtiff=size > _CLASSIC) as tiff,
    ):
        tiff.write(
            _as_planes(stored.samples, options), subifds=len(smaller) if hangs else None, **options, **metadata, **once
        )
        for each in smaller:
            tiff.write(_as_planes(each[None], options), subfiletype=_REDUCED, **options, **metadata)
    if stored.exif:
        _exif.into_tiff(path, stored.exif, keep_resolution=stored.resolution is not None)


def _resolution(page: Any) -> Resolution | None:
    """Return the pixels per inch that the tags of a page record."""
    inches = {tifffile.RESUNIT.INCH: 1.0, tifffile.RESUNIT.CENTIMETER: 2.54}.get(page.resolutionunit)
    fractions = [page.tags.valueof(name) for name in ("XResolution", "YResolution")]
    if inches is None or not all(isinstance(each, tuple) and all(each) for each in fractions):
        return None
    x, y = (inches * above / below for above, below in fractions)
    return x, y


def _as_planes(samples: np.ndarray, options: dict[str, Any]) -> np.ndarray:
    """Return (pages, height, width, samples) in the order of a file."""
    if samples.shape[-1] == 1:
        return samples[..., 0]
    return np.moveaxis(samples, -1, 1) if options["planarconfig"] == "separate" else samples


@contextmanager
def _damage_raises() -> Iterator[None]:
    """Raise the errors that tifffile only logs: missing pages or tags in a file that is cut short."""
    errors: list[str] = []
    thread = threading.get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                errors.append(record.getMessage())

    listener = Listener(logging.ERROR)
    LOGGER.addHandler(listener)
    try:
        yield
    finally:
        LOGGER.removeHandler(listener)
    if errors:
        raise ValueError(f"it is damaged or cut short: {errors[0]}")


def _full_size(tiff: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the pages, without thumbnails and masks."""
    series = [s for s in tiff.series if not (s.keyframe.is_reduced or s.keyframe.is_mask)]
    if len(series) != 1:
        raise ValueError(f"it holds {len(series)} kinds of pages; they must have one size and type")
    return series[0]


def _samples(path: Path, tiff: tifffile.TiffFile, pages: tifffile.TiffPageSeries) -> np.ndarray:
    """Decode to shape (pages, height, width, samples per pixel), brighter pixels having larger values."""
    page = pages.keyframe
    if page.photometric not in (_GRAY, _INVERTED, _RGB, *_CONVERTED) or page.imagedepth != 1:
        colors = tifffile.PHOTOMETRIC(page.photometric).name
        raise ValueError(f"its pixels are {colors}, not gray or RGB; convert it first")
    if page.dtype is None or page.dtype.kind not in "buif" or page.dtype.name in ("int64", "uint64"):
        raise ValueError(f"its samples are {page.dtype}; convert them to floats or to integers of up to 32 bits")
    ends = [start + size for start, size in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if max(ends, default=0) > tiff.filehandle.size:
        raise ValueError("it is cut short")
    decodable = page.compression in tifffile.TIFF.DECOMPRESSORS and page.predictor in tifffile.TIFF.UNPREDICTORS
    if page.photometric in _CONVERTED or not decodable:
        return _decode_elsewhere(path.read_bytes(), pages)
    samples = pages.asarray().reshape(-1, *page.shape)
    if page.axes == "YX":
        samples = samples[..., np.newaxis]
    elif page.axes == "SYX":
        samples = np.moveaxis(samples, 1, -1)
    if samples.dtype == bool:
        samples = samples * np.uint8(255)
    return np.iinfo(samples.dtype).max - samples if page.photometric == _INVERTED else samples


def _decode_elsewhere(data: bytes, pages: tifffile.TiffPageSeries) -> np.ndarray:
    """Decode without tifffile, or raise `ValueError` for kinds that would be decoded wrongly."""
    page = pages.keyframe
    upright = _exif.with_orientation_reset(data)  # both libraries would rotate the picture
    numbers = [each.index for each in pages if each is not None]
    if page.dtype in (np.bool_, np.uint8) and _PREMULTIPLIED not in page.extrasamples:
        decoded = _decode_with_pillow(upright, numbers)
    elif page.planarconfig == tifffile.PLANARCONFIG.CONTIG and page.photometric in (_GRAY, _RGB):
        decoded = _decode_with_opencv(upright, numbers)
    else:
        decoded = []
    samples = 3 if page.photometric in _CONVERTED else page.samplesperpixel
    expected = (page.imagelength, page.imagewidth, samples)
    if len(decoded) != len(numbers) or any(d.shape != expected for d in decoded):
        name = tifffile.COMPRESSION(page.compression).name
        raise ValueError(f"it is damaged, or its {name} compression needs the package imagecodecs")
    return np.stack(decoded)


def _decode_with_pillow(data: bytes, numbers: list[int]) -> list[np.ndarray]:
    decoded = []
    with patient_pillow(), TiffImagePlugin.TiffImageFile(io.BytesIO(data)) as image:
        for number in numbers:
            image.seek(number)
            page = plain(image)
            decoded.append(np.asarray(page).reshape(page.height, page.width, -1))
    return decoded


def _decode_with_opencv(data: bytes, numbers: list[int]) -> list[np.ndarray]:
    with quiet_opencv():
        _, decoded = cv2.imdecodemulti(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    rgb = {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}
    pages = [page.reshape(*page.shape[:2], -1) for page in decoded]
    return [pages[number][..., rgb[pages[number].shape[-1]]] for number in numbers if number < len(pages)]
