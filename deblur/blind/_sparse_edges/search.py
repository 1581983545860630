"""The search for the kernel: small ones at full size, those of any size on the shrunk image, and the better of the two.

Neither search finds everything: small kernels need every pixel, and large ones a view in which they are small. Both
hand their best to one judge, on one window at full size.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch

from deblur._core.progress import Progress, span
from deblur.blind._kernels import delta, similarity, trimmed
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .crop import cut, sharpest_window
from .estimate import Size
from .judge import Candidate, evaluate, least_energy, sparsest, sparsity
from .ladder import climb
from .refine import refined
from .supports import ShrunkView, search_supports

# By hand; deblur bench levin-blind and lai-blind measure their effect.
_LADDER_WINDOW = 416  # pixels per side: all of a Levin image, a small part of a photograph
_WINDOW = 768  # pixels per side, at which kernels are refined and compared: less starves those of 75 pixels
_SAME = 0.8  # similarity of two estimates of one kernel: the one that explains the image better is finer


class SearchResult(NamedTuple):
    """The outcome of a search.

    Attributes
    ----------
    best : Candidate
        The kernel, and the window restored with it.
    others : list of Candidate
        What else was found at full size.
    gain : float
        How much sparser the best restoration is than the image itself, as a logarithm.
    agreement : float
        Greatest similarity of the best kernel with one that was estimated in another way.
    window : View
        What they are compared on.
    """

    best: Candidate
    others: list[Candidate]
    gain: float
    agreement: float
    window: View


def search(view: View, noise_level: float, shape: Size | None, progress: Progress | None = None) -> SearchResult:
    """Search for the kernel of a view, of any size, or of at most `shape` if it is given."""
    settings = Settings.for_noise(noise_level)
    window = cut(view, sharpest_window(view, _WINDOW))
    small = climb(cut(view, sharpest_window(view, _LADDER_WINDOW)), settings, shape, span(progress, 0, 0.3))
    shrunk = ShrunkView.of(view, noise_level)
    rough = search_supports(shrunk, shape, span(progress, 0.3, 0.8))
    found = sparsest(rough)
    larger = refined(window, settings, found.psf, shrunk.factor, shape, span(progress, 0.8, 1))
    first, second = evaluate(trimmed(small[0].psf), window, settings), least_energy(larger)
    best, other = better_of(first, second)
    unblurred = evaluate(delta(view.y.new_zeros(3, 3)), window, settings)
    gain = math.log(sparsity(unblurred.image) / sparsity(best.image))
    others = [each for each in (*small[1:], *larger, other) if each is not best]
    kernels = [each.psf for each in small[1:]] if best is first else [second.psf]
    agreement = max((similarity(best.psf, each) for each in [other.psf, *kernels] if each is not best.psf), default=0.0)
    return SearchResult(best, others, gain, agreement, window)


def better_of(first: Candidate, second: Candidate) -> tuple[Candidate, Candidate]:
    """Return the better of two candidates, and the other."""
    if similarity(first.psf, second.psf) >= _SAME:
        best = least_energy([first, second])
    else:
        best = sparsest([first, second])
    return (first, second) if best is first else (second, first)
