"""The model V = W H as two linear maps, one of each factor with the other fixed.

Multiplicative updates need no more of a model than such a map and its adjoint, so that matrices, convolutions in one,
two and three dimensions, and Richardson-Lucy with its fixed kernel, share one rule.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from deblur.operators import LinearOperator

# Entries of the product that are computed at a time: as many as stay in the cache of one core, more where threads share
# the work, and all but the largest data at once on an accelerator. Measured: python -m benchmarks.nmf.solvers.
_TILE_OF_ONE_THREAD, _TILE_OF_THREADS, _TILE_OF_ACCELERATORS = 2**19, 2**20, 2**27


class Tile(NamedTuple):
    """A part of the product: the index of its data, its values, which may be overwritten, and the part's adjoint."""

    where: Any
    product: Tensor
    pull: Callable[[Tensor], Tensor]


class FactorMap(LinearOperator):
    """The product as a linear map of one factor."""

    @abstractmethod
    def sensitivity(self) -> Tensor:
        """Return the adjoint of an array of ones, or an array that broadcasts to it."""

    def normal(self, x: Tensor) -> Tensor:
        """Return ``A.T(A(x))``."""
        return self._adjoint(self._forward(x))

    def tiles(self, x: Tensor, share: int = 1) -> Iterator[Tile]:
        """Compute the product by rows of the data; each tile may overwrite the one before.

        `share` divides their size, for callers that need several arrays of it.
        """
        yield Tile(..., self._forward(x), self._adjoint)

    def collect(self, parts: list[Tensor], part: Tensor) -> None:
        """Add the adjoint of one more tile to those collected so far."""
        parts.append(part)

    def join(self, parts: list[Tensor]) -> Tensor:
        """Return the adjoint of the whole product from the collected parts."""
        return parts[0]


class TimesActivations(FactorMap):
    """``W -> W H``: the product, linear in the templates."""

    def __init__(self, H: Tensor, rows: int, shared: bool) -> None:
        lead = () if shared else tuple(H.shape[:-2])
        super().__init__((*lead, rows, H.shape[-2]), (*H.shape[:-2], rows, H.shape[-1]))
        self.H, self._shared = H, shared

    def _forward(self, x: Tensor) -> Tensor:
        return x @ self.H

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._sum(y @ self.H.mT)

    def _sum(self, x: Tensor) -> Tensor:
        return x.sum(tuple(range(self.H.ndim - 2))) if self._shared and self.H.ndim > 2 else x

    def sensitivity(self) -> Tensor:
        return self._sum(self.H.sum(-1)[..., None, :])

    def normal(self, x: Tensor) -> Tensor:
        return x @ self._sum(self.H @ self.H.mT)

    def tiles(self, x: Tensor, share: int = 1) -> Iterator[Tile]:
        for where, _, product in _tiled_product(x, self.H, self.range_shape, share):
            yield Tile(where, product, self._adjoint)

    def join(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, dim=-2) if len(parts) > 1 else parts[0]


class TimesTemplates(FactorMap):
    """``H -> W H``: the product, linear in the activations."""

    def __init__(self, W: Tensor, activations: tuple[int, ...]) -> None:
        super().__init__(tuple(activations), (*activations[:-2], W.shape[-2], activations[-1]))
        self.W = W

    def _forward(self, x: Tensor) -> Tensor:
        return self.W @ x

    def _adjoint(self, y: Tensor) -> Tensor:
        return self.W.mT @ y

    def sensitivity(self) -> Tensor:
        return self.W.sum(-2)[..., None]

    def normal(self, x: Tensor) -> Tensor:
        return (self.W.mT @ self.W) @ x

    def tiles(self, x: Tensor, share: int = 1) -> Iterator[Tile]:
        for where, W, product in _tiled_product(self.W, x, self.range_shape, share):
            yield Tile(where, product, W.mT.matmul)

    def collect(self, parts: list[Tensor], part: Tensor) -> None:
        if parts:
            parts[0].add_(part)
        else:
            parts.append(part)


def _tiled_product(W: Tensor, H: Tensor, shape: tuple[int, ...], share: int) -> Iterator[tuple[Any, Tensor, Tensor]]:
    """Compute ``W H`` by tiles of rows: their index, the rows of W, and the product, in memory that is reused."""
    lead = (slice(None),) * (len(shape) - 2)
    buffer: Tensor | None = None
    for rows in row_tiles(shape, -2, H.device, share):
        part = W[..., rows, :]
        if buffer is None:
            buffer = product = part @ H
        else:
            product = torch.matmul(part, H, out=buffer[..., : part.shape[-2], :])
        yield (*lead, rows), part, product


def row_tiles(shape: tuple[int, ...], axis: int, device: torch.device, share: int = 1) -> Iterator[slice]:
    """Split an axis into tiles of the whole array that are small, but not too thin for a matrix product.

    `share` divides their size.
    """
    tile = _TILE_OF_ACCELERATORS
    if device.type == "cpu":
        tile = _TILE_OF_ONE_THREAD if torch.get_num_threads() == 1 else _TILE_OF_THREADS
    count = shape[axis]
    largest = max(64 // share, tile // share * count // math.prod(shape), 1)
    step = -(-count // -(-count // largest))  # parts of about equal size
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


class Model(Protocol):
    """A factorization as two linear maps."""

    def of_W(self, H: Tensor) -> FactorMap:
        """Return the product as a map of the templates."""

    def of_H(self, W: Tensor) -> FactorMap:
        """Return the product as a map of the activations."""


class MatrixModel:
    """``V = W H``."""

    def __init__(self, W: Tensor, H: Tensor) -> None:
        self._rows, self._shared, self._activations = W.shape[-2], W.ndim == 2, H.shape

    def of_W(self, H: Tensor) -> FactorMap:
        return TimesActivations(H, self._rows, self._shared)

    def of_H(self, W: Tensor) -> FactorMap:
        return TimesTemplates(W, self._activations)
