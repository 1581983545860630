"""The door of the blind methods for photographs: channels, one gray picture of them, noise, clipped pixels."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from deblur._arrays import check_finite, enter
from deblur.nonblind._noise import noise_of

from ._view import View

_CLIPPED = 0.98  # of the largest value that a file can hold
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
        whole, self._give_back = enter(image, "image")
        self._like, self._channel_axis = whole, channel_axis
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
        clipped = (self.y > _CLIPPED).any(0)
        if bool(clipped.any()):  # and their neighbors, which interpolation and codecs have mixed with them
            clipped = F.max_pool2d(clipped[None, None].float(), 3, 1, 1)[0, 0] > 0
        gray = _luma(*self.y) if len(self.y) == 3 else self.y.mean(0)
        self.view = View(gray, ~clipped)
        self.noise_level = float(noise_of(gray, 2)) if noise_level is None else noise_level / self.scale

    def finish(self, channels: torch.Tensor) -> Any:
        """Return restored channels in the kind, layout and unit of the image."""
        x = (channels * self.scale).to(self._like)
        return self._give_back((x[0] if self._channel_axis is None else x.movedim(0, self._channel_axis)).contiguous())

    def give_back(self, psf: torch.Tensor) -> Any:
        """Return a point-spread function in the kind of the image."""
        return self._give_back(psf.to(self._like))


def _luma(red: torch.Tensor, green: torch.Tensor, blue: torch.Tensor) -> torch.Tensor:
    """Return the weighted mean of the channels; of equal ones exactly their value."""
    return green + _RED * (red - green) + _BLUE * (blue - green)
