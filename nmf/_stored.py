"""Data that stay on disk: a memory-mapped file or a chunked array, read some columns at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._data import DenseData
from ._divergence import total
from ._input import as_tensor, check_beta, check_values
from ._maps import FactorMap, TimesActivations, TimesTemplates
from ._penalties import Slope, divergence_slope

_BLOCK = 2**25  # bytes that are read at a time


def is_stored(V: Any) -> bool:
    """Whether V is a memory-mapped NumPy array, or an array in chunks as those of zarr, h5py and Dask."""
    if isinstance(V, np.ndarray | Tensor):
        return isinstance(V, np.memmap)
    return all(hasattr(V, name) for name in ("shape", "dtype", "chunks", "__getitem__"))


class StoredMatrix:
    """A matrix on disk, of which some columns at a time are read; it can be divided by a number.

    Parameters
    ----------
    V : array
        See `is_stored`.
    beta : float
        Of the divergence that is to be finite.
    factor : torch.Tensor
        Whose device the blocks have, and whose precision if it is higher.

    Attributes
    ----------
    shape, ndim, dtype, device
        As of a tensor.
    sum : torch.Tensor
        Of all entries, in float64.

    Raises
    ------
    TypeError, ValueError
        If V is not one matrix, not real, empty, negative, not finite, or zero where that is infinitely far.
    """

    def __init__(self, V: Any, beta: float, factor: Tensor) -> None:
        if len(V.shape) != 2:
            raise ValueError(f"V on disk must be one matrix, got shape {tuple(V.shape)}; numpy.array(V) loads it")
        self._V, self._divisor = V, torch.ones((), dtype=torch.float64, device=factor.device)
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
        """Read the columns, some at a time."""
        for start in range(0, self.shape[1], self._width):
            columns = slice(start, min(start + self._width, self.shape[1]))
            block = as_tensor(np.asarray(self._V[:, columns]), "V").to(self.device, self.dtype)
            yield columns, block.div_(self._divisor.to(self.dtype))


class StoredData:
    """A matrix on disk, where `nmf._data.DenseData` has one in memory: the sums over its blocks of columns.

    It is read once for each slope and each divergence, that is about twice an iteration.
    """

    problem_axes = 0

    def __init__(self, V: StoredMatrix, beta: float) -> None:
        self.V, self.beta = V, beta

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""
        down, up = torch.zeros_like(x), torch.zeros_like(x)
        for columns, V in self.V.blocks():
            part, its_x = _columns_of(A, x, columns)
            slope = DenseData(V, None, self.beta, 0).slope(part, its_x)
            if isinstance(A, TimesActivations):
                down += slope.down
                up += slope.up
            else:
                down[:, columns], up[:, columns] = slope.down, slope.up
        return divergence_slope(down, up, self.beta)

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence, in float64."""
        blocks = self.V.blocks()
        parts = [DenseData(V, None, self.beta, 0).divergence(*_columns_of(A, x, where)) for where, V in blocks]
        return torch.stack(parts).sum()


def _columns_of(A: FactorMap, x: Tensor, columns: slice) -> tuple[FactorMap, Tensor]:
    """Return some columns of a product as a map of a factor, and what that maps to them."""
    if isinstance(A, TimesActivations):
        return TimesActivations(A.H[:, columns], x.shape[0], shared=True), x
    assert isinstance(A, TimesTemplates)
    x = x[:, columns]
    return TimesTemplates(A.W, tuple(x.shape)), x
