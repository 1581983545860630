"""The final step of blind methods: restoration of all channels with the estimated PSF."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from deblur._core.progress import Progress, span
from deblur._core.samples import CLIPPED
from deblur.nonblind import NoiseModel, highlights_share, hyper_laplacian, split_highlights, unrolled

from ._view import smooth

SEARCHING, SHARPENING = "looking for the blur", "sharpening"
"""The stages that are reported while the PSF is estimated, and while the image is restored."""


def softened(channels: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return restored channels with edges as soft as those of photographs: smoothed by a Gaussian of `sigma` pixels."""
    return torch.stack([smooth(x, sigma) for x in channels])


def by_method(
    method: Callable[..., torch.Tensor],
    channels: torch.Tensor,
    psf: torch.Tensor,
    noise_level: float | NoiseModel | None = None,
    progress: Progress | None = None,
    weights: torch.Tensor | None = None,
    saturation: float | None = CLIPPED,
) -> torch.Tensor:
    """Restore the channels of an image by `method`; what is saturated, if anything, is taken to be brighter."""
    options: dict[str, Any] = {"noise_level": noise_level, "weights": weights, "channel_axis": 0}
    if saturation is None:
        return method(channels, psf, progress=progress, **options)
    share = highlights_share(channels, saturation, channel_axis=0)
    parts = split_highlights(channels, psf, saturation=saturation, progress=span(progress, 0, share), **options)
    return method(parts.remainder, psf, progress=span(progress, share, 1), **options) + parts.excess


by_network = functools.partial(by_method, unrolled)
by_sparsity = functools.partial(by_method, hyper_laplacian)
"""Without what a network has learned, which leaves rails where the zeros of a PSF are not where the blur has them."""
