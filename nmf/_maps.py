"""The model V = W H seen as two linear maps, one of each factor with the other fixed.

All that multiplicative updates ask of a model is such a map and its adjoint, so that matrices, convolutions in one,
two and three dimensions, and Richardson-Lucy with its fixed kernel, share one rule.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from deblur.operators import ConvolutionBank, LinearOperator

# Entries of the product that are held at a time: what stays in the cache of a core, more where threads have to share
# the work, and all but the largest data at once on an accelerator. Measured: python -m benchmarks.nmf.
_TILE_OF_ONE_THREAD, _TILE_OF_THREADS, _TILE_OF_ACCELERATORS = 2**19, 2**20, 2**27


class FactorMap(LinearOperator):
    """The product as a linear map of one factor."""

    @abstractmethod
    def sensitivity(self) -> Tensor:
        """Return the adjoint of an array of ones, or what broadcasts to it."""

    def normal(self, x: Tensor) -> Tensor:
        """Return ``A.T(A(x))``."""
        return self._adjoint(self._forward(x))

    def tiles(self, x: Tensor) -> Iterator[tuple[LinearOperator, Tensor, Any]]:
        """Split the map by rows of the data: maps, their parts of x, and the index of their data."""
        yield self, x, ...

    def collect(self, parts: list[Tensor], part: Tensor) -> None:
        """Take up the adjoint of one more tile."""
        parts.append(part)

    def join(self, parts: list[Tensor]) -> Tensor:
        """Return the adjoint from all that was collected."""
        return parts[0]


class TimesActivations(FactorMap):
    """``W -> W H``: the product, linear in the templates."""

    def __init__(self, H: Tensor, rows: int, shared: bool) -> None:
        lead = () if shared else tuple(H.shape[:-2])
        super().__init__((*lead, rows, H.shape[-2]), (*H.shape[:-2], rows, H.shape[-1]))
        self.H, self._rows, self._shared = H, rows, shared

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

    def tiles(self, x: Tensor) -> Iterator[tuple[LinearOperator, Tensor, Any]]:
        for rows in row_tiles(self.range_shape, -2, x.device):
            part = x[..., rows, :]
            yield TimesActivations(self.H, part.shape[-2], self._shared), part, (..., rows, slice(None))

    def join(self, parts: list[Tensor]) -> Tensor:
        return torch.cat(parts, dim=-2) if len(parts) > 1 else parts[0]


class TimesTemplates(FactorMap):
    """``H -> W H``: the product, linear in the activations."""

    def __init__(self, W: Tensor, activations: torch.Size) -> None:
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

    def tiles(self, x: Tensor) -> Iterator[tuple[LinearOperator, Tensor, Any]]:
        for rows in row_tiles(self.range_shape, -2, x.device):
            yield TimesTemplates(self.W[..., rows, :], x.shape), x, (..., rows, slice(None))

    def collect(self, parts: list[Tensor], part: Tensor) -> None:
        if parts:
            parts[0].add_(part)
        else:
            parts.append(part)


def row_tiles(shape: tuple[int, ...], axis: int, device: torch.device, share: int = 1) -> Iterator[slice]:
    """Cut an axis so that tiles of the whole array are small, but not too thin for a matrix product.

    `share` makes them that much smaller.
    """
    tile = _TILE_OF_ACCELERATORS
    if device.type == "cpu":
        tile = _TILE_OF_ONE_THREAD if torch.get_num_threads() == 1 else _TILE_OF_THREADS
    count = shape[axis]
    largest = max(64 // share, tile // share * count // math.prod(shape), 1)
    step = -(-count // -(-count // largest))  # parts of about one size
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


class ConvolvedWithActivations(FactorMap):
    """``W -> W * H``: the convolution, linear in its kernels."""

    def __init__(self, bank: ConvolutionBank, out_axis: int, H: Tensor) -> None:
        self._map = bank.kernel_operator(H)
        self._one_row = bank.with_weight(bank.kernel.narrow(out_axis, 0, 1)).kernel_operator(H)
        super().__init__(self._map.domain_shape, self._map.range_shape)
        self._ones = H.new_ones(self._one_row.range_shape)

    def _forward(self, x: Tensor) -> Tensor:
        return self._map(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._map.T(y)

    def sensitivity(self) -> Tensor:
        return self._one_row.T(self._ones)  # the same for every row of V


class ConvolvedWithTemplates(FactorMap):
    """``H -> W * H``: the convolution, linear in what it convolves."""

    def __init__(self, bank: ConvolutionBank, out_axis: int, W: Tensor, batch: tuple[int, ...]) -> None:
        self._map = bank.with_weight(W)
        self._summed = bank.with_weight(W.sum(out_axis, keepdim=True))
        super().__init__((*batch, *self._map.domain_shape), (*batch, *self._map.range_shape))
        self._ones = W.new_ones(self._summed.range_shape)

    def _forward(self, x: Tensor) -> Tensor:
        return self._map(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._map.T(y)

    def sensitivity(self) -> Tensor:
        return self._summed.T(self._ones)


class Model(Protocol):
    """Gives the two maps of a factorization."""

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


class ConvolutiveModel:
    """``V[f] = sum_r W[f, r] * H[r]``, convolved along the last `ndim` axes."""

    def __init__(self, W: Tensor, H: Tensor, ndim: int, boundary: str, method: str = "auto") -> None:
        self._bank = ConvolutionBank(W.detach(), tuple(H.shape[-ndim:]), boundary, method=method)
        self._batch = tuple(H.shape[: H.ndim - len(self._bank.domain_shape)])
        self._out_axis = -ndim - 2

    def of_W(self, H: Tensor) -> FactorMap:
        return ConvolvedWithActivations(self._bank, self._out_axis, H)

    def of_H(self, W: Tensor) -> FactorMap:
        return ConvolvedWithTemplates(self._bank, self._out_axis, W, self._batch)
