"""What the objective adds to the divergence, and how each term enters a multiplicative update.

Every term of the objective, the divergence included, has a separable majorizer whose slope in the ratio x of new
to old is ``-a x**q + b x**p``. Terms with other exponents are majorized once more by ones with the smallest q and the
largest p, which touch them at x = 1. The minimum is then at ``x = (sum a / sum b) ** (1 / (p - q))``: a step that never
increases the penalized objective, for every beta. Without penalties it is Févotte and Idier's (Neural Computation
2011, eq. 4.1).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple

import torch
from torch import Tensor


class Slope(NamedTuple):
    """A majorizer's slope ``-down x**low + up x**high``, in the ratio x of the new to the old factor; low <= 0."""

    down: Tensor
    up: Tensor
    low: float
    high: float

    @property
    def exponent(self) -> float:
        """The power of ``down / up`` that is the majorizer's minimum."""
        return 1 / (self.high - self.low)


def divergence_slope(down: Tensor, up: Tensor, beta: float) -> Slope:
    """Return the slope of the divergence itself."""
    return Slope(down, up, min(beta - 2, 0.0), max(beta - 1, 0.0))


@dataclass
class Penalty:
    """Weights of the terms on one factor: numbers, or a tensor with one for each problem."""

    l1: float | Tensor = 0.0  # sum of x
    l2: float | Tensor = 0.0  # half the sum of squares
    smooth: float | Tensor = 0.0  # half the sum of squared differences along the last axis
    orthogonal: float | Tensor = 0.0  # half the sum of products of different components

    def __post_init__(self) -> None:
        self._is_on = {field.name: _positive(getattr(self, field.name)) for field in fields(self)}

    def __bool__(self) -> bool:
        return any(self._is_on.values())

    @property
    def is_elementwise(self) -> bool:
        """Whether no term ties entries together."""
        return not (self._is_on["smooth"] or self._is_on["orthogonal"])

    def scaled(self, linear: Tensor, quadratic: Tensor) -> Penalty:
        """Return the weights for a factor in another unit."""
        if not self:
            return self
        return Penalty(self.l1 * linear, *(w * quadratic for w in (self.l2, self.smooth, self.orthogonal)))

    def add_to(self, slope: Slope, x: Tensor, component_axis: int) -> Slope:
        """Add the slopes of the terms at the factor `x`."""
        down, up, low, high = slope
        if self._is_on["l1"]:
            up = up + _like(self.l1, x)
        if self._is_on["l2"]:
            up, high = up + _like(self.l2, x) * x, max(high, 1.0)
        if self._is_on["orthogonal"]:
            others = x.sum(component_axis, keepdim=True) - x
            up, high = up + _like(self.orthogonal, x) * others, max(high, 1.0)
        if self._is_on["smooth"]:
            neighbors, count = _neighbors(x)
            weight = _like(self.smooth, x)
            down, up = down + weight * (count * x + neighbors), up + 2 * weight * count * x
            high = max(high, 1.0)
        return Slope(down, up, low, high)

    def value(self, x: Tensor, problem_axes: int, component_axis: int) -> Tensor:
        """Return the terms at the factor `x`, one sum for each problem, in float64."""
        total = x.new_zeros(x.shape[:problem_axes], dtype=torch.float64)
        terms: list[tuple[str, Tensor]] = []
        if self._is_on["l1"]:
            terms.append(("l1", x))
        if self._is_on["l2"]:
            terms.append(("l2", 0.5 * x.square()))
        if self._is_on["orthogonal"]:
            terms.append(("orthogonal", 0.5 * x * (x.sum(component_axis, keepdim=True) - x)))
        if self._is_on["smooth"]:
            terms.append(("smooth", 0.5 * x.diff(dim=-1).square()))
        for name, term in terms:
            total = total + getattr(self, name) * term.flatten(problem_axes).sum(-1, dtype=torch.float64)
        return total


def _positive(weight: float | Tensor) -> bool:
    return bool((weight > 0).any()) if isinstance(weight, Tensor) else weight > 0


def _like(weight: float | Tensor, x: Tensor) -> float | Tensor:
    if not isinstance(weight, Tensor):
        return weight
    return weight.to(x.dtype).reshape(*weight.shape, *[1] * (x.ndim - weight.ndim))


def _neighbors(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the entries before and after each, and how many there are."""
    total = torch.zeros_like(x)
    total[..., 1:] += x[..., :-1]
    total[..., :-1] += x[..., 1:]
    count = x.new_full(x.shape[-1:], 2.0)
    count[0] -= 1
    count[-1] -= 1
    return total, count
