"""Whether a picture was shaken that shows a simpler blur too: kernels that were found, beside that blur."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch

from deblur.blind._kernels import spread
from deblur.blind._settings import Settings
from deblur.blind._view import View

from .judge import Candidate, evaluate, sparsest
from .search import Start

Rival = Callable[[float], np.ndarray]
"""The PSF of the simpler blur, of a picture that is shrunk by a factor."""

# By hand, on photographs of BSDS500's training set and of Lai et al. (CVPR 2016), scenes 01: Gaussians of 2.2 and 3
# pixels have .9 to 1.4 and up to .05, shakes that look soft 2.5 to 6 and more than .075.
_WIDER, _SPARSER = 2.0, 0.07  # times the simpler PSF, and as a logarithm


def begins_better(start: Start, rival: Rival) -> bool:
    """Whether the best kernel of the shrunk image is much wider than a simpler blur, and its restoration sparser."""
    view, settings, factor = start.pool.shrunk
    return is_better(sparsest(start.pool.candidates), rival(factor), view, settings)


def is_better(best: Candidate, rival: np.ndarray, view: View, settings: Settings) -> bool:
    """Whether a kernel is much wider than a simpler blur, and its restoration sparser.

    Parameters
    ----------
    best : Candidate
        The kernel.
    rival : numpy.ndarray
        The simpler PSF. Of sharpened pictures, whose edges are narrow, it is a point, and every kernel is wider.
    view, settings
        What both restore.
    """
    simple = evaluate(torch.from_numpy(rival).to(view.y), view, settings)
    is_wider = spread(best.psf) > _WIDER * spread(simple.psf)
    return is_wider and math.log(simple.sparsity / best.sparsity) > _SPARSER
