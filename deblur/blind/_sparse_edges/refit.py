"""A last fit of the PSF, to a scene with the edges of photographs."""

from __future__ import annotations

import torch

from deblur.blind._final_step import by_network
from deblur.blind._kernels import centered, cleaned
from deblur.blind._settings import Settings
from deblur.blind._view import View, gradients

from .kernel_step import fit_psf
from .ladder import DETAILED

_WEIGHT = 5.0  # of the penalty; deblur bench levin-blind measures its effect


def refitted(psf: torch.Tensor, view: View, settings: Settings) -> torch.Tensor:
    """Fit a PSF to the edges of photographs, which are softer than those it was estimated with.

    With noise it stays as it is: the scene that the network restores is no more certain then.
    """
    if settings.smoothing > 0:
        return psf
    scene = by_network(view.y[None], psf, settings.assumed_noise)[0]
    fitted = fit_psf(gradients(scene), view, psf, weight=_WEIGHT)
    return centered(cleaned(fitted, threshold=DETAILED.threshold, least_part=DETAILED.least_part))
