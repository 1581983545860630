"""Validated data of any kind, and their data term."""

from __future__ import annotations

import torch
from torch import Tensor

from nmf.arrays import Array, StoredArray
from nmf.validation import check_beta, check_values, validate_data

from .dense import DataTerm, DenseData
from .sparse import SparseData
from .stored import StoredData, StoredMatrix, is_stored


def load(
    V: Array | StoredArray, mask: Array | None, weights: Array | None, beta: float, W: Tensor, *, convolutive: bool
) -> tuple[Tensor | StoredMatrix, Tensor | None]:
    """Return valid data, 0 where their weight is, and the weights, in the precision of the data and of `W`.

    Matrices on disk stay there and sparse ones stay sparse, unless the model is convolutive.

    Raises
    ------
    TypeError, ValueError
        If the data or weights are not valid; see `validate_data`.
    """
    if convolutive:
        return validate_data(V, beta, mask, weights, W)
    if is_stored(V):
        if mask is not None or weights is not None:
            raise ValueError("V on disk takes no mask and no weights; numpy.array(V) loads it")
        return StoredMatrix(V, beta, W), None
    if isinstance(V, Tensor) and V.layout != torch.strided:
        if mask is not None or weights is not None:
            raise ValueError("a sparse V takes no mask and no weights: its zeros are data")
        return _sparse(V, beta, W), None
    return validate_data(V, beta, mask, weights, W)


def _sparse(V: Tensor, beta: float, W: Tensor) -> Tensor:
    if V.ndim != 2:
        raise ValueError(f"a sparse V must be one matrix, got shape {tuple(V.shape)}")
    data = V.detach().to_sparse_coo().coalesce()
    data = data.to(torch.promote_types(data.dtype, W.dtype))
    check_values(data.values(), "V")
    check_beta(beta, torch.zeros(1))
    return data


def data_term(V: Tensor | StoredMatrix, weights: Tensor | None, beta: float, problem_axes: int) -> DataTerm:
    """Return the divergence from data that `load` returned."""
    if isinstance(V, StoredMatrix):
        return StoredData(V, beta)
    return SparseData(V, beta) if V.is_sparse else DenseData(V, weights, beta, problem_axes)
