"""The door of the blind methods for photographs: channels, one gray picture of them, noise, clipped pixels."""

from __future__ import annotations

import math
import time
from typing import Any

import torch
import torch.nn.functional as F

from deblur._core.arrays import as_float_tensor, check_finite
from deblur._core.samples import CLIPPED
from deblur.solvers.noise import noise_of

from ._kernel_step import delta
from ._result import BlindResult
from ._view import View

_RED, _BLUE = 0.299, 0.114  # in the light of a picture with gamma (BT.601)


class Picture:
    """A photograph.

    Attributes
    ----------
    y : torch.Tensor
        Shape ``(channels, height, width)``, in single precision, on the scale [0, 1].
    view : View
        One gray picture of the channels, and where no channel is clipped.
    noise_level : float
        Standard deviation of the noise of the gray picture, on the scale [0, 1].
    scale : float
        What 1 is in the unit of the image.
    """

    def __init__(self, image: Any, channel_axis: int | None, noise_level: float | None) -> None:
        self._began = time.perf_counter()
        whole, self._give_back = as_float_tensor(image, "image")
        self._image, self._like, self._channel_axis = image, whole, channel_axis
        if whole.ndim != 2 + (channel_axis is not None):
            axes = "2 axes" if channel_axis is None else "2 axes and a channel axis"
            hint = "; for color give channel_axis" if channel_axis is None and whole.ndim == 3 else ""
            raise ValueError(f"image must have {axes}, got shape {tuple(whole.shape)}{hint}")
        if channel_axis is not None and not -3 <= channel_axis < 3:
            raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(whole.shape)}")
        check_finite(whole, "image")
        if noise_level is not None and not 0 <= noise_level < math.inf:
            raise ValueError(f"noise_level must be finite and not negative, got {noise_level}")
        channels = whole[None] if channel_axis is None else whole.movedim(channel_axis, 0)
        brightest = float(channels.max())
        self.scale = brightest if brightest > 1 else 1.0
        self.y = (channels / self.scale).float()
        clipped = (self.y > CLIPPED).any(0)
        if bool(clipped.any()):  # and their neighbors, which interpolation and codecs have mixed with them
            clipped = F.max_pool2d(clipped[None, None].float(), 3, 1, 1)[0, 0] > 0
        y = gray(self.y)
        self.view = View(y, ~clipped)
        self.noise_level = float(noise_of(y, 2)) if noise_level is None else noise_level / self.scale

    def restored(self, channels: torch.Tensor, psf: torch.Tensor, confidence: float, reason: str) -> BlindResult:
        """Return what was found, in the kind, layout and unit of the image."""
        x = (channels * self.scale).to(self._like)
        x = (x[0] if self._channel_axis is None else x.movedim(0, self._channel_axis)).contiguous()
        return self._result(self._give_back(x), psf, confidence, reason)

    def unchanged(self, confidence: float, reason: str) -> BlindResult:
        """Return the image itself, not blurred."""
        return self._result(self._image, delta(torch.zeros(3, 3)), confidence, reason)

    def give_back(self, array: torch.Tensor) -> Any:
        """Return an array in the kind of the image."""
        return self._give_back(array.to(self._like))

    def _result(self, image: Any, psf: torch.Tensor, confidence: float, reason: str) -> BlindResult:
        level, seconds = self.noise_level * self.scale, time.perf_counter() - self._began
        return BlindResult(image, self.give_back(psf), level, confidence, reason, seconds)


def checked_shape(psf_shape: Any, picture: Picture, besides: str = "") -> tuple[int, int]:
    """Return the largest size of a PSF for both axes, or raise a line that says what is accepted, and what besides."""
    frame = tuple(picture.view.y.shape)
    shape = (psf_shape, psf_shape) if isinstance(psf_shape, int) else psf_shape
    accepted = f"{besides}odd sizes from 3 to half the picture ({frame[0] // 2} x {frame[1] // 2})"
    if not (isinstance(shape, tuple) and len(shape) == 2 and all(isinstance(side, int) for side in shape)):
        raise TypeError(f"psf_shape must be {accepted}, got {psf_shape!r}")
    if any(side < 3 or side % 2 == 0 or side > size // 2 for side, size in zip(shape, frame, strict=True)):
        raise ValueError(f"psf_shape must be {accepted}, got {psf_shape!r}")
    return shape


def gray(channels: torch.Tensor) -> torch.Tensor:
    """Return the light of red, green and blue, or the mean of other channels; of equal ones exactly their value."""
    if len(channels) != 3:
        return channels.mean(0)
    red, green, blue = channels
    return green + _RED * (red - green) + _BLUE * (blue - green)
