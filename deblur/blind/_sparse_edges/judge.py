"""Candidates for the point-spread function, and what tells good ones from bad ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch

from deblur.blind._kernels import similarity
from deblur.blind._settings import Settings
from deblur.blind._view import View, smooth

from .sharpen import sharpen

_MOST_ENERGY = 3.0  # times the least; by hand on 15 cases of Lai et al.: kernels that are too small explain more
_FAR = 1.15  # times the least sparsity: not worth going on from
_DIFFERENT = 0.75  # similarity of two kernels
CLEAR = 0.06
"""Margin from which a kernel is surely right: by hand, on Lai et al.'s scenes 01 and 03, where 15 of 15 are."""

_ENERGY_WEIGHT = 0.4  # at full size; by hand, on Lai et al.'s scenes 01 and 03, and Levin's images
_TIE = 0.01  # in the score; the difference between two estimates of one kernel, by hand on Levin's images
_DARKEST = -0.2  # of the range: kernels full of noise give restorations that ring far below black, true ones -0.05
_RIM, _RIM_LIGHT = 0.075, 0.01  # of the size on each side, and of the sum


class Candidate(NamedTuple):
    """An estimated kernel with its restoration.

    Attributes
    ----------
    psf, image : torch.Tensor
        The kernel, and the view restored with it.
    energy : float
        The minimum of `sharpen`: large where the image cannot be explained. Alone, it prefers too little blur.
    sparsity : float
        Of the restoration: small for few strong edges. Alone, it prefers some kernels full of noise.
    misfit : float
        Mean square of what the kernel and the restoration leave of the view.
    """

    psf: torch.Tensor
    image: torch.Tensor
    energy: float
    sparsity: float
    misfit: float = 0.0


def evaluate(psf: torch.Tensor, view: View, settings: Settings) -> Candidate:
    """Restore the view with a PSF, and measure the restoration."""
    x, energy, misfit = sharpen(view.y, view.valid, psf, settings.prior)
    x = smooth(x, settings.softening)
    return Candidate(psf, x, energy, sparsity(x), misfit)


def sparsity(x: torch.Tensor) -> float:
    """Return the mean absolute difference of neighbors by their root mean square: small for few strong edges."""
    slopes = torch.cat([x.diff(dim=0).flatten(), x.diff(dim=1).flatten()])
    return float(slopes.abs().mean() / slopes.square().mean().sqrt().clamp_min(1e-12))


def sparsest(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate of the sparsest restoration among those that explain the view."""
    return min(_plausible(candidates), key=lambda each: each.sparsity)


def _plausible(candidates: Sequence[Candidate]) -> list[Candidate]:
    limit = _MOST_ENERGY * min(each.energy for each in candidates)
    return [each for each in candidates if each.energy <= limit]


def score_of(candidate: Candidate, energy_weight: float) -> float:
    """Return what is small for sparse restorations that explain the view."""
    return math.log(candidate.sparsity) + energy_weight * math.log(max(candidate.energy, 1e-12))


def best_of(candidates: Sequence[Candidate]) -> Candidate:
    """Return the first candidate that is nearly the best at full size, where finer kernels explain the view better."""
    scored = [(score_of(each, _ENERGY_WEIGHT), each) for each in _plausible(candidates)]
    enough = min(score for score, _ in scored) + _TIE
    return next(each for score, each in scored if score <= enough)


def least_energy(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate that explains the view best: the finest of several estimates of one kernel."""
    return min(candidates, key=lambda each: each.energy)


def distinct(candidates: Sequence[Candidate], number: int, alike: float) -> list[Candidate]:
    """Return the best candidates, of which no two are more similar than `alike`, and none is far from the best."""
    left, chosen = list(candidates), list[Candidate]()
    while left and len(chosen) < number:
        best = sparsest(left)
        left = [each for each in left if each is not best]
        if chosen and best.sparsity > _FAR * chosen[0].sparsity:
            break
        if all(similarity(best.psf, each.psf) < alike for each in chosen):
            chosen.append(best)
    return chosen


def margin(candidates: Sequence[Candidate]) -> float:
    """Return how much sparser the best candidate is than the best that differs from it, as a logarithm.

    Infinite if none differs.
    """
    best = sparsest(candidates)
    others = [each.sparsity for each in _plausible(candidates) if similarity(each.psf, best.psf) < _DIFFERENT]
    return math.log(min(others) / best.sparsity) if others else math.inf


def is_cramped(psf: torch.Tensor) -> bool:
    """Whether a kernel has weight near its border: then the blur may be larger."""
    rim = psf.clone()
    rim[tuple(slice(round(_RIM * size), round((1 - _RIM) * size)) for size in psf.shape)] = 0
    return float(rim.sum()) > _RIM_LIGHT


def rings(x: torch.Tensor) -> bool:
    """Whether one pixel in a thousand is far darker than black."""
    return float(x.flatten().kthvalue(max(1, x.numel() // 1000)).values) < _DARKEST
