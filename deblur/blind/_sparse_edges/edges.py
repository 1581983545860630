"""Which edges of a scene a kernel is estimated from.

Narrow details, whose blurred edges cancel, mislead the kernel step; what is left out at first comes in towards the end.
Which of the rules suits an image cannot be known beforehand, so estimates by several are compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F

from deblur._core.arrays import Shape
from deblur.blind._view import View, gradients

Selection = Callable[[torch.Tensor, float], torch.Tensor]
"""Maps the slopes of a scene, ``(2, height, width)``, and the elapsed part of the estimation to those that count."""

Edges = Callable[[View, Shape], Selection]
"""Makes a selection for a view and the shape of a kernel, at one scale."""

_LEAST_USEFUL = 0.5  # quantile, which falls to 0 over the run
_OFFSET = 0.5  # Xu and Jia, eq. 2
_DIRECTIONS = 4
_FEWEST, _FEWEST_PER_SIDE = 10, 20  # edges per direction, at first
_MORE = 1.1  # Cho and Lee: the threshold is divided by it in every turn


def all_edges(view: View, kernel_shape: Shape) -> Selection:
    """Select all."""
    return lambda slopes, part: slopes


def useful_edges(view: View, kernel_shape: Shape) -> Selection:
    """Select edges whose surroundings, as wide as the kernel, slope to one side (Xu and Jia, ECCV 2010)."""
    side = max(kernel_shape) | 1
    slopes = gradients(view.y)
    total = torch.hypot(*_box_sum(slopes, side))
    useful = total / (_box_sum(torch.hypot(*slopes)[None], side)[0] + _OFFSET)
    values = useful.flatten()

    def select(slopes: torch.Tensor, part: float) -> torch.Tensor:
        rank = max(1, math.ceil(max(0.0, _LEAST_USEFUL * (1 - part)) * len(values)))
        return slopes * (useful >= values.kthvalue(rank).values)

    return select


def strongest_edges(view: View, kernel_shape: Shape) -> Selection:
    """Select the strongest edges, at least so many in each direction (Cho and Lee, SIGGRAPH Asia 2009)."""
    least: float | None = None

    def select(slopes: torch.Tensor, part: float) -> torch.Tensor:
        nonlocal least
        strength = slopes.square().sum(0)
        least = _threshold(slopes, strength, max(kernel_shape)) if least is None else least / _MORE
        return slopes * (strength >= least)

    return select


def _threshold(slopes: torch.Tensor, strength: torch.Tensor, side: int) -> float:
    direction = ((torch.atan2(slopes[1], slopes[0]) % math.pi) / (math.pi / _DIRECTIONS)).long() % _DIRECTIONS
    thresholds = []
    for each in range(_DIRECTIONS):
        values = strength[direction == each]
        count = min(max(_FEWEST_PER_SIDE * side, _FEWEST), len(values))
        thresholds.append(float(values.topk(count).values[-1]) if count else 0.0)
    return min(thresholds)


def _box_sum(arrays: torch.Tensor, side: int) -> torch.Tensor:
    half = side // 2
    padded = F.pad(arrays[None], (half,) * 4, mode="replicate")
    return F.avg_pool2d(F.avg_pool2d(padded, (side, 1), 1), (1, side), 1)[0] * side**2
