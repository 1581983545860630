"""The data and their divergence from a model: all that depends on V."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ._divergence import divergence_terms, total
from ._maps import FactorMap, row_tiles
from ._penalties import Slope, divergence_slope


def smallest_product(dtype: torch.dtype, beta: float) -> float:
    """Return the floor under the model, relative to data of mean 1, that keeps its powers finite."""
    largest = 1e30 if dtype == torch.float32 else 1e240
    power = max(2 - beta, 1.0) if beta <= 2 else 1.25 * beta  # of data over model, with room for data above the mean
    return float(largest ** (-1 / power))


class DenseData:
    """An array V with a weight for each entry, or None.

    Parameters
    ----------
    V : torch.Tensor
        Data whose mean is of the order of 1; 0 where the weight is.
    weights : torch.Tensor, optional
        Of the shape of V.
    beta : float
        Of the divergence.
    problem_axes : int
        How many leading axes count separate problems.
    """

    def __init__(self, V: Tensor, weights: Tensor | None, beta: float, problem_axes: int) -> None:
        self.V, self.weights, self.beta, self.problem_axes = V, weights, beta, problem_axes
        self._floor = smallest_product(V.dtype, beta)
        # The floor costs a pass over memory: it is laid once a model vanished somewhere. Accelerators are slow to ask.
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
        for a, part, where in A.tiles(x):
            down, up = self._pull(a(part), where)
            A.collect(downs, a.T(down))
            if up is not None:
                A.collect(ups, a.T(up))
        return A.join(downs), A.join(ups) if ups else A.sensitivity()

    def _pull(self, product: Tensor, where: Any) -> tuple[Tensor, Tensor | None]:
        """Return ``w V p**(beta - 2)`` and ``w p**(beta - 1)`` of the product p, the latter None if it is all ones."""
        V, beta, p = self.V[where], self.beta, product.clamp_min_(self._floor) if self._has_floor else product
        up: Tensor | None
        if beta == 2:
            down, up = V, p
        elif beta == 1:
            down, up = torch.div(V, p, out=p), None
        elif beta == 0:
            up = p.reciprocal_()
            down = (V * up).mul_(up)
        else:
            down = p.pow(beta - 2)
            up = p.mul_(down)
            down.mul_(V)
        if self.weights is None:
            return down, up
        w = self.weights[where]
        return down * w, w if up is None else up * w

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence of each problem, in float64."""
        value = self.V.new_zeros(self.V.shape[: self.problem_axes], dtype=torch.float64)
        for a, part, where in A.tiles(x):
            V, product = self.V[where], a(part)
            w = None if self.weights is None else self.weights[where]
            for rows in row_tiles(V.shape, self.problem_axes, V.device, share=4):  # it needs several arrays
                cut = (*[slice(None)] * self.problem_axes, rows)
                value += self._divergence(V[cut], product[cut], None if w is None else w[cut])
        return value

    def _divergence(self, V: Tensor, product: Tensor, weights: Tensor | None) -> Tensor:
        terms = divergence_terms(V, product if self.beta == 2 else product.clamp_min_(self._floor), self.beta)
        if weights is not None:
            terms = torch.where(weights > 0, terms * weights, 0.0)
        return total(terms, self.problem_axes)
