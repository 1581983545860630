"""Samples as a file holds them, and as floating numbers."""

from __future__ import annotations

import numpy as np


def scaled(samples: np.ndarray) -> np.ndarray:
    """Turn samples into floating numbers: integers are divided by the largest of their type.

    The result is float32, or float64 for the types that float32 cannot hold (float64 and integers of 32 bits).
    """
    floating = np.float64 if samples.dtype.itemsize > 2 and samples.dtype.name != "float32" else np.float32
    if samples.dtype.kind == "f":
        return samples.astype(floating, copy=False)
    return np.divide(samples, np.iinfo(samples.dtype).max, dtype=floating)


def quantized(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Invert `scaled`: round half to even, and clip to the range of an integer `dtype`."""
    if dtype.kind == "f":
        return values.astype(dtype, copy=False)
    if not np.isfinite(values).all():
        raise ValueError(f"pixels are NaN or infinite, which {dtype} cannot hold; write a float TIFF")
    limits = np.iinfo(dtype)
    counts = np.multiply(values, limits.max, dtype=np.float64 if dtype.itemsize > 2 else values.dtype)
    return np.rint(counts, out=counts).clip(limits.min, limits.max, out=counts).astype(dtype)
