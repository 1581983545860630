"""Search for the kernel size: the one that gives the sharpest restoration which still explains the blurred image."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from deblur._core.progress import Progress, span
from deblur.blind._kernels import delta, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View, smooth

from .estimate import DETAILED, SENSITIVE, Size, estimate_psf, odd, refined, rough_psf
from .sharpen import sharpen

LADDER = (19, 25, 35, 49, 65, 91)
"""Sides of the kernels that are tried, each about four thirds of the last: python -m benchmarks.quality.psf_size."""

# Sizes, by hand; deblur bench levin-blind (small) and shakes-blind (large) measure their effect.
_LARGE = 30  # pixels: the large initial weight of the edges erases what larger kernels have left
_VERY_LARGE = 40  # pixels: estimated at half the size, then refined
_ROUGH = 49  # pixels, of the first rough estimate
_TOO_SMALL, _LARGE_ENOUGH = 0.65, 0.9  # of its extent: not tried, and holding the blur
_RIM, _RIM_LIGHT = 0.075, 0.01  # of the size on each side, and of the sum

# Choice among candidates, by hand; the same protocols measure its effect, and python -m
# benchmarks.quality.real_photographs shows it.
_SURELY_WORSE = 1.4  # times the least energy: a kernel full of noise
_DARKEST = -0.2  # of the range: kernels full of noise give restorations that ring far below black, true ones -0.05
_GAIN = 0.008  # in the score: the least by which a larger kernel has to be better
_ENERGY_WEIGHT = 0.2


class Candidate(NamedTuple):
    """An estimated kernel with its restoration.

    Attributes
    ----------
    psf, image : torch.Tensor
        The kernel, and the view restored with it.
    energy : float
        The minimum of `sharpen`: large where the image cannot be explained.
    score : float
        Small for restorations of few strong edges that explain the view. Alone, the energy prefers too little blur, and
        sparsity some kernels full of noise.
    """

    psf: torch.Tensor
    image: torch.Tensor
    energy: float
    score: float


class SearchResult(NamedTuple):
    """The outcome of a search.

    Attributes
    ----------
    best : Candidate
        The best candidate.
    others : list of Candidate
        Those of other sizes whose restorations do not ring.
    gain : float
        How much sparser the best restoration is than the image itself, as a logarithm.
    """

    best: Candidate
    others: list[Candidate]
    gain: float


def search(view: View, settings: Settings, shape: Size | None, progress: Progress | None = None) -> SearchResult:
    """Try kernels of several sizes up to half the view, or near the shape if it is given."""
    softer = View(smooth(view.y, settings.smoothing), view.valid)
    needed: float
    if shape is None:
        sizes, needed = _sizes_from_rough_estimate(softer)
    else:
        sizes, needed = [(odd(0.8 * shape[0]), odd(0.8 * shape[1])), shape], math.inf
    candidates: list[Candidate] = []
    best = in_vain = 0
    for number, size in enumerate(sizes):
        part = span(progress, number / len(sizes), (number + 1) / len(sizes))
        candidates.append(evaluate(_estimated(softer, size, part), view, settings))
        previous, best = best, choose(candidates)
        in_vain = in_vain + 1 if number and best == previous else 0
        settled = in_vain > 1 or (number > 0 and not is_cramped(candidates[best].psf))
        if settled and max(size) >= needed:
            break
    others = [each for number, each in enumerate(candidates) if number != best and not rings(each.image)]
    unblurred = evaluate(delta(view.y.new_zeros(3, 3)), view, settings)
    gain = math.log(sparsity(unblurred.image) / sparsity(candidates[best].image))
    return SearchResult(candidates[best], others, gain)


def evaluate(psf: torch.Tensor, view: View, settings: Settings) -> Candidate:
    """Restore the view with a PSF, and score the restoration."""
    x, energy = sharpen(view.y, view.valid, psf, settings.prior)
    x = smooth(x, settings.softening)
    score = math.log(sparsity(x)) + _ENERGY_WEIGHT * math.log(max(energy, 1e-12))
    return Candidate(psf, x, energy, score)


def sparsity(x: torch.Tensor) -> float:
    """Return the mean absolute difference of neighbors by their root mean square: small for few strong edges."""
    slopes = torch.cat([x.diff(dim=0).flatten(), x.diff(dim=1).flatten()])
    return float(slopes.abs().mean() / slopes.square().mean().sqrt().clamp_min(1e-12))


def choose(candidates: list[Candidate]) -> int:
    """Return the index of the smallest candidate that is nearly the best, and not cramped if one is not."""
    sound = [number for number, each in enumerate(candidates) if not rings(each.image)] or range(len(candidates))
    least = min(candidates[number].energy for number in sound)
    plausible = [number for number in sound if candidates[number].energy <= _SURELY_WORSE * least]
    enough = min(candidates[number].score for number in plausible) + _GAIN
    good = [number for number in plausible if candidates[number].score <= enough]
    return next((number for number in good if not is_cramped(candidates[number].psf)), good[0])


def is_cramped(psf: torch.Tensor) -> bool:
    """Whether a kernel has weight near its border: then the blur may be larger."""
    rim = psf.clone()
    rim[tuple(slice(round(_RIM * size), round((1 - _RIM) * size)) for size in psf.shape)] = 0
    return float(rim.sum()) > _RIM_LIGHT


def rings(x: torch.Tensor) -> bool:
    """Whether one pixel in a thousand is far darker than black."""
    return float(x.flatten().kthvalue(max(1, x.numel() // 1000)).values) < _DARKEST


def _sizes_from_rough_estimate(view: View) -> tuple[list[Size], float]:
    """Return the sizes to try, and the one not to stop before, from a rough estimate at half the size."""
    largest = min(view.y.shape) // 2
    sizes = [(side, side) for side in LADDER if side <= largest] or [(odd(largest), odd(largest))]
    if largest < _ROUGH:
        return sizes, 0
    rough = rough_psf(view, (_ROUGH, _ROUGH))
    extent = 2 * max(trimmed(rough).shape)
    if is_cramped(rough):  # by a larger blur, or by noise
        return sizes, _ROUGH
    return [size for size in sizes if size[0] >= _TOO_SMALL * extent], _LARGE_ENOUGH * extent


def _estimated(view: View, size: Size, progress: Progress) -> torch.Tensor:
    if max(size) >= _VERY_LARGE:
        return refined(view, rough_psf(view, size), size, progress)
    return estimate_psf(view, size, DETAILED if max(size) < _LARGE else SENSITIVE, progress)
