"""A kernel that was found on a shrunk image, brought to the full size."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from deblur._core.progress import Progress, silent
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import fitted_to, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .estimate import Size, Tuning, estimate_psf
from .judge import Candidate, evaluate, least_energy

# By hand, on the scenes 01 and 03 of Lai et al. (CVPR 2016): deblur bench lai-blind.
_ROOM = 6  # pixels on each side
_ONCE = Tuning(8e-4, 0.04, 0.05)
_AGAIN = Tuning(2e-3, 0.04, 0.05)
_ROUNDS = 3


def refined(
    window: View, settings: Settings, rough: torch.Tensor, factor: float, most: Size | None, progress: Progress = silent
) -> list[Candidate]:
    """Return the kernel enlarged by a factor, and refinements of it, of at most the size `most`.

    Refinement is no certain gain: from a wrong kernel, or on an image with few edges, it goes astray. The best explains
    the window with the least energy.
    """
    softer = window.smoothed(settings.smoothing)
    psf = _with_room(_enlarged(rough, factor), most)
    candidates = [evaluate(trimmed(psf), softer, settings)]
    once = estimate_psf(softer, _size(psf), _ONCE, start=psf, levels=1)
    candidates.append(evaluate(trimmed(once), softer, settings))
    for turn in range(_ROUNDS):
        progress((turn + 1) / (_ROUNDS + 1), SEARCHING)
        best = least_energy(candidates)
        start = _with_room(best.psf, most)
        again = estimate_psf(softer, _size(start), _AGAIN, start=start, levels=2)
        candidates.append(evaluate(trimmed(again), softer, settings))
        if candidates[-1].energy >= best.energy:
            break
    return candidates


def _enlarged(psf: torch.Tensor, factor: float) -> torch.Tensor:
    size = [max(3, round(side * factor)) for side in psf.shape]
    larger = F.interpolate(psf[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return larger / larger.sum()


def _with_room(psf: torch.Tensor, most: Size | None) -> torch.Tensor:
    """Pad a kernel on each side, to odd sizes of at most `most`."""
    sizes = [(side + 2 * _ROOM) | 1 for side in psf.shape]
    if most is not None:
        sizes = [min(size, limit) for size, limit in zip(sizes, most, strict=True)]
    return fitted_to(psf, (sizes[0], sizes[1]))


def _size(psf: torch.Tensor) -> Size:
    return psf.shape[0], psf.shape[1]
