"""Matrix factorization."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from nmf.arrays import Array
from nmf.factors.module import Factors
from nmf.fit import factorize, partial, sparse
from nmf.maps.geometry import Geometry


class NMF(Factors):
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
        Of the random factors.

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

    fit = factorize.fit
    transform = factorize.transform
    partial_fit = partial.partial_fit
    sparse_fit = sparse.sparse_fit

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        *,
        W: Array | None = None,
        H: Array | None = None,
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
            Geometry(),
            W=W,
            H=H,
            trainable_W=trainable_W,
            trainable_H=trainable_H,
            share_W=share_W,
            dtype=dtype,
            device=device,
            seed=seed,
        )
