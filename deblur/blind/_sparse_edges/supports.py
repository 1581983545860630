"""The search for kernels of any size, on the whole image at a fraction of its size."""

from __future__ import annotations

import math
from typing import NamedTuple

from deblur._core.progress import Progress, span
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import fitted_to, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .edges import strongest_edges, useful_edges
from .estimate import Size, Tuning, estimate_psf, odd
from .judge import Candidate, distinct, evaluate, sparsest

# By hand, on the scenes 01 and 03 of Lai et al. (CVPR 2016): deblur bench lai-blind.
_PIXELS = 1.8e5  # of the shrunk image
_LEAST_FACTOR = 2.0
_SIDES = (29, 53)  # of the kernels, in pixels of the shrunk image
_RULES = (useful_edges, strongest_edges)
_SPARSITY, _THRESHOLD, _LEAST_PART = 8e-3, 0.06, 0.10
_ROUNDS, _GAIN = 2, 0.002  # of further starts, while the sparsity falls by so much
_STARTS = ((2e-3, 3), (8e-3, 6))  # their initial weight of the edges, and number of scales
_SIDE, _ROOM = 51, 6  # of their kernels
_ALIKE = 0.9


class ShrunkView(NamedTuple):
    """The image as the search sees it: shrunk by a factor, with the settings for its noise."""

    view: View
    settings: Settings
    factor: float

    @classmethod
    def of(cls, view: View, noise_level: float) -> ShrunkView:
        """Shrink a view to the size that a search takes."""
        factor = max(_LEAST_FACTOR, math.sqrt(view.y.numel() / _PIXELS))
        settings = Settings.for_noise(noise_level / factor)
        return cls(view.shrunk(factor).smoothed(settings.smoothing), settings, factor)


def search_supports(shrunk: ShrunkView, most: Size | None, progress: Progress | None = None) -> list[Candidate]:
    """Estimate kernels with two supports and two rules for edges, and go on from the best while that helps.

    Their sizes are at most `most`, in pixels of the whole image, and half the view.
    """
    view, settings, factor = shrunk
    limit = [side // 2 for side in view.y.shape]
    if most is not None:
        limit = [min(half, odd(side / factor)) for half, side in zip(limit, most, strict=True)]
    limit = [half - 1 + half % 2 for half in limit]
    supports = list(dict.fromkeys((min(side, limit[0]), min(side, limit[1])) for side in _SIDES))
    runs = [(support, rule) for support in supports for rule in _RULES]
    candidates = []
    for number, (support, rule) in enumerate(runs):
        tuning = Tuning(_SPARSITY, _THRESHOLD, _LEAST_PART, rule)
        part = span(progress, 0.5 * number / len(runs), 0.5 * (number + 1) / len(runs))
        candidates.append(evaluate(trimmed(estimate_psf(view, support, tuning, part)), view, settings))
    return _continued(shrunk, candidates, (limit[0], limit[1]), span(progress, 0.5, 1))


def _continued(
    shrunk: ShrunkView, candidates: list[Candidate], limit: Size, progress: Progress
) -> list[Candidate]:
    """Start again from the best two kernels that differ, while a sparser restoration is found."""
    view, settings, _ = shrunk
    done: list[Candidate] = []
    for turn in range(_ROUNDS):
        before = sparsest(candidates).sparsity
        starts = [each for each in distinct(candidates, 2, _ALIKE) if not any(each is other for other in done)]
        done += starts
        for number, start in enumerate(starts):
            sides = [min(odd(max(_SIDE, side + _ROOM)), most) for side, most in zip(start.psf.shape, limit, strict=True)]
            support = (sides[0], sides[1])
            padded = fitted_to(start.psf, support)
            for rule in _RULES:
                for sparsity, levels in _STARTS:
                    tuning = Tuning(sparsity, _THRESHOLD, _LEAST_PART, rule)
                    psf = estimate_psf(view, support, tuning, start=padded, levels=levels)
                    candidates = [*candidates, evaluate(trimmed(psf), view, settings)]
            progress((turn + (number + 1) / len(starts)) / _ROUNDS, SEARCHING)
        if sparsest(candidates).sparsity > before - _GAIN:
            break
    return candidates

