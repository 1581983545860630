"""A point-spread function from a blurred picture: image and kernel steps in turns, from coarse to fine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from deblur.solvers.fourier import continue_smoothly, corner

from ._image_step import edges_of, grid_for
from ._kernel_step import centered, cleaned, enlarged, fit_psf, trimmed
from ._view import View

Shape = tuple[int, int]

_RATIO = 0.8  # of one scale to the next
_ALTERNATIONS = 5  # at each scale
_SMALLEST = 5  # side of the kernel at the coarsest scale
_LAST_SPARSITY = 2e-4
_MARGIN = 0.2  # of the size of a rough kernel, on each side


@dataclass(frozen=True)
class Tuning:
    """What no single value of is right from small shakes to large ones.

    Attributes
    ----------
    sparsity : float
        Where the weight of the edges starts, from which it falls to 2e-4.
    threshold : float
        Values below this fraction of the largest are cleared after every kernel step.
    least_part : float
        And so are connected parts with less than this fraction of the light.
    """

    sparsity: float
    threshold: float
    least_part: float


DETAILED = Tuning(8e-3, 0.03, 0.03)
"""Keeps thin parts; its strong start wipes out the scenes of large blurs."""

SENSITIVE = Tuning(2e-3, 0.03, 0.03)
"""Sees the faint edges that large blurs leave."""

CAUTIOUS = Tuning(2e-3, 0.06, 0.10)
"""Keeps large kernels from filling with noise, at the cost of thin parts."""

REFINING = Tuning(8e-4, 0.03, 0.03)
"""Goes on from an estimate, and gives it its thin parts."""


def kernel_shapes(shape: Shape) -> list[Shape]:
    """Return the kernel's shape at every scale, from coarse to fine."""
    shapes = [shape]
    while max(shapes[-1]) > _SMALLEST:
        shapes.append(tuple(odd(side * _RATIO ** len(shapes)) for side in shape))  # type: ignore[arg-type]
    return shapes[::-1]


def estimate_psf(
    view: View, shape: Shape, tuning: Tuning = DETAILED, progress: Callable[[float], None] = lambda part: None
) -> torch.Tensor:
    """Estimate a PSF of at most `shape`, both odd; `progress` is told the part of the work that is done."""
    shapes = kernel_shapes(shape)
    return _climb(view, shapes, _spot(shapes[0]).to(view.y), tuning, progress)


def rough_psf(view: View, shape: Shape) -> torch.Tensor:
    """Estimate a large PSF on the view at half the size, where few values can fill with noise."""
    return estimate_psf(view.shrunk(2.0), tuple(odd(side / 2) for side in shape), CAUTIOUS)  # type: ignore[arg-type]


def refined(
    view: View, rough: torch.Tensor, shape: Shape, progress: Callable[[float], None] = lambda part: None
) -> torch.Tensor:
    """Bring a rough PSF to the full size, in little more room than it takes and at most `shape`."""
    psf = trimmed(rough)
    rows, columns = (max(1, round(_MARGIN * side)) for side in psf.shape)
    psf = F.pad(psf, (columns, columns, rows, rows))
    room = [min(odd(2 * side), most) for side, most in zip(psf.shape, shape, strict=True)]
    shapes = [tuple(odd(side * _RATIO**level) for side in room) for level in (2, 1, 0)]
    return _climb(view, shapes, psf, REFINING, progress)  # type: ignore[arg-type]


def _climb(
    view: View, shapes: list[Shape], psf: torch.Tensor, tuning: Tuning, progress: Callable[[float], None]
) -> torch.Tensor:
    """Take image and kernel steps in turns, with a kernel of these shapes from coarse to fine."""
    views = [view.shrunk(_RATIO ** -(len(shapes) - 1 - level)) for level in range(len(shapes))]
    last = _ALTERNATIONS * len(shapes) - 1
    work = torch.tensor([float(each.y.numel()) for each in views]).cumsum(0)
    for level, (seen, taps) in enumerate(zip(views, shapes, strict=True)):
        psf = enlarged(psf, taps)
        filled = continue_smoothly(seen.y, grid_for(tuple(seen.y.shape), taps))
        for turn in range(_ALTERNATIONS):
            part = (level * _ALTERNATIONS + turn) / last
            sparsity = tuning.sparsity ** (1 - part) * _LAST_SPARSITY**part
            x, filled = edges_of(seen, psf, filled, sparsity)
            psf = fit_psf(corner(x, seen.y.shape), seen, psf)
            psf = cleaned(psf, threshold=tuning.threshold, least_part=tuning.least_part)
        psf = centered(psf)
        progress(float(work[level] / work[-1]))
    return psf


def odd(side: float) -> int:
    """Round up to an odd number of at least 3."""
    return max(3, 2 * math.ceil((math.ceil(side - 1e-9) - 1) / 2) + 1)


def _spot(shape: Shape) -> torch.Tensor:
    rows, columns = (torch.arange(side) - side // 2 for side in shape)
    spot = torch.exp(-(rows[:, None].square() + columns.square()) / 2.0)
    return spot / spot.sum()
