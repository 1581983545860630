"""Input validation of the blind methods for photographs: channels, gray image, noise, clipped pixels."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from deblur._core.arrays import as_float_tensor
from deblur._core.samples import CLIPPED
from deblur._core.weights import weighted
from deblur._result import Restoration
from deblur.nonblind import NoiseModel
from deblur.nonblind._noise_model import white_part
from deblur.solvers.filling import fill_smoothly
from deblur.solvers.noise import noise_of

from ._kernels import delta
from ._lights import grown, without_lights
from ._view import View, gradients, smooth

FEWEST_PIXELS = 32
"""Smallest side of an image that a blur is estimated from; by hand."""

_FAINTEST = 3.0  # noise levels: gradients of a smoothed image; by hand, as the next
_DIM = 0.25  # of the range: 12-bit counts in 16 bits are an image at 1/16 of its scale, and thresholds are absolute
_COMPRESSED = 0.01  # of the range, of a JPEG: python -m benchmarks.quality.jpeg --blind
_MOST_CLIPPED = 0.7  # of the pixels
_RED, _BLUE = 0.299, 0.114  # luma of gamma-encoded values (BT.601)


class Picture:
    """A validated photograph, and the way back to the caller's array type.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Shape ``(height, width)`` and a channel axis where there are channels.
    channel_axis : int or None
        Axis of the channels.
    noise_level : float, NoiseModel or None
        In the unit of the image; estimated if None.
    method : str
        Name of the method in its results.
    weights : array, optional
        Weight of each sample, 0 where its value is ignored.

    Attributes
    ----------
    y : torch.Tensor
        Shape ``(channels, height, width)``, in single precision, on the scale [0, 1].
    view : View
        What a blur is estimated from: the gray image of the channels, or where lights are clipped the channel that has
        lost least, without them.
    unclipped : View
        The gray image, of which no clipped pixel is valid: what softness and spectra are read from.
    has_lights : bool
        Whether lights are clipped: they are restored brighter than they are.
    is_compressed : bool
        Whether the image was a JPEG, or another lossy file, with the steps that `noise_level` has.
    noise_level : float
        Standard deviation of the noise of the gray image, on the scale [0, 1].
    weights : torch.Tensor or None
        Where samples are known, of the shape of `y`; None if all are.
    scale : float
        The value in the unit of the image that 1 stands for.
    """

    def __init__(
        self, image: Any, channel_axis: int | None, noise_level: Any, *, method: str, weights: Any = None
    ) -> None:
        self._start, self._method, self._channel_axis = time.perf_counter(), method, channel_axis
        whole, self._to_input_kind = as_float_tensor(image, "image")
        self._values = whole
        if whole.ndim != 2 + (channel_axis is not None):
            axes = "2 axes" if channel_axis is None else "2 axes and a channel axis"
            hint = "; for color give channel_axis" if channel_axis is None and whole.ndim == 3 else ""
            raise ValueError(f"image must have {axes}, got shape {tuple(whole.shape)}{hint}")
        if channel_axis is not None and not -3 <= channel_axis < 3:
            raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(whole.shape)}")
        _check_noise_level(noise_level)
        channels = whole[None] if channel_axis is None else whole.movedim(channel_axis, 0)
        channels, w = weighted(channels, weights, channel_axis)
        seen = None if weights is None else (w > 0).expand(channels.shape).all(0)
        if seen is not None:
            if not bool(seen.any()):
                raise ValueError("weights must be positive somewhere in all channels")
            channels = fill_smoothly(channels, seen, 2)
        self.weights = None if seen is None else seen.expand(channels.shape).float()
        brightest = float(channels.max())
        self.scale = brightest if brightest > 1 or 0 < brightest < _DIM else 1.0
        self.y = (channels / self.scale).float()
        y = gray(self.y)
        self.view, self.has_lights = without_lights(self.y, y)
        clipped = grown((self.y > CLIPPED).any(0), 1)
        self.unclipped = View(y, ~clipped)
        if seen is not None:
            self.view, self.unclipped = (each._replace(valid=each.valid & seen) for each in (self.view, self.unclipped))
        white, self._given_noise = white_part(noise_level), noise_level
        # Exact zeros, where samples are not known, do not count as noise.
        known = y if seen is None else y * seen
        level = float(noise_of(known, 2)) if white is None else white / self.scale
        self.is_compressed = isinstance(noise_level, NoiseModel) and noise_level.luminance > 0
        self.noise_level = math.hypot(level, _COMPRESSED) if self.is_compressed else level

    def noise_with(self, error: float, *, of_mean: bool = False) -> NoiseModel:
        """Return the noise of the channels, or of their mean, to which an estimated PSF adds `error` in the mean."""
        model = self._given_noise if isinstance(self._given_noise, NoiseModel) else NoiseModel()
        level = math.hypot(self._channel_noise, error * self.averaging)
        return replace(model, white=level / self.averaging if of_mean else level)

    @property
    def averaging(self) -> float:
        """By how much the final step lowers the noise of the channels: it averages three, and no other number."""
        return math.sqrt(3) if len(self.y) == 3 else 1.0

    @functools.cached_property
    def _channel_noise(self) -> float:
        """Standard deviation of the white noise of the channels, on the scale [0, 1]."""
        white = white_part(self._given_noise)
        return float(noise_of(self.y, 2).mean()) if white is None else white / self.scale

    def restored(
        self,
        channels: torch.Tensor,
        psf: torch.Tensor,
        confidence: float,
        reason: str,
        details: Mapping[str, Any] | None = None,
    ) -> Restoration:
        """Return a result in the array type, layout and unit of the image."""
        x = (channels * self.scale).to(self._values)
        x = (x[0] if self._channel_axis is None else x.movedim(0, self._channel_axis)).contiguous()
        return self._result(x, psf, confidence, reason, changed=True, details=details or {})

    def unchanged(self, confidence: float, reason: str, **details: Any) -> Restoration:
        """Return a copy of the image as floating-point numbers, with a PSF of one pixel."""
        x = self._values.detach().clone()
        point = delta(torch.zeros(3, 3, dtype=torch.float32))
        return self._result(x, point, confidence, reason, changed=False, details=details)

    def to_input_kind(self, array: torch.Tensor) -> Any:
        """Return an array in the array type, floating-point type and device of the image."""
        return self._to_input_kind(array.to(self._values))

    def _result(self, x: torch.Tensor, psf: torch.Tensor, confidence: float, reason: str, **facts: Any) -> Restoration:
        return Restoration(
            self._to_input_kind(x),
            self.to_input_kind(psf),
            self.noise_level * self.scale,
            self._method,
            time.perf_counter() - self._start,
            confidence,
            reason,
            channel_axis=self._channel_axis,
            **facts,
        )


def _check_noise_level(noise_level: Any) -> None:
    if noise_level is None or isinstance(noise_level, NoiseModel):
        return
    if isinstance(noise_level, str) or np.ndim(noise_level):
        raise TypeError(f"noise_level must be one number or None, got {noise_level!r}")
    if not 0 <= noise_level < math.inf:
        raise ValueError(f"noise_level must be finite and not negative, got {noise_level}")


def unusable_reason(picture: Picture) -> str:
    """Return why no blur can be estimated from an image, by any method; empty if one can."""
    view, noise = picture.view, picture.noise_level
    if min(view.y.shape) < FEWEST_PIXELS:
        return f"the picture is too small to estimate a blur from: it needs {FEWEST_PIXELS} pixels per side"
    if float((~view.valid).float().mean()) > _MOST_CLIPPED:
        return "nearly all of the picture is clipped: it shows no edges to estimate a blur from"
    slopes = gradients(smooth(view.y, 2.0)).square().sum(0).sqrt_()
    strongest = float(slopes.flatten().kthvalue(max(1, round(0.995 * slopes.numel()))).values)
    if strongest < 1e-4:
        return "the picture is flat: it shows no edges to estimate a blur from"
    if strongest < _FAINTEST * noise * 0.1:
        return "the picture shows nothing but noise"
    return ""


def checked_shape(psf_shape: Any, picture: Picture, alternatives: str = "") -> tuple[int, int]:
    """Return the largest PSF size per axis, or raise an error that lists what is accepted."""
    frame = tuple(picture.view.y.shape)
    shape = (psf_shape, psf_shape) if isinstance(psf_shape, int) else psf_shape
    accepted = f"{alternatives}odd sizes from 3 to half the picture ({frame[0] // 2} x {frame[1] // 2})"
    if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(side, int) for side in shape)):
        raise TypeError(f"psf_shape must be {accepted}, got {psf_shape!r}")
    if any(side < 3 or side % 2 == 0 or side > size // 2 for side, size in zip(shape, frame, strict=True)):
        raise ValueError(f"psf_shape must be {accepted}, got {psf_shape!r}")
    return shape


def gray(channels: torch.Tensor) -> torch.Tensor:
    """Return the luma of red, green and blue, or the mean of other channels; exactly the value of equal ones."""
    if len(channels) != 3:
        return channels.mean(0)
    red, green, blue = channels
    return green + _RED * (red - green) + _BLUE * (blue - green)
