"""Untrusted TIFF files, opened by tifffile without log output and without endless loops; the sizes they record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from xml.etree import ElementTree

import tifffile

MICROMETERS = {"nm": 1e-3, "µm": 1.0, "um": 1.0, "\\u00B5m": 1.0, "micron": 1.0, "microns": 1.0, "micrometer": 1.0}
MICROMETERS |= {"mm": 1e3, "cm": 1e4, "m": 1e6, "inch": 25400.0}
LOGGER = logging.getLogger("tifffile")
LOGGER.addHandler(logging.NullHandler())  # without a handler, warnings go to standard error


@contextmanager
def opened(file: Path | IO[bytes], **options: Any) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file, visiting each of its pages once: the page links of a damaged file may form a loop.

    Parameters
    ----------
    file : pathlib.Path or file object
        Path of the file, or its content.
    **options
        Options of `tifffile.TiffFile`.

    Raises
    ------
    Exception
        Any exception of tifffile over a damaged file; see `deblur._core.errors.reading`.
    """
    with tifffile.TiffFile(file, **options) as tiff:
        len(tiff.pages)
        yield tiff


def voxel_size(tiff: tifffile.TiffFile) -> dict[str, float]:
    """Return micrometers along Z, Y and X and seconds along T, as OME or ImageJ metadata record them.

    Parameters
    ----------
    tiff : tifffile.TiffFile
        Open file, which may be of any kind.

    Returns
    -------
    dict
        Empty if the file records no sizes, or in units that are no lengths, or its metadata are damaged.
    """
    page = tiff.pages.first
    if page.is_ome:
        try:
            return sizes_of_ome(ome_pixels(page.description))
        except (ElementTree.ParseError, KeyError, TypeError, ValueError, AttributeError):
            LOGGER.warning("the OME metadata are damaged")
            return {}
    return _sizes_of_imagej(tiff) if page.is_imagej else {}


def ome_pixels(description: str) -> dict[str, Any]:
    """Return the attributes and elements of the first picture that an OME description describes.

    Raises
    ------
    Exception
        Whatever a damaged description leads to; see `deblur._core.errors.reading`.
    """
    image = tifffile.xml2dict(description)["OME"]["Image"]
    pixels: dict[str, Any] = (image[0] if isinstance(image, list) else image)["Pixels"]
    return pixels


def sizes_of_ome(pixels: dict[str, Any]) -> dict[str, float]:
    """Return the sizes that `ome_pixels` records."""
    sizes = {}
    for axis in "ZYX":
        value = pixels.get(f"PhysicalSize{axis}")
        unit = MICROMETERS.get(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")))
        if value and unit:
            sizes[axis] = float(value) * unit
    if pixels.get("TimeIncrement") and pixels.get("TimeIncrementUnit", "s") == "s":
        sizes["T"] = float(pixels["TimeIncrement"])
    return sizes


def _sizes_of_imagej(tiff: tifffile.TiffFile) -> dict[str, float]:
    metadata = tiff.imagej_metadata or {}
    unit = MICROMETERS.get(str(metadata.get("unit", "")))
    if unit is None:
        return {}
    spacing = metadata.get("spacing")
    sizes = {"Z": float(spacing) * unit} if isinstance(spacing, int | float) and spacing > 0 else {}
    tags = tiff.pages.first.tags
    for axis, tag in (("Y", "YResolution"), ("X", "XResolution")):
        numerator, denominator = tags.valueof(tag, (0, 1))
        if numerator and denominator:
            sizes[axis] = denominator / numerator * unit
    return sizes
