"""The final step of blind methods: restoration of all channels with the estimated PSF."""

from __future__ import annotations

import torch

from deblur._core.progress import Progress, span
from deblur._core.samples import CLIPPED
from deblur.nonblind import NoiseModel, highlights_share, split_highlights, unrolled

from ._picture import Picture
from ._settings import Settings
from ._view import smooth

SEARCHING, SHARPENING = "looking for the blur", "sharpening"
"""The stages that are reported while the PSF is estimated, and while the image is restored."""


def sharpen_all(
    picture: Picture, psf: torch.Tensor, settings: Settings, progress: Progress | None = None
) -> torch.Tensor:
    """Restore the channels of a picture, with edges as soft as those of photographs."""
    saturation = CLIPPED if picture.has_lights else None
    restored = by_network(picture.y, psf, settings.assumed_noise, progress, picture.weights, saturation)
    return torch.stack([smooth(x, settings.softening) for x in restored])


def by_network(
    channels: torch.Tensor,
    psf: torch.Tensor,
    noise_level: float | NoiseModel | None = None,
    progress: Progress | None = None,
    weights: torch.Tensor | None = None,
    saturation: float | None = CLIPPED,
) -> torch.Tensor:
    """Restore the channels of an image by `unrolled`; what is saturated, if anything, is taken to be brighter."""
    if saturation is None:
        return unrolled(channels, psf, noise_level=noise_level, weights=weights, channel_axis=0, progress=progress)
    share = highlights_share(channels, saturation, channel_axis=0)
    parts = split_highlights(
        channels,
        psf,
        saturation=saturation,
        noise_level=noise_level,
        weights=weights,
        channel_axis=0,
        progress=span(progress, 0, share),
    )
    restored = unrolled(
        parts.remainder,
        psf,
        noise_level=noise_level,
        weights=weights,
        channel_axis=0,
        progress=span(progress, share, 1),
    )
    return restored + parts.excess
