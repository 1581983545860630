"""The final step: the PSF fitted once more, to a scene as photographs are, and the picture restored with it."""

from __future__ import annotations

from collections.abc import Callable

import torch

from deblur._core.samples import CLIPPED
from deblur.nonblind import highlights_share, split_highlights, unrolled

from ._estimate import DETAILED
from ._kernel_step import centered, cleaned, fit_psf
from ._search import Settings
from ._view import View, smooth

_WEIGHT = 5.0


def refitted(psf: torch.Tensor, view: View, settings: Settings) -> torch.Tensor:
    """Fit a PSF to the edges that photographs have, which are softer than those it was estimated with.

    Where there is noise it stays as it is: the network's scene is no better known then.
    """
    if settings.smoothing > 0:
        return psf
    scene = by_network(view.y[None], psf, settings.told)[0]
    fitted = fit_psf(scene, view, psf, weight=_WEIGHT)
    return centered(cleaned(fitted, threshold=DETAILED.threshold, least_part=DETAILED.least_part))


def restored_with(y: torch.Tensor, psf: torch.Tensor, settings: Settings) -> list[torch.Tensor]:
    """Return what the final step makes of a gray picture with a known PSF: softened as a blind result is, and not."""
    x = by_network(y[None], psf, settings.told)[0]
    return [smooth(x, settings.softening), x]


def sharpen_all(
    channels: torch.Tensor, psf: torch.Tensor, settings: Settings, progress: Callable[[float], None] | None = None
) -> torch.Tensor:
    """Restore the channels of a picture, as soft as photographs are."""
    restored = by_network(channels, psf, settings.told, progress)
    return torch.stack([smooth(x, settings.softening) for x in restored])


def by_network(
    channels: torch.Tensor,
    psf: torch.Tensor,
    noise_level: float | None = None,
    progress: Callable[[float], None] | None = None,
) -> torch.Tensor:
    """Restore the channels of a picture, of which what is clipped is taken for brighter."""
    report = progress or (lambda part: None)
    share = highlights_share(channels, CLIPPED, channel_axis=0)
    parts = split_highlights(
        channels,
        psf,
        saturation=CLIPPED,
        noise_level=noise_level,
        channel_axis=0,
        progress=lambda fraction, stage: report(share * fraction),
    )
    restored = unrolled(
        parts.remainder,
        psf,
        noise_level=noise_level,
        channel_axis=0,
        progress=lambda fraction, stage: report(share + (1 - share) * fraction),
    )
    return restored + parts.excess
