"""The pixel grid of every model: its shape, its center, and validation of the arguments that set them."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from numbers import Real
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Psf: TypeAlias = npt.NDArray[np.float64]
Shape: TypeAlias = int | Sequence[int] | None

MAX_EXTENT = 10**6
MAX_PIXELS = 2**26
"""A larger array (half a gigabyte) is taken for a mistake, such as sigma=1e5, and refused before memory runs out."""


def extent(value: float, name: str) -> float:
    """Return a size in pixels as a float, or raise an error that names the argument."""
    pixels = finite(value, name)
    if not 0 <= pixels <= MAX_EXTENT:
        raise ValueError(f"{name} must be between 0 and {MAX_EXTENT}, got {value!r}")
    return pixels


def finite(value: float, name: str) -> float:
    """Return `value` as a finite float, or raise an error that names the argument."""
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return float(value)


def half_width(reach: float) -> int:
    """Return the number of pixels on either side of the central one for a blur of radius `reach` pixels.

    >>> half_width(0.5), half_width(0.6), half_width(2.5)
    (0, 1, 2)
    """
    return max(0, math.ceil(reach - 0.5 - 1e-12))  # rounding in `reach` must not add a row of zeros


def as_sizes(shape: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """Return a caller's `shape` (one size for every axis, or one per axis) as a tuple."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,) * ndim
    try:
        sizes = tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise TypeError(f"shape must be a whole number or a tuple of them, got {shape!r}") from None
    if len(sizes) != ndim or min(sizes) < 1:
        raise ValueError(f"shape must be {ndim} sizes of at least 1, got {shape!r}")
    return sizes


def choose_shape(half_widths: Sequence[int], shape: Shape, whole: str | None = None) -> tuple[int, ...]:
    """Return the caller's `shape`, or the smallest odd one with `half_widths` on either side of the center.

    If the whole blur must fit, `whole` describes it for the error message.
    """
    needed = tuple(2 * half + 1 for half in half_widths)
    sizes = needed if shape is None else as_sizes(shape, len(needed))
    if math.prod(sizes) > MAX_PIXELS:
        raise ValueError(f"a PSF of shape {sizes} is too large: at most {MAX_PIXELS} pixels are accepted")
    if whole and any(size - 1 - size // 2 < half for size, half in zip(sizes, half_widths, strict=True)):
        raise ValueError(f"shape {sizes} cannot hold {whole}: it needs at least {needed}")
    return sizes


def offsets(size: int) -> npt.NDArray[np.int_]:
    """Return the position of every pixel of an axis, counted from the center k//2.

    >>> offsets(5), offsets(4)
    (array([-2, -1,  0,  1,  2]), array([-2, -1,  0,  1]))
    """
    return np.arange(size) - size // 2


def mirror(corner: Psf, shape: tuple[int, ...]) -> Psf:
    """Unfold a blur that is the same on both sides of every axis from its values at offsets 0, 1, 2..."""
    return corner[np.ix_(*(np.abs(offsets(size)) for size in shape))]


def direction(angle: float) -> tuple[float, float]:
    """Return (row, column) steps one pixel long at `angle` degrees, counter-clockwise on screen from the column axis.

    >>> direction(90)
    (-1.0, 0.0)
    """
    radians = math.radians(finite(angle, "angle"))
    # 15 decimals keep every digit that counts and make the right angles exact; adding 0 turns -0.0 into 0.0.
    return round(-math.sin(radians), 15) + 0.0, round(math.cos(radians), 15) + 0.0
