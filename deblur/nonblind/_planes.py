"""Gray planes on the scale [0, 1], on which the networks were trained, from any image, and their inverse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ._measurement import PsfMeasurement, brightness
from ._noise_model import NoiseModel

# Light, red minus blue, green minus the others: nearly uncorrelated in photographs (Buchsbaum and Gottschalk 1983).
_OPPONENT = torch.tensor([[1 / 3, 1 / 3, 1 / 3], [1 / 2, 0, -1 / 2], [-1 / 4, 1 / 2, -1 / 4]], dtype=torch.float64)
_GRAY = torch.tensor([0.0, 0.5, 0.5], dtype=torch.float64)


class Planes:
    """The planes of a measurement, in single precision.

    Each image is scaled by its own brightest values, so that the restoration is proportional to the image. Three
    channels become light and two color differences, which concentrates the details of a photograph in one plane with
    less noise; other numbers of channels stay as they are.

    Parameters
    ----------
    measurement : PsfMeasurement
        Two spatial axes.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    boundary : {"unknown", "circular"}
        How the scene continues past the image.
    is_color : bool
        Whether the first axis is the channel axis.

    Attributes
    ----------
    y : torch.Tensor
        Shape ``(planes, 1, height, width)``.
    psf : torch.Tensor
        Shape ``(planes, rows, columns)``, of sum 1.
    noise_level : torch.Tensor
        Shape ``(planes,)``.
    weights : torch.Tensor or None
        1 where a sample has a weight and 0 where it has none, of the shape of `y`; None if all have one.

    Raises
    ------
    ValueError
        If there are not two spatial axes, or the noise level is negative or not finite.
    """

    def __init__(self, measurement: PsfMeasurement, noise_level: Any, boundary: str, *, is_color: bool) -> None:
        if len(measurement.frame) != 2:
            raise ValueError(
                f"networks restore images of 2 axes, and the psf has {len(measurement.frame)}; "
                "wiener and richardson_lucy take 1 to 3"
            )
        y, psf = measurement.filled, measurement.psf
        noise = self._pointwise_noise(measurement, noise_level, boundary)
        self._like = y
        self.has_colors = is_color and len(y) == 3 and psf.ndim < y.ndim
        light = psf.sum((-2, -1), keepdim=True)
        self._scale = brightness(y / light, measurement.axes, is_color=is_color)
        y, noise = y / (light * self._scale), noise / (light * self._scale)
        if self.has_colors:
            mix = _OPPONENT.to(y)
            y = torch.tensordot(mix, y, 1) + self._offset(y)
            noise = torch.tensordot(mix.square(), noise.square(), 1).sqrt()
        if isinstance(noise_level, NoiseModel):
            noise = torch.hypot(noise, self._compression(noise_level).to(noise))
        self._batch = tuple(y.shape[:-2])
        self.y = y.reshape(-1, 1, *y.shape[-2:]).float()
        self.noise_level = noise.reshape(-1).float()
        self.weights = None if measurement.weights.ndim == 0 else self._each(measurement.weights, is_color)
        self.psf = (psf / light).expand(*self._batch, *psf.shape[-2:]).reshape(-1, *psf.shape[-2:]).float()

    @staticmethod
    def _pointwise_noise(measurement: PsfMeasurement, given: Any, boundary: str) -> torch.Tensor:
        """Return the level of the noise that channels do not share, one value per image."""
        if isinstance(given, NoiseModel):
            given = replace(given, luminance=0, chrominance=0)
        return measurement.noise_level(given, boundary).to(measurement.y).expand(*measurement.y.shape[:-2], 1, 1)

    def _compression(self, model: NoiseModel) -> torch.Tensor:
        levels = [model.light_level, model.color_level, model.color_level] if self.has_colors else [model.light_level]
        return torch.tensor(levels, dtype=torch.float64).reshape(-1, *[1] * (self._like.ndim - 1))

    def merge(self, x: torch.Tensor) -> torch.Tensor:
        """Return the estimate, for `Measurement.finish`, of which these are the restored planes."""
        x = x.reshape(*self._batch, *x.shape[-2:]).to(self._like)
        if self.has_colors:
            x = torch.tensordot(_OPPONENT.inverse().to(x), x - self._offset(x), 1)
        return x * self._scale

    def _each(self, weights: torch.Tensor, is_color: bool) -> torch.Tensor:
        """Return which samples of each plane have a weight; where colors mix, in every channel."""
        weights = weights.expand(self._like.shape)
        if is_color and self.has_colors:
            weights = weights.amin(0, keepdim=True).expand(weights.shape)
        return (weights > 0).reshape(-1, 1, *weights.shape[-2:]).float()

    def _offset(self, x: torch.Tensor) -> torch.Tensor:
        return _GRAY.to(x).reshape(3, *[1] * (x.ndim - 1))
