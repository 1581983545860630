"""Estimation of a point-spread function: image and kernel steps in alternation, from coarse to fine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from deblur._core.progress import Progress, silent
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import centered, cleaned, enlarged
from deblur.blind._view import View, gradients
from deblur.solvers.fourier import continue_smoothly, corner

from .edges import Edges, all_edges
from .image_step import grid_for, scene_of_edges
from .kernel_step import fit_psf

Size = tuple[int, int]

# All by hand; deblur bench levin-blind and lai-blind measure their effect.
_RATIO = 0.8  # of one scale to the next
_ALTERNATIONS = 5  # per scale
_SMALLEST = 5  # side of the kernel at the coarsest scale
_LAST_SPARSITY = 2e-4


@dataclass(frozen=True)
class Tuning:
    """Parameters of which no single value suits all images and kernels.

    Attributes
    ----------
    sparsity : float
        Initial weight of the edges, which falls to 2e-4.
    threshold : float
        Values below this fraction of the largest are cleared after every kernel step.
    least_part : float
        So are connected parts with less than this fraction of the sum.
    edges : callable
        Which edges count, see `edges`.
    """

    sparsity: float
    threshold: float
    least_part: float
    edges: Edges = all_edges


def kernel_shapes(shape: Size, levels: int | None = None) -> list[Size]:
    """Return the kernel's shape at every scale, from coarse to fine; at most so many."""
    shapes = [shape]
    while max(shapes[-1]) > _SMALLEST and (levels is None or len(shapes) < levels):
        factor = _RATIO ** len(shapes)
        shapes.append((odd(shape[0] * factor), odd(shape[1] * factor)))
    return shapes[::-1]


def estimate_psf(
    view: View,
    shape: Size,
    tuning: Tuning,
    progress: Progress = silent,
    *,
    start: torch.Tensor | None = None,
    levels: int | None = None,
) -> torch.Tensor:
    """Estimate a PSF of at most `shape`, two odd sizes, from an estimate on the finest levels if one is given."""
    shapes = kernel_shapes(shape, levels)
    psf = _spot(shapes[0]).to(view.y) if start is None else start
    views = [view.shrunk(_RATIO ** -(len(shapes) - 1 - level)) for level in range(len(shapes))]
    last = max(1, _ALTERNATIONS * len(shapes) - 1)
    work = torch.tensor([float(each.y.numel()) for each in views]).cumsum(0)
    for level, (scaled, kernel_shape) in enumerate(zip(views, shapes, strict=True)):
        psf = enlarged(psf, kernel_shape)
        filled = continue_smoothly(scaled.y, grid_for(tuple(scaled.y.shape), kernel_shape))
        select = tuning.edges(scaled, kernel_shape)
        for turn in range(_ALTERNATIONS):
            part = (level * _ALTERNATIONS + turn) / last
            sparsity = tuning.sparsity ** (1 - part) * _LAST_SPARSITY**part
            x, filled = scene_of_edges(scaled, psf, filled, sparsity)
            slopes = select(gradients(corner(x, scaled.y.shape)), part)
            psf = fit_psf(slopes, scaled, psf)
            psf = cleaned(psf, threshold=tuning.threshold, least_part=tuning.least_part)
        psf = centered(psf)
        progress(float(work[level] / work[-1]), SEARCHING)
    return psf


def odd(side: float) -> int:
    """Round up to an odd number of at least 3."""
    return max(3, 2 * math.ceil((math.ceil(side - 1e-9) - 1) / 2) + 1)


def largest_size(view: View, most: Size | None) -> Size:
    """Return the largest odd sizes of at most half the view, and of at most `most` if it is given."""
    rows, columns = (side // 2 for side in view.y.shape)
    if most is not None:
        rows, columns = min(rows, most[0]), min(columns, most[1])
    return rows - 1 + rows % 2, columns - 1 + columns % 2


def _spot(shape: Size) -> torch.Tensor:
    rows, columns = (torch.arange(side, dtype=torch.float32) - side // 2 for side in shape)
    spot = torch.exp(-(rows[:, None].square() + columns.square()) / 2.0)
    return spot / spot.sum()
