"""The search for the kernel: small ones at full size, those of any size on the shrunk image, and the better of the two.

Neither search finds everything: small kernels need every pixel, and large ones a view in which they are small. Both
hand their best to one judge, on one window at full size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from deblur._core.progress import Progress, silent, span
from deblur._core.threads import side_by_side
from deblur.blind._crop import StrongEdges, Window, cut
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import delta, similarity, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .estimate import Size, odd
from .judge import CLEAR, Candidate, best_of, distinct, evaluate, is_cramped, margin
from .ladder import LADDER, climb
from .refine import refined
from .supports import ALIKE, WINDOW, Pool, ShrunkView

# By hand; deblur bench levin-blind and lai-blind measure their effect.
_LADDER_WINDOW = 416  # pixels per side: all of a Levin image, a small part of a photograph
_WINDOW = 768  # pixels per side, at which kernels are refined and compared: less starves those of 75 pixels,
_EXTENTS = 10  # but smaller ones need no more than so many times their extent
_BASINS = 2  # kernels of the shrunk image that are brought to the full size
_STEP = 2.2  # factor above which there is a size in between


class SearchResult(NamedTuple):
    """The outcome of a search.

    Attributes
    ----------
    best : Candidate
        The kernel, and the window restored with it.
    others : list of Candidate
        What else was found at full size.
    margin : float
        How clearly the kernel won on the shrunk image, see `judge.margin`; 0 if it was found at full size.
    agreement : float
        Similarity of the kernel with what the other search has found; 0 where it was not needed.
    unblurred : Candidate
        No blur, and the window restored as if it had none.
    window : View
        What they are compared on: a part of the view, smoothed against its noise.
    place : tuple of slice
        Rows and columns of that part.
    """

    best: Candidate
    others: list[Candidate]
    margin: float
    agreement: float
    unblurred: Candidate
    window: View
    place: Window

    @property
    def gain(self) -> float:
        """How much sparser the best restoration is than the image itself, as a logarithm."""
        return math.log(self.unblurred.sparsity / self.best.sparsity)


class Start(NamedTuple):
    """The beginning of a search: kernels that were found on the shrunk image.

    Attributes
    ----------
    edges : StrongEdges
        Of the view that is searched.
    noise_level : float
        Of the view.
    shape : tuple of int or None
        The largest size of the kernel.
    pool : Pool
        What was found.
    is_linear : bool
        Whether the view is in linear light.
    """

    edges: StrongEdges
    noise_level: float
    shape: Size | None
    pool: Pool
    is_linear: bool = False


def begin(view: View, noise_level: float, shape: Size | None, progress: Progress = silent) -> Start:
    """Begin to search for the kernel of a view, of any size, or of at most `shape` if it is given."""
    edges = StrongEdges(view)
    return Start(edges, noise_level, shape, Pool(ShrunkView.of(edges, noise_level), shape, progress))


def finish(start: Start, progress: Progress = silent) -> SearchResult:
    """Bring the best kernels that were found to the full size, and compare them with small ones."""
    edges, noise_level, shape, pool, _ = start
    settings = Settings.for_noise(noise_level)
    shrunk = pool.shrunk
    kernels = [each.psf for each in distinct(pool.candidates, _BASINS, ALIKE)]
    lead, factor = margin(pool.candidates), shrunk.factor
    is_clear = lead >= CLEAR
    if factor > _STEP:
        factor /= 2
        between = ShrunkView.by(edges.part(WINDOW), noise_level, factor)
        limit = None if shape is None else (odd(shape[0] / factor), odd(shape[1] / factor))
        bring = partial(refined, between.view, between.settings, factor=2.0, most=limit, repeatedly=False)
        kernels = [best_of(side_by_side(bring, kernels[:1] if is_clear else kernels)).psf]
    extents = [factor * max(trimmed(each).shape) for each in kernels]
    report = span(progress, 0.2, 1)
    report(0.0, SEARCHING)
    side = round(min(max(_EXTENTS * max(extents), _LADDER_WINDOW), _WINDOW))
    place = edges.window(side)
    window = cut(edges.view, place).smoothed(settings.smoothing)

    def climbed() -> Candidate:
        return evaluate(climb(edges.part(_LADDER_WINDOW), settings, shape), window, settings)

    jobs: list[Callable[[], Candidate]] = [
        partial(refined, window, settings, each, factor, shape, repeatedly=True) for each in kernels
    ]
    surely_large = is_clear and extents[0] > LADDER[-1]
    if not surely_large:
        jobs.insert(0, climbed)  # preferred where both find the same: it keeps thinner parts
    found = side_by_side(lambda job: job(), jobs, lambda count: report(count / len(jobs), SEARCHING))
    at_full_size, large = ([], found) if surely_large else (found[:1], found[1:])
    best = best_of(found)
    if not surely_large and best is found[0] and is_cramped(best.psf):  # which ends the ladder, but not the blur
        at_full_size.insert(0, refined(window, settings, best.psf, 1.0, shape, repeatedly=True))
        best = best_of([*at_full_size, *large])
    unblurred = evaluate(delta(window.y.new_zeros(3, 3)), window, settings)
    is_large = any(best is each for each in large)
    agreement = max((similarity(best.psf, each.psf) for each in (at_full_size if is_large else large)), default=0.0)
    others = [each for each in (*at_full_size, *large) if each is not best]
    return SearchResult(best, others, lead if is_large else 0.0, agreement, unblurred, window, place)
