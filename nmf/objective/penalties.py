"""The penalties of the objective, and how each of them enters a multiplicative update.

Every term of the objective, the divergence included, has a separable majorizer whose slope in the ratio x of new
to old is ``-a x**q + b x**p``. Terms with other exponents are majorized once more by ones with the smallest q and the
largest p, which touch them at x = 1. The minimum is then at ``x = (sum a / sum b) ** (1 / (p - q))``: a step that never
increases the penalized objective, for every beta. Without penalties it is that of Févotte and Idier (Neural
Computation 2011, eq. 4.1).

A new penalty takes three edits: its row in `TERMS`, its keyword in `nmf.NMF.fit`, and, if it is a penalty on H, its
keyword in `nmf.NMF.transform`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from .divergence import accumulator


class Slope(NamedTuple):
    """A majorizer's slope ``-down x**low + up x**high``, in the ratio x of the new to the old factor; low <= 0."""

    down: Tensor
    up: Tensor
    low: float
    high: float

    @property
    def exponent(self) -> float:
        """The power of ``down / up`` at which the majorizer has its minimum."""
        return 1 / (self.high - self.low)


def divergence_slope(down: Tensor, up: Tensor, beta: float) -> Slope:
    """Return the slope of the divergence itself."""
    return Slope(down, up, min(beta - 2, 0.0), max(beta - 1, 0.0))


@dataclass(frozen=True)
class Term:
    """A penalty of weight 1, as a function of a factor and of the axis of its components.

    Attributes
    ----------
    power : int
        Of the factor's unit: 1 for a linear term, 2 for a quadratic one.
    value : callable
        Returns an array whose sum is the term.
    slope : callable
        Returns the majorizer's slope at the factor: the part that does not depend on the ratio, or None, and the
        part that grows with its power ``power - 1``.
    couples_columns : bool
        Whether the term couples the columns of V, which may then not be spread over processes.
    """

    power: int
    value: Callable[[Tensor, int], Tensor]
    slope: Callable[[Tensor, int], tuple[Tensor | None, Tensor | float]]
    couples_columns: bool = False


def _others(x: Tensor, component_axis: int) -> Tensor:
    """Return the sum of the other components, for each component."""
    return x.sum(component_axis, keepdim=True) - x


def _smooth_slope(x: Tensor, component_axis: int) -> tuple[Tensor, Tensor]:
    """Majorize the squared differences of neighbors by squares of each alone (De Pierro's inequality)."""
    neighbors = torch.zeros_like(x)
    neighbors[..., 1:] += x[..., :-1]
    neighbors[..., :-1] += x[..., 1:]
    count = x.new_full(x.shape[-1:], 2.0)
    count[0] -= 1
    count[-1] -= 1
    return count * x + neighbors, 2 * count * x


TERMS = {
    "l1": Term(1, lambda x, axis: x, lambda x, axis: (None, 1.0)),
    "l2": Term(2, lambda x, axis: 0.5 * x.square(), lambda x, axis: (None, x)),
    "orthogonal": Term(2, lambda x, axis: 0.5 * x * _others(x, axis), lambda x, axis: (None, _others(x, axis))),
    "smooth": Term(2, lambda x, axis: 0.5 * x.diff(dim=-1).square(), _smooth_slope, couples_columns=True),
}
"""Every penalty there is: the term `name` of W has the keyword ``name_W``, that of H ``name_H``."""


class Penalty:
    """The penalties on one factor.

    Parameters
    ----------
    **weights : float or torch.Tensor
        Weights of the terms that are named in `TERMS`: numbers, or tensors with one value per problem.
    """

    def __init__(self, **weights: float | Tensor) -> None:
        if not weights.keys() <= TERMS.keys():
            raise TypeError(f"penalties must be of {', '.join(TERMS)}, got {', '.join(weights)}")
        self._weights = weights
        self.active = tuple(name for name in TERMS if _positive(weights.get(name, 0.0)))

    def __bool__(self) -> bool:
        return bool(self.active)

    def weight(self, name: str) -> float | Tensor:
        """Return the weight of a term, 0 if there is none."""
        return self._weights.get(name, 0.0)

    def scaled(self, factor_of: Callable[[int], Tensor]) -> Penalty:
        """Return the penalties with the weight of each term times the factor for its power."""
        return Penalty(**{name: self._weights[name] * factor_of(TERMS[name].power) for name in self.active})

    def add_to(self, slope: Slope, x: Tensor, component_axis: int) -> Slope:
        """Add the slopes of the terms at the factor `x`."""
        down, up, low, high = slope
        for name in self.active:
            weight = _broadcastable(self._weights[name], x)
            constant, growing = TERMS[name].slope(x, component_axis)
            down = down if constant is None else down + weight * constant
            up, high = up + weight * growing, max(high, TERMS[name].power - 1.0)
        return Slope(down, up, low, high)

    def value(self, x: Tensor, problem_axes: int, component_axis: int) -> Tensor:
        """Return the penalties at the factor `x`, one sum per problem."""
        dtype = accumulator(x.device)
        total = x.new_zeros(x.shape[:problem_axes], dtype=dtype)
        for name in self.active:
            term = TERMS[name].value(x, component_axis)
            total = total + self._weights[name] * term.flatten(problem_axes).sum(-1, dtype=dtype)
        return total


@dataclass(frozen=True)
class Penalties:
    """The penalties on both factors."""

    W: Penalty = field(default_factory=Penalty)
    H: Penalty = field(default_factory=Penalty)

    @classmethod
    def from_keywords(cls, **weights: float) -> Penalties:
        """Build the penalties from their public keywords, such as ``l1_W=0.1``.

        Raises
        ------
        ValueError
            If a weight is negative or not finite.
        """
        per_factor: dict[str, dict[str, float | Tensor]] = {"W": {}, "H": {}}
        for keyword, weight in weights.items():
            if not 0 <= weight < float("inf"):
                raise ValueError(f"{keyword} must be finite and not negative, got {weight}")
            name, _, factor = keyword.rpartition("_")
            per_factor[factor][name] = weight
        return cls(Penalty(**per_factor["W"]), Penalty(**per_factor["H"]))

    def weights(self) -> dict[str, float | Tensor]:
        """Return the weights of the active terms by their public keywords."""
        factors = {"W": self.W, "H": self.H}
        return {f"{name}_{key}": factor.weight(name) for key, factor in factors.items() for name in factor.active}


def _positive(weight: float | Tensor) -> bool:
    return bool((weight > 0).any()) if isinstance(weight, Tensor) else weight > 0


def _broadcastable(weight: float | Tensor, x: Tensor) -> float | Tensor:
    if not isinstance(weight, Tensor):
        return weight
    return weight.to(x.dtype).reshape(*weight.shape, *[1] * (x.ndim - weight.ndim))
