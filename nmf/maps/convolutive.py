"""The convolutive model as linear maps of its factors, on `deblur.operators.ConvolutionBank`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from torch import Tensor

from deblur.operators import ConvolutionBank, LinearOperator

from .matrix import FactorMap, Tile, TimesActivations, TimesTemplates


class ThroughMatrix(FactorMap):
    """A convolution as a matrix product of the kernels, each a row, with all shifts of the activations.

    Parameters
    ----------
    rearrange : LinearOperator
        From the factor to the factor of the matrix product.
    matrix : FactorMap
        The matrix product.
    space : tuple of int
        Shape of V along the axes that become columns.
    """

    def __init__(self, rearrange: LinearOperator, matrix: FactorMap, space: tuple[int, ...]) -> None:
        super().__init__(rearrange.domain_shape, (*matrix.range_shape[:-1], *space))
        self._rearrange, self._matrix, self._space = rearrange, matrix, space

    def _forward(self, x: Tensor) -> Tensor:
        return self._matrix._forward(self._rearrange._forward(x)).unflatten(-1, self._space)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._rearrange._adjoint(self._matrix._adjoint(y.flatten(-len(self._space))))

    def sensitivity(self) -> Tensor:
        return self._rearrange._adjoint(self._matrix.sensitivity().expand(self._matrix.domain_shape))

    def normal(self, x: Tensor) -> Tensor:
        return self._rearrange._adjoint(self._matrix.normal(self._rearrange._forward(x)))

    def tiles(self, x: Tensor, share: int = 1) -> Iterator[Tile]:
        n = len(self._space)
        for where, product, pull in self._matrix.tiles(self._rearrange._forward(x), share):
            yield Tile(where, product.unflatten(-1, self._space), partial(_pull_flat, pull, n))

    def collect(self, parts: list[Tensor], part: Tensor) -> None:
        self._matrix.collect(parts, part)

    def join(self, parts: list[Tensor]) -> Tensor:
        return self._rearrange._adjoint(self._matrix.join(parts))


def _pull_flat(pull: Callable[[Tensor], Tensor], ndim: int, y: Tensor) -> Tensor:
    return pull(y.flatten(-ndim))


class Rows(LinearOperator):
    """Kernels as the rows of a matrix: ``(..., F, R, *taps) -> (..., F, R * prod(taps))``."""

    def __init__(self, kernels: tuple[int, ...], ndim: int) -> None:
        super().__init__(kernels, (*kernels[: -ndim - 1], math.prod(kernels[-ndim - 1 :])))
        self._ndim = ndim

    def _forward(self, x: Tensor) -> Tensor:
        return x.flatten(-self._ndim - 1)

    def _adjoint(self, y: Tensor) -> Tensor:
        return y.unflatten(-1, self.domain_shape[-self._ndim - 1 :])


class Columns(LinearOperator):
    """All shifts of activations as a matrix: ``(..., R, *space of H) -> (..., R * prod(taps), prod(space of V))``."""

    def __init__(self, bank: ConvolutionBank, batch: tuple[int, ...], ndim: int) -> None:
        self._shifts, self._ndim = bank.shifts(), ndim
        *lead, self._space = *self._shifts.range_shape[:-ndim], self._shifts.range_shape[-ndim:]
        super().__init__((*batch, *self._shifts.domain_shape), (*batch, *lead, math.prod(self._space)))

    def _forward(self, x: Tensor) -> Tensor:
        return self._shifts._forward(x).flatten(-self._ndim)

    def _adjoint(self, y: Tensor) -> Tensor:
        return self._shifts._adjoint(y.unflatten(-1, self._space))


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
    """``H -> W * H``: the convolution, linear in the activations."""

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


class ConvolutiveModel:
    """``V[f] = sum_r W[f, r] * H[r]``, convolved along the last `ndim` axes."""

    def __init__(self, W: Tensor, H: Tensor, ndim: int, boundary: str, method: str = "auto") -> None:
        self._bank = ConvolutionBank(W.detach(), tuple(H.shape[-ndim:]), boundary, method=method)
        self._ndim, self._kernels = ndim, tuple(W.shape)
        self._batch = tuple(H.shape[: H.ndim - len(self._bank.domain_shape)])
        self._space = self._bank.range_shape[-ndim:]
        self._columns = Columns(self._bank, self._batch, ndim)

    def of_W(self, H: Tensor) -> FactorMap:
        if self._bank.method != "gemm":
            return ConvolvedWithActivations(self._bank, -self._ndim - 2, H)
        rows = Rows(self._kernels, self._ndim)
        shared = len(self._kernels) == 2 + self._ndim
        return ThroughMatrix(rows, TimesActivations(self._columns(H), rows.range_shape[-2], shared), self._space)

    def of_H(self, W: Tensor) -> FactorMap:
        if self._bank.method != "gemm":
            return ConvolvedWithTemplates(self._bank, -self._ndim - 2, W, self._batch)
        matrix = TimesTemplates(W.flatten(-self._ndim - 1), self._columns.range_shape)
        return ThroughMatrix(self._columns, matrix, self._space)
