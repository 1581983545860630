"""A kernel that was found on a shrunk image, brought to the full size."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from deblur.blind._kernels import fitted_to, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .estimate import Size, Tuning, estimate_psf, largest_size
from .judge import Candidate, evaluate, least_energy

# By hand, on the scenes 01 and 03 of Lai et al. (CVPR 2016): deblur bench lai-blind.
_ROOM = 6  # pixels on each side
_ONCE = Tuning(8e-4, 0.04, 0.05)
_AGAIN = Tuning(2e-3, 0.04, 0.05)
_ROUNDS, _GAIN = 3, 0.97  # of further refinements, while the energy falls to this part


def refined(
    window: View, settings: Settings, rough: torch.Tensor, factor: float, most: Size | None, *, repeatedly: bool
) -> Candidate:
    """Return the kernel enlarged by a factor, or a refinement of it, of at most the size `most`, and half the window.

    Refinement is no certain gain: from a wrong kernel, or on an image with few edges, it goes astray. So what explains
    the window with the least energy is returned.
    """

    def refine(start: torch.Tensor, tuning: Tuning, levels: int) -> Candidate:
        psf = estimate_psf(window, (start.shape[0], start.shape[1]), tuning, start=start, levels=levels)
        return evaluate(trimmed(psf), window, settings)

    limit = largest_size(window, most)
    psf = _with_room(_enlarged(rough, factor), limit)
    best = least_energy([evaluate(trimmed(psf), window, settings), refine(psf, _ONCE, 1)])
    for _ in range(_ROUNDS if repeatedly else 0):
        again = refine(_with_room(best.psf, limit), _AGAIN, 2)
        before, best = best, least_energy([best, again])
        if best.energy > _GAIN * before.energy:
            break
    return best


def _enlarged(psf: torch.Tensor, factor: float) -> torch.Tensor:
    size = [max(3, round(side * factor)) for side in psf.shape]
    larger = F.interpolate(psf[None, None], size, mode="bilinear", align_corners=False)[0, 0]
    return larger / larger.sum()


def _with_room(psf: torch.Tensor, limit: Size) -> torch.Tensor:
    """Pad a kernel on each side, to odd sizes of at most `limit`."""
    rows, columns = (min((side + 2 * _ROOM) | 1, most) for side, most in zip(psf.shape, limit, strict=True))
    return fitted_to(psf, (rows, columns))
