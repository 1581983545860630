"""A last fit of the PSF, to a scene with the edges of photographs."""

from __future__ import annotations

import torch

from deblur.blind._final_step import by_network
from deblur.blind._kernels import centered, cleaned
from deblur.blind._settings import Settings
from deblur.blind._view import View, gradients

from .kernel_step import fit_psf

# Weight of the penalty, and what is cleared, see `Tuning`; the first without noise. By hand, on Levin's images and the
# shakes of `deblur bench shakes-blind`: with noise a smaller weight loses 2 dB, and as large a one without it 1 dB.
_CLEAN, _NOISY = (5.0, 0.03), (200.0, 0.05)


def refitted(psf: torch.Tensor, view: View, settings: Settings) -> torch.Tensor:
    """Fit a PSF to the edges of photographs, which are softer than those it was estimated with.

    Parameters
    ----------
    psf : torch.Tensor
        Two odd axes.
    view : View
        What is blurred, with its noise.
    settings : Settings
        For that noise.
    """
    scene = by_network(view.y[None], psf, settings.assumed_noise)[0]
    weight, least = _NOISY if settings.smoothing > 0 else _CLEAN
    fitted = fit_psf(gradients(scene), view, psf, weight=weight)
    return centered(cleaned(fitted, threshold=least, least_part=least))
