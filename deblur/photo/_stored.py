"""The content of an image file, common to all formats: samples as stored, and metadata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deblur.photo._compression import Compression

Resolution = tuple[float, float]


@dataclass(frozen=True)
class Stored:
    """The content of an image file, before scaling and rotation.

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
        Color profile and XMP packet, unchanged.
    resolution : (float, float) or None
        Pixels per inch along x and y.
    measured : bool
        Whether the file describes itself as the data of an instrument (OME-TIFF, ImageJ).
    compression : Compression or None
        How strongly a lossy format has quantized the samples.
    """

    samples: np.ndarray
    has_alpha: bool
    exif: bytes | None = None
    icc: bytes | None = None
    xmp: bytes | None = None
    resolution: Resolution | None = None
    premultiplied: bool = False
    measured: bool = False
    compression: Compression | None = None

    @property
    def channels(self) -> int:
        """The number of samples per pixel without alpha: 1 is gray, 3 is RGB."""
        return self.samples.shape[-1] - self.has_alpha
