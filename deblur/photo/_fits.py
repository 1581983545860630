"""FITS: pictures and cubes of astronomers, whose header, with the coordinates in the sky, goes from file to file.

References
----------
Definition of the Flexible Image Transport System 4.0 (IAU FITS Working Group, 2018).
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deblur.photo._extra import needs_library
from deblur.photo._stored import Encoding, Stored

# What describes the array, which may be of another type or shape when it is written, and what depends on its samples.
_STRUCTURE: tuple[str, ...] = (
    "SIMPLE",
    "XTENSION",
    "BITPIX",
    "NAXIS",
    "EXTEND",
    "PCOUNT",
    "GCOUNT",
    "BSCALE",
    "BZERO",
    "BLANK",
    "END",
)
_STRUCTURE += ("CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX")
_COLORS = "CTYPE3", "RGB"


@dataclass(frozen=True)
class FitsHeader:
    """The header of a FITS picture.

    Attributes
    ----------
    cards : str
        One card per line, without those that describe the array.
    unit_axes : int
        How many axes of one element lay before those of the picture.
    """

    cards: str
    unit_axes: int = 0


def read_fits(path: Path) -> Stored:
    """Read the first picture or cube; a scale and an offset of the samples are applied."""
    fits = _library()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with fits.open(path, memmap=False, lazy_load_hdus=True) as units:
            number, unit = _first_picture(units)
            blank = unit.header.get("BLANK")
            is_plain = not isinstance(unit, fits.CompImageHDU)
            least = math.prod(unit.shape) * abs(unit.header["BITPIX"]) // 8
            if is_plain and least > path.stat().st_size:
                raise ValueError("it is cut short, or its header names an absurd size")
            samples = np.asarray(unit.data)
            header = unit.header.copy()
            others = len(units) - 1 - (number > 0)  # the empty unit that every file begins with is none
    samples = _native(samples, blank)
    unit_axes = 0
    while samples.ndim > 2 and samples.shape[0] == 1:
        samples, unit_axes = samples[0], unit_axes + 1
    if samples.ndim not in (2, 3):
        raise ValueError(f"its array has {samples.ndim} axes, and a picture has 2, a cube 3; extract one first")
    is_color = header.get(_COLORS[0]) == _COLORS[1] and samples.ndim == 3 and len(samples) == 3
    samples = np.moveaxis(samples, 0, -1)[None] if is_color else samples.reshape(-1, *samples.shape[-2:], 1)
    for name in [*_STRUCTURE, *(card for card in header if card.startswith("NAXIS"))]:
        header.remove(name, ignore_missing=True, remove_all=True)
    plural = "s" if others > 1 else ""
    return Stored(
        np.ascontiguousarray(samples),
        has_alpha=False,
        measured=True,
        linear=True,
        notes=(f"{others} more unit{plural} of its data (HDUs) {'were' if plural else 'was'} left out",)
        if others > 0
        else (),
        extra={"fits": FitsHeader(header.tostring(sep="\n", endcard=False, padding=False), unit_axes)},
    )


def write_fits(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write a picture, a cube of its pages, or the three planes of its colors, with the header it came with."""
    fits = _library()
    pages, channels = len(stored.samples), stored.samples.shape[-1]
    if channels == 1:
        samples = stored.samples[..., 0]
        samples = samples[0] if pages == 1 else samples
    elif channels == 3 and pages == 1:
        samples = np.moveaxis(stored.samples[0], -1, 0)
    else:
        raise ValueError(f"it has {pages} pages of {channels} channels, and FITS is for pages or colors; write a TIFF")
    kept = stored.extra.get("fits", FitsHeader(""))
    samples = samples.reshape((1,) * kept.unit_axes + samples.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = fits.Header.fromstring(kept.cards, sep="\n") if kept.cards else fits.Header()
        if channels == 3:
            header[_COLORS[0]] = _COLORS[1]
        buffer = io.BytesIO()
        fits.PrimaryHDU(np.ascontiguousarray(samples), header).writeto(buffer, output_verify="silentfix")
    path.write_bytes(buffer.getvalue())


def _first_picture(units: Any) -> tuple[int, Any]:
    number = 0
    while True:
        try:
            unit = units[number]
        except IndexError:
            raise ValueError("it holds no picture, only tables or headers") from None
        if unit.is_image and unit.shape and 0 not in unit.shape:
            return number, unit
        number += 1


def _native(samples: np.ndarray, blank: Any) -> np.ndarray:
    """Return samples in the byte order of this machine, of a type that photographs have, and missing ones as NaN."""
    if samples.dtype.kind not in "iuf":
        raise ValueError(f"its samples are {samples.dtype}, not numbers")
    samples = samples.astype(samples.dtype.newbyteorder("="), copy=False)
    if blank is not None and samples.dtype.kind in "iu":
        floating = np.float32 if samples.dtype.itemsize < 4 else np.float64
        return np.where(samples == blank, np.nan, samples).astype(floating)
    return samples.astype(np.float64) if samples.dtype.kind in "iu" and samples.dtype.itemsize > 4 else samples


def _library() -> Any:
    with needs_library("fits", "a FITS picture"):
        from astropy.io import fits
    return fits
