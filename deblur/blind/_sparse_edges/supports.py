"""The search for kernels of any size, on the image at a fraction of its size."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from deblur._core.progress import Progress, silent, span
from deblur._core.threads import side_by_side
from deblur.blind._crop import StrongEdges
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import delta, fitted_to, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .edges import Edges, strongest_edges, useful_edges
from .estimate import Size, Tuning, estimate_psf, largest_size, odd
from .judge import Candidate, distinct, evaluate, margin, sparsest

# By hand, on the scenes 01 and 03 of Lai et al. (CVPR 2016): deblur bench lai-blind.
WINDOW = 1400
"""Pixels per side: the part of a large image that is searched."""
_PIXELS = 4.5e4  # of the shrunk image: four times as many take four times as long, and find as much
_LEAST_FACTOR = 2.0
_SIDES = ((57, 15), (105, 27))  # of the kernels, in pixels of the image and at least in those of the shrunk image
_PART = 3  # of the view that a kernel may fill: more cannot be found
_RULES = (useful_edges, strongest_edges)
_SPARSITY, _THRESHOLD, _LEAST_PART = 8e-3, 0.06, 0.10
_ROUNDS, _GAIN = 2, 0.002  # of further starts, while the sparsity falls by so much
_STARTS = ((2e-3, 3), (8e-3, 6))  # their initial weight of the edges, and number of scales
_SMALL = 10  # pixels: of kernels that `ladder` finds too
_ROOM = 4  # pixels around the kernel that they start from
ALIKE = 0.9
"""Similarity from which on two estimates are taken for one."""


class ShrunkView(NamedTuple):
    """The image as the search sees it: shrunk by a factor, with the settings for its noise."""

    view: View
    settings: Settings
    factor: float

    @classmethod
    def of(cls, edges: StrongEdges, noise_level: float) -> ShrunkView:
        """Shrink a view, or a part of it, to the size that a search takes."""
        part = edges.part(WINDOW)
        return cls.by(part, noise_level, max(_LEAST_FACTOR, math.sqrt(part.y.numel() / _PIXELS)))

    @classmethod
    def by(cls, view: View, noise_level: float, factor: float) -> ShrunkView:
        """Shrink a view by a factor."""
        settings = Settings.for_noise(noise_level / factor)
        return cls(view.shrunk(factor).smoothed(settings.smoothing), settings, factor)


class _Run(NamedTuple):
    """An estimate to be made: within a support, by a rule, from the beginning or from a kernel on the finest scales."""

    support: Size
    rule: Edges
    sparsity: float = _SPARSITY
    start: torch.Tensor | None = None
    levels: int | None = None


class Pool:
    """What was found on a shrunk view, from two supports and two rules for edges; more is looked for on demand.

    Parameters
    ----------
    shrunk : ShrunkView
        The image.
    most : tuple of int or None
        The largest size of the kernel, in pixels of the whole image; None for a third of the view.
    progress : callable
        See `deblur._core.progress`.

    Attributes
    ----------
    candidates : list of Candidate
        All that was found.
    """

    def __init__(self, shrunk: ShrunkView, most: Size | None, progress: Progress = silent) -> None:
        self.shrunk = shrunk
        view, settings, _ = shrunk
        self._unblurred = evaluate(delta(view.y.new_zeros(3, 3)), view, settings)
        self._limit, self._supports = _supports(shrunk, most)
        self.candidates: list[Candidate] = []
        runs = [_Run(support, rule) for support in self._supports for rule in _RULES]
        self._perform(runs, progress)

    @property
    def gain(self) -> float:
        """How much sparser the best restoration is than the view itself, as a logarithm."""
        return math.log(self._unblurred.sparsity / sparsest(self.candidates).sparsity)

    def go_on(self, progress: Progress = silent) -> None:
        """Estimate further kernels from the best of them, while that helps."""
        if max(sparsest(self.candidates).psf.shape) <= _SMALL and math.isinf(margin(self.candidates)):
            return  # all are alike, and the ladder will confirm it
        tried: list[Candidate] = []
        for turn in range(_ROUNDS):
            part = span(progress, turn / _ROUNDS, (turn + 1) / _ROUNDS)
            before = sparsest(self.candidates).sparsity
            starts = [each for each in distinct(self.candidates, 2, ALIKE) if not any(each is other for other in tried)]
            tried += starts
            runs = [run for start in starts for run in _further(start.psf, self._supports[-1], self._limit)]
            self._perform(runs, part)
            if sparsest(self.candidates).sparsity > before - _GAIN:
                break

    def _perform(self, runs: list[_Run], progress: Progress) -> None:
        def make(run: _Run) -> Candidate:
            view, settings, _ = self.shrunk
            tuning = Tuning(run.sparsity, _THRESHOLD, _LEAST_PART, run.rule)
            psf = estimate_psf(view, run.support, tuning, start=run.start, levels=run.levels)
            return evaluate(trimmed(psf), view, settings)

        self.candidates += side_by_side(make, runs, lambda count: progress(count / len(runs), SEARCHING))


def _supports(shrunk: ShrunkView, most: Size | None) -> tuple[Size, list[Size]]:
    """Return the largest support, and those that are tried."""
    view, _, factor = shrunk
    if most is None:
        scaled = (odd(view.y.shape[0] / _PART), odd(view.y.shape[1] / _PART))
    else:
        scaled = (odd(most[0] / factor), odd(most[1] / factor))
    rows, columns = largest_size(view, scaled)
    sides = [max(odd(side / factor), least) for side, least in _SIDES]
    return (rows, columns), list(dict.fromkeys((min(side, rows), min(side, columns)) for side in sides))


def _further(psf: torch.Tensor, support: Size, limit: Size) -> list[_Run]:
    """Return runs that start from a kernel, with room around it."""
    rows, columns = (
        min(max(side, odd(extent + _ROOM)), most) for side, extent, most in zip(support, psf.shape, limit, strict=True)
    )
    wider = (rows, columns)
    start = fitted_to(psf, wider)
    return [_Run(wider, rule, sparsity, start, levels) for rule in _RULES for sparsity, levels in _STARTS]
