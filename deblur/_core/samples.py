"""Samples as a file or camera holds them, and as floating-point numbers: one rule for arrays and for files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeVar

import numpy as np

if TYPE_CHECKING:
    import torch

CLIPPED = 0.98
"""Level, as a fraction of the largest value that a file can hold, above which a sample counts as clipped."""

SamplesT = TypeVar("SamplesT", np.ndarray, "torch.Tensor")


def float_type(dtype: np.dtype | torch.dtype) -> Literal["float32", "float64"]:
    """Return the floating type that samples of a type are computed in.

    float32 holds every integer of up to 16 bits, and half the memory is half the time of most methods. It does not
    hold float64 and wider integers, which are computed in float64.

    Examples
    --------
    >>> float_type(np.dtype(np.uint16)), float_type(np.dtype(np.int32))
    ('float32', 'float64')
    """
    name = dtype.name if isinstance(dtype, np.dtype) else str(dtype).removeprefix("torch.")
    return "float64" if dtype.itemsize > 2 and name != "float32" else "float32"


def scaled(samples: SamplesT) -> SamplesT:
    """Convert samples to floating-point numbers: integers are divided by the largest of their type.

    Parameters
    ----------
    samples : numpy.ndarray or torch.Tensor
        Any shape, real, in the byte order of this machine.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        float32, or float64 for float64 and integers of 32 bits and more (see `float_type`). Unsigned integers and
        booleans come out in [0, 1]; of signed ones the lowest lies a step below -1, so that `quantized` restores it.
        Shares memory with `samples` where the type stays.

    Examples
    --------
    >>> scaled(np.array([0, 51, 255], np.uint8))
    array([0. , 0.2, 1. ], dtype=float32)
    """
    floating = float_type(samples.dtype)
    if isinstance(samples, np.ndarray):
        if samples.dtype.kind in "fb":
            return samples.astype(floating, copy=False)
        return np.divide(samples, np.iinfo(samples.dtype).max, dtype=np.dtype(floating))
    import torch  # here, so that photographs are read without it

    values = samples.to(getattr(torch, floating))
    is_integer = not samples.is_floating_point() and samples.dtype is not torch.bool
    return values / torch.iinfo(samples.dtype).max if is_integer else values


def quantized(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Invert `scaled`: round half to even, and clip to the range of an integer `dtype`.

    Raises
    ------
    ValueError
        If `dtype` is an integer type and a value is NaN or infinite.
    """
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"pixels are NaN or infinite, which {dtype} cannot hold; write a float TIFF")
    limits = np.iinfo(dtype)
    # float32 has 24 bits: enough to round to 16, not to 32.
    counts = np.multiply(values, limits.max, dtype=np.float64 if dtype.itemsize > 2 else values.dtype)
    return np.rint(counts, out=counts).clip(limits.min, limits.max, out=counts).astype(dtype)
