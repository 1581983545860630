"""Photograph or measurement: the kind of a file, by what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from deblur.photo import Photo, _exif
from deblur.stack import Stack

Kind = Literal["array", "photo", "counts"]
"""A bare array; a photograph, made to be looked at; the counts of an instrument, proportional to light."""

KINDS = ("photo", "counts")
"""What a user can say that a file is."""


def kind_of_photo(photo: Photo, given: str | None = None) -> tuple[Kind, str]:
    """Return the kind of a picture that was read whole, and why."""
    space = photo.pixels.shape if photo.channel_axis is None else photo.pixels.shape[:-1]
    return kind_of_file(
        given,
        instrument=photo.measured,
        axes=len(space),
        dtype=photo.dtype,
        channels=1 if photo.channel_axis is None else photo.pixels.shape[-1],
        described=photo.icc is not None or _names_camera(photo.exif),
    )


def kind_of_stack(stack: Stack, given: str | None = None) -> tuple[Kind, str]:
    """Return the kind of a file that is read in windows, and why."""
    extra: Mapping[str, Any] = stack.extra
    return kind_of_file(
        given,
        instrument=stack.format != "tiff",
        axes=len(set(stack.axes) - {"S"}),
        dtype=stack.dtype,
        channels=stack.shape[-1] if stack.axes.endswith("S") else 1,
        described=bool(extra.get("iccprofile")) or _names_camera(extra.get("exif")),
    )


def _names_camera(exif: bytes | None) -> bool:
    return exif is not None and _exif.names_camera(exif)


def kind_of_file(
    given: str | None, *, instrument: bool, axes: int, dtype: Any, channels: int, described: bool
) -> tuple[Kind, str]:
    """Return the kind of a file, and the evidence for it.

    Parameters
    ----------
    given : {"photo", "counts"}, optional
        What the user says.
    instrument : bool
        Whether an instrument's software wrote it: OME, ImageJ, FITS, zarr.
    axes : int
        Number of its axes, colors aside; photographs have no pages, times or channels.
    dtype : dtype
        Type of its samples.
    channels : int
        Number of its colors, 1 if gray.
    described : bool
        Whether it has a color profile or camera data.

    Raises
    ------
    ValueError
        If `given` is another word.
    """
    if given is not None:
        if given not in KINDS:
            raise ValueError(f"kind must be {' or '.join(KINDS)}, got {given!r}")
        return ("photo", "as given") if given == "photo" else ("counts", "as given")
    dtype = np.dtype(dtype)
    signs = {
        "written by an instrument's software": instrument,
        "more than one page": axes > 2,
        f"{channels} channels": channels not in (1, 3),
        f"{dtype.name} samples": dtype.kind == "i" or (dtype.kind == "u" and dtype.itemsize > 2),
        "gray floating-point samples": dtype.kind == "f" and channels == 1,
        "16-bit gray without a profile or camera data": dtype.name == "uint16" and channels == 1 and not described,
    }
    evidence = next((sign for sign, holds in signs.items() if holds), None)
    return ("photo", "a picture file") if evidence is None else ("counts", evidence)
