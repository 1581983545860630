"""Sparse data, of which only the nonzero entries are stored."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from nmf.maps.matrix import FactorMap, TimesActivations, TimesTemplates
from nmf.objective.divergence import divergence_terms
from nmf.objective.penalties import Slope, divergence_slope

from .dense import smallest_product

_CHUNK = 2**22  # entries times components that are gathered at a time


class SparseData:
    """The data term of a sparse matrix V, coalesced COO; its zeros are data like all others.

    The model is computed at the stored entries only. Its own powers need sums for β = 1, Gram matrices for β = 2, and
    tiles of the whole product for other β.
    """

    problem_axes = 0

    def __init__(self, V: Tensor, beta: float) -> None:
        self.V, self.beta = V, beta
        self._floor = smallest_product(V.dtype, beta)

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""
        W, H = _factors(A, x)
        values = self.V.values() * self._product(W, H).pow_(self.beta - 2)
        down = torch.sparse_coo_tensor(self.V.indices(), values, self.V.shape, is_coalesced=True)
        pulled = down @ H.mT if isinstance(A, TimesActivations) else (down.mT @ W).mT
        if self.beta == 1:
            up = A.sensitivity()
        elif self.beta == 2:
            up = A.normal(x)
        else:
            ups: list[Tensor] = []
            for _, product, pull in A.tiles(x):
                A.collect(ups, pull(product.clamp_min_(self._floor).pow_(self.beta - 1)))
            up = A.join(ups)
        return divergence_slope(pulled, up, self.beta)

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence: that of the stored entries, and of the model from zero at the others."""
        W, H = _factors(A, x)
        product = self._product(W, H)
        stored = divergence_terms(self.V.values(), product, self.beta).sum(dtype=torch.float64)
        return stored + (self._powers(A, x) - product.double().pow_(self.beta).sum()) / self.beta

    def _powers(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the sum of ``product ** beta`` over all entries."""
        W, H = _factors(A, x)
        if self.beta == 1:
            return W.sum(0, dtype=torch.float64) @ H.sum(1, dtype=torch.float64)
        if self.beta == 2:
            return ((W.mT @ W).double() * (H @ H.mT).double()).sum()
        return torch.stack([tile.product.double().pow_(self.beta).sum() for tile in A.tiles(x)]).sum()

    def _product(self, W: Tensor, H: Tensor) -> Tensor:
        parts = [(W[i] * H.mT[j]).sum(1) for i, j in self._chunks(W.shape[1])]
        return torch.cat(parts).clamp_min_(self._floor)

    def _chunks(self, rank: int) -> Iterator[tuple[Tensor, Tensor]]:
        rows, columns = self.V.indices()
        step = max(1, _CHUNK // rank)
        yield from zip(rows.split(step), columns.split(step), strict=True)


def _factors(A: FactorMap, x: Tensor) -> tuple[Tensor, Tensor]:
    if isinstance(A, TimesActivations):
        return x, A.H
    assert isinstance(A, TimesTemplates)
    return A.W, x
