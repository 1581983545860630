"""The search for small kernels, at full size: the smallest support whose restoration is as sparse as any."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from deblur.blind._kernels import trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .estimate import Size, Tuning, estimate_psf, odd
from .judge import Candidate, evaluate, is_cramped, rings, score_of

LADDER = (19, 25, 35, 49)
"""Sides of the kernels that are tried, each about four thirds of the last: python -m benchmarks.quality.psf_size."""

# All by hand; deblur bench levin-blind and shakes-blind measure their effect.
DETAILED = Tuning(8e-3, 0.03, 0.03)
"""Keeps thin parts; its large initial weight erases the scenes of large blurs."""

_SENSITIVE = Tuning(2e-3, 0.03, 0.03)
"""Keeps the faint edges that large blurs leave."""

_CAUTIOUS = Tuning(2e-3, 0.06, 0.10)
"""Keeps large kernels from filling with noise, at the cost of thin parts."""

_LARGE = 30  # pixels: the large initial weight of the edges erases what larger kernels have left
_ROUGH = 49  # pixels, of the first rough estimate
_TOO_SMALL, _LARGE_ENOUGH = 0.65, 0.9  # of its extent: not tried, and holding the blur
_SURELY_WORSE = 1.4  # times the least energy: a kernel full of noise
_GAIN = 0.008  # in the score: the least by which a larger kernel has to be better
_ENERGY_WEIGHT = 0.2


def climb(view: View, settings: Settings, shape: Size | None) -> torch.Tensor:
    """Return the best of the kernels of several sizes up to half the view, or near the shape if it is given."""
    softer = view.smoothed(settings.smoothing)
    needed: float
    if shape is None:
        sizes, needed = _sizes_from_rough_estimate(softer)
    else:
        sizes, needed = [(odd(0.8 * shape[0]), odd(0.8 * shape[1])), shape], math.inf
    candidates: list[Candidate] = []
    best = in_vain = 0
    for number, size in enumerate(sizes):
        tuning = DETAILED if max(size) < _LARGE else _SENSITIVE
        candidates.append(evaluate(estimate_psf(softer, size, tuning), view, settings))
        previous, best = best, choose(candidates)
        in_vain = in_vain + 1 if number and best == previous else 0
        settled = in_vain > 1 or (number > 0 and not is_cramped(candidates[best].psf))
        if settled and max(size) >= needed:
            break
    return candidates[best].psf


def choose(candidates: Sequence[Candidate]) -> int:
    """Return the index of the smallest candidate that is nearly the best, and not cramped if one is not."""
    sound = [number for number, each in enumerate(candidates) if not rings(each.image)] or range(len(candidates))
    least = min(candidates[number].energy for number in sound)
    plausible = [number for number in sound if candidates[number].energy <= _SURELY_WORSE * least]
    scores = {number: score_of(candidates[number], _ENERGY_WEIGHT) for number in plausible}
    enough = min(scores.values()) + _GAIN
    good = [number for number in plausible if scores[number] <= enough]
    return next((number for number in good if not is_cramped(candidates[number].psf)), good[0])


def _sizes_from_rough_estimate(view: View) -> tuple[list[Size], float]:
    """Return the sizes to try, and the one not to stop before, from a rough estimate at half the size."""
    largest = min(view.y.shape) // 2
    sizes = [(side, side) for side in LADDER if side <= largest] or [(odd(largest), odd(largest))]
    if largest < _ROUGH:
        return sizes, 0
    rough = estimate_psf(view.shrunk(2.0), (odd(_ROUGH / 2), odd(_ROUGH / 2)), _CAUTIOUS)
    extent = 2 * max(trimmed(rough).shape)
    if is_cramped(rough):  # by a larger blur, or by noise
        return sizes, _ROUGH
    return [size for size in sizes if size[0] >= _TOO_SMALL * extent] or sizes[-1:], _LARGE_ENOUGH * extent
