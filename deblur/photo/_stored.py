"""The content of an image file, common to all formats: samples as stored, and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
        Whether the file describes itself as the data of an instrument (OME-TIFF, ImageJ, FITS).
    compression : Compression or None
        How strongly a lossy format has quantized the samples.
    linear : bool
        Whether the format says that its samples are proportional to light.
    voxel_size : mapping of str to float
        Micrometers along Z, Y and X, seconds along T.
    notes : tuple of str
        Sentences about what could not be read.
    extra : mapping
        What one format has and others lack, see `Photo`.
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
    linear: bool = False
    voxel_size: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def channels(self) -> int:
        """The number of samples per pixel without alpha: 1 is gray, 3 is RGB."""
        return self.samples.shape[-1] - self.has_alpha


@dataclass(frozen=True)
class Encoding:
    """How a file is to be encoded, where its format leaves a choice.

    Attributes
    ----------
    quality : int or None
        1 (smallest file) to 100 (best), for lossy formats; None for the best that is usual.
    compression : str or None
        Compression of a TIFF; None for that of the file that the photograph came from.
    """

    quality: int | None = None
    compression: str | None = None
