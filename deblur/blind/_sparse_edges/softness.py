"""Whether what looks soft was shaken: kernels found first, beside the Gaussian that the edges show."""

from __future__ import annotations

import math

import torch

from deblur import psf
from deblur.blind._edges import Ellipse
from deblur.blind._kernels import spread
from deblur.blind._sharpness import root

from .judge import evaluate, sparsest
from .search import Start

# By hand, on photographs of BSDS500's training set and of Lai et al. (CVPR 2016), scenes 01: Gaussians of 2.2 and 3
# pixels have .9 to 1.4 and up to .05, shakes that look soft 2.5 to 6 and more than .1.
_WIDER, _SPARSER = 2.0, 0.09  # times the Gaussian, and as a logarithm
_NARROWEST = 0.1  # pixels of the shrunk image


def is_more_than_soft(start: Start, edges: Ellipse) -> bool:
    """Whether the best kernel is much wider than a Gaussian, and its restoration sparser.

    Parameters
    ----------
    start : Start
        What was found on the shrunk image.
    edges : Ellipse
        The blur across the sharpest edges; of sharpened pictures, whose edges are narrow, every kernel is wider.
    """
    view, settings, factor = start.pool.shrunk
    sigmas = [max(root(variance) / factor, _NARROWEST) for variance in (edges.minor, edges.major)]
    kernel = psf.gaussian(tuple(sigmas), angle=edges.angle)
    gaussian = evaluate(torch.from_numpy(kernel).to(view.y), view, settings)
    best = sparsest(start.pool.candidates)
    is_wider = spread(best.psf) > _WIDER * math.hypot(*sigmas)
    return is_wider and math.log(gaussian.sparsity / best.sparsity) > _SPARSER
