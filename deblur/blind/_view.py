"""The gray image from which a blur is estimated, with its clipped pixels marked."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from deblur.operators import Convolution

_CLIPPED = 0.02  # of the area of a smaller pixel: then it counts as clipped; by hand


class View(NamedTuple):
    """A gray image with a mask of its valid pixels.

    Attributes
    ----------
    y : torch.Tensor
        Shape ``(height, width)``.
    valid : torch.Tensor
        Boolean, of the same shape: false at clipped pixels.
    background : float or None
        The value, 0 or 1, of a page that takes up much of the image; None if there is none.
    """

    y: torch.Tensor
    valid: torch.Tensor
    background: float | None = None

    @property
    def is_page(self) -> bool:
        """Whether much of the image is paper, or a black ground."""
        return self.background is not None

    def shrunk(self, factor: float) -> View:
        """Return the view, `factor` times smaller."""
        if factor == 1:
            return self
        size = [max(1, round(side / factor)) for side in self.y.shape]
        y = smooth(self.y, 0.4 * math.sqrt(factor**2 - 1))
        y = F.interpolate(y[None, None], size, mode="bicubic", align_corners=False)[0, 0]
        if bool(self.valid.all()):
            return View(y, torch.ones(size, dtype=torch.bool, device=y.device), self.background)
        clipped = F.interpolate((~self.valid).to(y)[None, None], size, mode="area")[0, 0]
        return View(y, clipped <= _CLIPPED, self.background)

    def smoothed(self, sigma: float) -> View:
        """Return the view, smoothed by a Gaussian."""
        return self._replace(y=smooth(self.y, sigma))


def smooth(y: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth the last two axes by a sampled Gaussian; the border is continued by its own samples."""
    if sigma == 0:
        return y
    radius = max(3, math.ceil(4 * sigma))
    bell = torch.exp(-torch.arange(-radius, radius + 1, dtype=torch.float64).square() / (2 * sigma**2)).to(y)
    bell /= bell.sum()
    for kernel in (bell[None, :], bell[:, None]):
        y = Convolution(kernel, tuple(y.shape[-2:]), "replicate")(y)
    return y


def gradients(x: torch.Tensor) -> torch.Tensor:
    """Return the forward differences along columns and rows, ``(2, height - 1, width - 1)``."""
    return torch.stack([x[:-1, 1:] - x[:-1, :-1], x[1:, :-1] - x[:-1, :-1]])
