"""Noise that is more than one level: what a lossy codec has removed, and noise that rises with light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

# Levels that restore best, as powers of the quantization steps: python -m benchmarks.quality.jpeg. They exceed the
# error that the codec makes two to three times, because a coefficient rounded to 0 is not a small error but no
# information, at frequencies that restoration amplifies.
_LIGHT, _COLOR, _SINGLE = (0.0086, 10.0, 0.68), (0.0118, 20.0, 0.59), (0.0088, 10.0, 0.45)
_SAMPLING = {"4:4:4": 0.7, "4:2:2": 0.85, "4:2:0": 1.0}
"""Factor of the color levels: fewer color samples have lost detail as well."""


@dataclass(frozen=True)
class NoiseModel:
    """Noise of which white noise is one part; accepted as `noise_level` by the methods of `deblur.nonblind`.

    Parameters
    ----------
    white : float, optional
        Standard deviation of the white part, in the unit of the image; estimated if None.
    luminance, chrominance : float
        Root mean square of the quantization steps that a lossy codec used for luminance and color differences, in
        steps of 8 bits (`deblur.photo.Compression`); 0 for an image that was not compressed.
    sampling : {"4:4:4", "4:2:2", "4:2:0"}
        Resolution of the compressed color differences.
    shot : float
        Variance per unit of light, as photons have it: the variance of a sample of mean x is ``white**2 + shot * x``.

    Raises
    ------
    ValueError
        If a number is negative or not finite, or `sampling` is another.

    Examples
    --------
    >>> from deblur.nonblind import NoiseModel
    >>> half = NoiseModel(luminance=38, chrominance=84)  # quality 50 of libjpeg
    >>> round(half.light_level, 4), round(half.color_level, 4)
    (0.0213, 0.0275)
    """

    white: float | None = None
    luminance: float = 0.0
    chrominance: float = 0.0
    sampling: str = "4:2:0"
    shot: float = 0.0

    def __post_init__(self) -> None:
        for name in ("white", "luminance", "chrominance", "shot"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and not negative, got {value!r}")
        if self.sampling not in _SAMPLING:
            raise ValueError(f"sampling must be one of {', '.join(_SAMPLING)}, got {self.sampling!r}")

    @property
    def light_level(self) -> float:
        """Level of the compression in the mean of the colors, for an image of brightest value 1."""
        return _power(self.luminance, *_LIGHT)

    @property
    def color_level(self) -> float:
        """Level of the compression in differences of colors, for an image of brightest value 1."""
        return _SAMPLING[self.sampling] * _power(self.chrominance, *_COLOR)

    @property
    def single_level(self) -> float:
        """Level of the compression where one has to do for all channels, for an image of brightest value 1."""
        return _power(self.luminance, *_SINGLE)


def white_part(noise_level: Any) -> Any:
    """Return the white noise level that was given: that of a model, or the number itself."""
    return noise_level.white if isinstance(noise_level, NoiseModel) else noise_level


def _power(steps: float, factor: float, unit: float, exponent: float) -> float:
    return factor * (steps / unit) ** exponent if steps else 0.0
