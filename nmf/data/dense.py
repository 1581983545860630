"""Dense data and their divergence from a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor

from nmf.maps.matrix import FactorMap, row_tiles
from nmf.objective.divergence import accumulator, divergence_terms, total
from nmf.objective.penalties import Slope, divergence_slope


class DataTerm(Protocol):
    """The data term of the objective: the divergence of the model from V, and the slope of its majorizer."""

    beta: float
    problem_axes: int

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence of each problem."""


def smallest_product(dtype: torch.dtype, beta: float) -> float:
    """Return the lower bound of the model, relative to data of mean 1, that keeps its powers finite."""
    largest = 1e30 if dtype == torch.float32 else 1e240
    # The largest power of data over model that is formed, with a margin for data above the mean.
    power = max(2 - beta, 1.0) if beta <= 2 else 1.25 * beta
    return float(largest ** (-1 / power))


class DenseData:
    """The data term of an array V, with a weight for each entry, or None.

    Parameters
    ----------
    V : torch.Tensor
        Data whose mean is of the order of 1; 0 where the weight is.
    weights : torch.Tensor, optional
        Of the shape of V.
    beta : float
        Of the divergence.
    problem_axes : int
        Number of leading axes that count separate problems.
    """

    def __init__(self, V: Tensor, weights: Tensor | None, beta: float, problem_axes: int) -> None:
        self.V, self.weights, self.beta, self.problem_axes = V, weights, beta, problem_axes
        self._floor = smallest_product(V.dtype, beta)
        # The floor costs a pass over memory, so it is applied only once a model has vanished somewhere; on accelerators
        # the check for that costs more, as it waits for the device.
        self._has_floor = V.device.type != "cpu" or beta < 0

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""
        if self.beta == 2 and self.weights is None:
            return divergence_slope(A.T(self.V), A.normal(x), self.beta)
        down, up = self._pull_back(A, x)
        if not self._has_floor and not bool(torch.isfinite(down.sum() + up.sum())):
            self._has_floor = True
            down, up = self._pull_back(A, x)
        return divergence_slope(down, up, self.beta)

    def _pull_back(self, A: FactorMap, x: Tensor) -> tuple[Tensor, Tensor]:
        downs: list[Tensor] = []
        ups: list[Tensor] = []
        for where, product, pull in A.tiles(x):
            weights = None if self.weights is None else self.weights[where]
            for is_down, half in self._halves(self.V[where], product):
                A.collect(downs if is_down else ups, pull(half if weights is None else half * weights))
            if self.beta == 1 and weights is not None:
                A.collect(ups, pull(weights))
        return A.join(downs), A.join(ups) if ups else A.sensitivity()

    def _halves(self, V: Tensor, product: Tensor) -> Iterator[tuple[bool, Tensor]]:
        """Yield ``p**(beta - 1)`` of the product p, unless it is all ones, and then, marked True, ``V p**(beta - 2)``.

        Each overwrites the one before.
        """
        beta, p = self.beta, product.clamp_min_(self._floor) if self._has_floor else product
        if beta == 1:
            yield True, torch.div(V, p, out=p)
        elif beta == 2:
            yield False, p
            yield True, V
        elif beta == 0:
            yield False, p.reciprocal_()
            yield True, p.square_().mul_(V)
        else:
            power = p.pow(beta - 2)
            yield False, p.mul_(power)
            yield True, power.mul_(V)

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence of each problem."""
        value = self.V.new_zeros(self.V.shape[: self.problem_axes], dtype=accumulator(self.V.device))
        share = 4  # the terms need several arrays of the size of a tile
        for where, product, _ in A.tiles(x, share):
            V = self.V[where]
            w = None if self.weights is None else self.weights[where]
            for rows in row_tiles(V.shape, self.problem_axes, V.device, share):
                cut = (*[slice(None)] * self.problem_axes, rows)
                value += self._divergence(V[cut], product[cut], None if w is None else w[cut])
        return value

    def _divergence(self, V: Tensor, product: Tensor, weights: Tensor | None) -> Tensor:
        terms = divergence_terms(V, product if self.beta == 2 else product.clamp_min_(self._floor), self.beta)
        if weights is not None:
            terms = torch.where(weights > 0, terms * weights, 0.0)
        return total(terms, self.problem_axes)
