"""Matrix factorization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ._factorization import Factorization
from ._input import check_beta, check_values
from ._maps import MatrixModel, Model
from ._problem import Data
from ._sparse import SparseData
from ._stored import StoredData, StoredMatrix, is_stored


class NMF(Factorization):
    """Non-negative matrix factorization: ``V = W H``, all entries at least 0.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(..., F, T)``: F rows (frequencies), T columns (frames). Leading axes are independent problems
        that are solved together. Needed unless both W and H are given.
    rank : int, optional
        Number of components R; needed unless W or H is given.
    W, H : numpy.ndarray or torch.Tensor, optional
        Templates ``(..., F, R)`` and activations ``(..., R, T)`` to start from; see `nmf.initialize`. Drawn at
        random otherwise, and scaled to the data by `fit`.
    trainable_W, trainable_H : bool
        Whether `fit` changes the factor: its ``requires_grad``.
    share_W : bool
        One W, ``(F, R)``, for all problems of a batch.
    dtype, device
        Of the parameters.
    seed : int, optional
        Of the draw.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a factor is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from nmf import NMF
    >>> V = torch.rand(8, 20, generator=torch.Generator().manual_seed(0))
    >>> model = NMF(V.shape, rank=3, seed=0)
    >>> result = model.fit(V, beta=1, max_iter=50)
    >>> model.W.shape, model.H.shape, bool(result.history[-1] < result.history[0])
    (torch.Size([8, 3]), torch.Size([3, 20]), True)
    """

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        *,
        W: Any = None,
        H: Any = None,
        trainable_W: bool = True,
        trainable_H: bool = True,
        share_W: bool = False,
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            shape,
            rank,
            (),
            W=W,
            H=H,
            trainable_W=trainable_W,
            trainable_H=trainable_H,
            share_W=share_W,
            dtype=dtype,
            device=device,
            seed=seed,
        )

    def _activations(self, space: tuple[int, ...], taps: tuple[int, ...]) -> tuple[int, ...]:
        return space

    def _model(self, W: Tensor, H: Tensor) -> Model:
        return MatrixModel(W, H)

    def _enter(self, V: Any, beta: float, mask: Any, weights: Any) -> tuple[Tensor | StoredMatrix, Tensor | None]:
        if is_stored(V):
            if mask is not None or weights is not None:
                raise ValueError("V on disk takes no mask and no weights; numpy.array(V) loads it")
            return StoredMatrix(V, beta, self.W), None
        if not isinstance(V, Tensor) or V.layout == torch.strided:
            return super()._enter(V, beta, mask, weights)
        if mask is not None or weights is not None:
            raise ValueError("a sparse V takes no mask and no weights: its zeros are data")
        if V.ndim != 2:
            raise ValueError(f"a sparse V must be one matrix, got shape {tuple(V.shape)}")
        data = V.detach().to_sparse_coo().coalesce()
        data = data.to(torch.promote_types(data.dtype, self.W.dtype))
        check_values(data.values(), "V")
        check_beta(beta, torch.zeros(1))
        return data, None

    def _data(self, V: Tensor | StoredMatrix, weights: Tensor | None, beta: float) -> Data:
        if isinstance(V, StoredMatrix):
            return StoredData(V, beta)
        return SparseData(V, beta) if V.is_sparse else super()._data(V, weights, beta)
