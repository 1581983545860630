"""Estimation of a point-spread function: image and kernel steps in alternation, from coarse to fine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from deblur._core.progress import Progress, silent
from deblur.blind._final_step import SEARCHING
from deblur.blind._kernels import centered, cleaned, enlarged, trimmed
from deblur.blind._view import View
from deblur.solvers.fourier import continue_smoothly, corner

from .image_step import grid_for, scene_of_edges
from .kernel_step import fit_psf

Size = tuple[int, int]

# All by hand; deblur bench levin-blind measures their effect.
_RATIO = 0.8  # of one scale to the next
_ALTERNATIONS = 5  # per scale
_SMALLEST = 5  # side of the kernel at the coarsest scale
_LAST_SPARSITY = 2e-4
_MARGIN = 0.2  # of the size of a rough kernel, on each side


@dataclass(frozen=True)
class Tuning:
    """Parameters of which no single value suits both small and large shakes.

    The four sets below are by hand; deblur bench levin-blind and shakes-blind measure their effect.

    Attributes
    ----------
    sparsity : float
        Initial weight of the edges, which falls to 2e-4.
    threshold : float
        Values below this fraction of the largest are cleared after every kernel step.
    least_part : float
        So are connected parts with less than this fraction of the sum.
    """

    sparsity: float
    threshold: float
    least_part: float


DETAILED = Tuning(8e-3, 0.03, 0.03)
"""Keeps thin parts; its large initial weight erases the scenes of large blurs."""

SENSITIVE = Tuning(2e-3, 0.03, 0.03)
"""Keeps the faint edges that large blurs leave."""

CAUTIOUS = Tuning(2e-3, 0.06, 0.10)
"""Keeps large kernels from filling with noise, at the cost of thin parts."""

REFINING = Tuning(8e-4, 0.03, 0.03)
"""Refines an estimate, and adds its thin parts."""


def kernel_shapes(shape: Size) -> list[Size]:
    """Return the kernel's shape at every scale, from coarse to fine."""
    shapes = [shape]
    while max(shapes[-1]) > _SMALLEST:
        factor = _RATIO ** len(shapes)
        shapes.append((odd(shape[0] * factor), odd(shape[1] * factor)))
    return shapes[::-1]


def estimate_psf(view: View, shape: Size, tuning: Tuning = DETAILED, progress: Progress = silent) -> torch.Tensor:
    """Estimate a PSF of at most `shape`, two odd sizes."""
    shapes = kernel_shapes(shape)
    return _alternate(view, shapes, _spot(shapes[0]).to(view.y), tuning, progress)


def rough_psf(view: View, shape: Size) -> torch.Tensor:
    """Estimate a large PSF on the view at half the size, where fewer values can fill with noise."""
    return estimate_psf(view.shrunk(2.0), (odd(shape[0] / 2), odd(shape[1] / 2)), CAUTIOUS)


def refined(view: View, rough: torch.Tensor, shape: Size, progress: Progress = silent) -> torch.Tensor:
    """Bring a rough PSF to the full size, with a small margin and at most `shape`."""
    psf = trimmed(rough)
    rows, columns = (max(1, round(_MARGIN * side)) for side in psf.shape)
    psf = F.pad(psf, (columns, columns, rows, rows))
    height, width = (min(odd(2 * side), most) for side, most in zip(psf.shape, shape, strict=True))
    shapes = [(odd(height * _RATIO**level), odd(width * _RATIO**level)) for level in (2, 1, 0)]
    return _alternate(view, shapes, psf, REFINING, progress)


def _alternate(view: View, shapes: list[Size], psf: torch.Tensor, tuning: Tuning, progress: Progress) -> torch.Tensor:
    """Alternate image and kernel steps, with a kernel of these shapes from coarse to fine."""
    views = [view.shrunk(_RATIO ** -(len(shapes) - 1 - level)) for level in range(len(shapes))]
    last = _ALTERNATIONS * len(shapes) - 1
    work = torch.tensor([float(each.y.numel()) for each in views]).cumsum(0)
    for level, (scaled, kernel_shape) in enumerate(zip(views, shapes, strict=True)):
        psf = enlarged(psf, kernel_shape)
        filled = continue_smoothly(scaled.y, grid_for(tuple(scaled.y.shape), kernel_shape))
        for turn in range(_ALTERNATIONS):
            part = (level * _ALTERNATIONS + turn) / last
            sparsity = tuning.sparsity ** (1 - part) * _LAST_SPARSITY**part
            x, filled = scene_of_edges(scaled, psf, filled, sparsity)
            psf = fit_psf(corner(x, scaled.y.shape), scaled, psf)
            psf = cleaned(psf, threshold=tuning.threshold, least_part=tuning.least_part)
        psf = centered(psf)
        progress(float(work[level] / work[-1]), SEARCHING)
    return psf


def odd(side: float) -> int:
    """Round up to an odd number of at least 3."""
    return max(3, 2 * math.ceil((math.ceil(side - 1e-9) - 1) / 2) + 1)


def _spot(shape: Size) -> torch.Tensor:
    rows, columns = (torch.arange(side) - side // 2 for side in shape)
    spot = torch.exp(-(rows[:, None].square() + columns.square()) / 2.0)
    return spot / spot.sum()
