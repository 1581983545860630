"""Data on disk: a memory-mapped file or a chunked array, read some columns at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np
import torch
from torch import Tensor

from nmf.arrays import Array, StoredArray, as_tensor
from nmf.maps.matrix import FactorMap, TimesActivations, TimesTemplates
from nmf.objective.divergence import accumulator, total
from nmf.objective.penalties import Slope, divergence_slope
from nmf.validation import check_beta, check_values

from .dense import DenseData

_BLOCK = 2**25  # bytes that are read at a time; measured with: python -m benchmarks.nmf.on_disk


def is_stored(V: Array | StoredArray) -> TypeGuard[np.memmap | StoredArray]:
    """Whether V is a memory-mapped NumPy array, or an array in chunks as those of zarr, h5py and Dask."""
    if isinstance(V, np.ndarray | Tensor):
        return isinstance(V, np.memmap)
    return all(hasattr(V, name) for name in ("shape", "dtype", "chunks", "__getitem__"))


class StoredMatrix:
    """A matrix on disk that is read some columns at a time; it can be divided by a number.

    Parameters
    ----------
    V : array
        See `is_stored`.
    beta : float
        Of the divergence, which must be finite.
    factor : torch.Tensor
        A factor of the model: blocks are on its device, in its precision or that of V, whichever is higher.

    Attributes
    ----------
    shape, ndim, dtype, device
        As of a tensor.
    sum : torch.Tensor
        Sum of all entries.

    Raises
    ------
    TypeError, ValueError
        If V is not one matrix, not real, empty, negative, not finite, or zero where the divergence from zero
        is infinite.
    """

    def __init__(self, V: np.memmap | StoredArray, beta: float, factor: Tensor) -> None:
        if len(V.shape) != 2:
            raise ValueError(f"V on disk must be one matrix, got shape {tuple(V.shape)}; numpy.array(V) loads it")
        self._V, self._divisor = V, torch.ones((), dtype=accumulator(factor.device), device=factor.device)
        self.shape, self.ndim, self.device = torch.Size(V.shape), 2, factor.device
        self.dtype = torch.promote_types(as_tensor(np.asarray(V[:1, :1]), "V").dtype, factor.dtype)
        self._width = max(1, _BLOCK // (self.shape[0] * self.dtype.itemsize))
        chunk = (getattr(V, "chunks", None) or (1, 1))[1]
        if isinstance(chunk, int) and chunk <= self._width:
            self._width -= self._width % chunk  # so that each chunk is read once
        self.sum = torch.zeros_like(self._divisor)
        for _, block in self.blocks():
            check_values(block, "V")
            check_beta(beta, block)
            self.sum += total(block, 0)

    def __truediv__(self, divisor: Tensor) -> StoredMatrix:
        quotient = copy.copy(self)
        quotient._divisor, quotient.sum = self._divisor * divisor, self.sum / divisor
        return quotient

    def blocks(self) -> Iterator[tuple[slice, Tensor]]:
        """Read the columns, block by block."""
        for start in range(0, self.shape[1], self._width):
            columns = slice(start, min(start + self._width, self.shape[1]))
            block = as_tensor(np.asarray(self._V[:, columns]), "V").to(self.device, self.dtype)
            yield columns, block.div_(self._divisor.to(self.dtype))


class StoredData:
    """The data term of a matrix on disk: sums of those of `DenseData` over its blocks of columns.

    The matrix is read once per slope and per divergence, about twice per iteration.
    """

    problem_axes = 0

    def __init__(self, V: StoredMatrix, beta: float) -> None:
        self.V, self.beta = V, beta

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""
        down, up = torch.zeros_like(x), torch.zeros_like(x)
        for columns, V in self.V.blocks():
            part, part_x = _columns_of(A, x, columns)
            slope = DenseData(V, None, self.beta, 0).slope(part, part_x)
            if isinstance(A, TimesActivations):
                down += slope.down
                up += slope.up
            else:
                down[:, columns], up[:, columns] = slope.down, slope.up
        return divergence_slope(down, up, self.beta)

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence."""
        blocks = self.V.blocks()
        parts = [DenseData(V, None, self.beta, 0).divergence(*_columns_of(A, x, where)) for where, V in blocks]
        return torch.stack(parts).sum()


def _columns_of(A: FactorMap, x: Tensor, columns: slice) -> tuple[FactorMap, Tensor]:
    """Return some columns of a product as a map of a factor, and the part of the factor that it maps to them."""
    if isinstance(A, TimesActivations):
        return TimesActivations(A.H[:, columns], x.shape[0], shared=True), x
    assert isinstance(A, TimesTemplates)
    x = x[:, columns]
    return TimesTemplates(A.W, tuple(x.shape)), x
