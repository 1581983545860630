"""What every format reads and writes: samples as the file holds them, and the metadata beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Resolution = tuple[float, float]


@dataclass(frozen=True)
class Stored:
    """The content of an image file, before anything is scaled or turned.

    Attributes
    ----------
    samples : numpy.ndarray
        Shape (pages, height, width, samples per pixel), in the type of the file: gray or colors in RGB order, then
        alpha.
    has_alpha, premultiplied : bool
        Whether the last sample is alpha, and whether the colors have been multiplied by it.
    exif : bytes or None
        From the TIFF header ``II*`` or ``MM*`` on.
    icc, xmp : bytes or None
        As they are.
    resolution : (float, float) or None
        Pixels per inch along x and y.
    """

    samples: np.ndarray
    has_alpha: bool
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    resolution: Resolution | None = None
    premultiplied: bool = False

    @property
    def channels(self) -> int:
        """The number of samples per pixel without alpha: 1 is gray, 3 is RGB."""
        return self.samples.shape[-1] - self.has_alpha


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
