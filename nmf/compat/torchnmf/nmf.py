"""Factorizations in the layout of torchnmf: V (N, C, ...), W (C, R, ...), H (N, R, ...)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import torch
from torch import Tensor

from nmf.maps.convolutive import ConvolutiveModel
from nmf.models import nmf, nmfd

from ._base import Described, Factor, Size, Stop, common_rank, factor, sizes

__all__ = ["NMF", "NMF2D", "NMF3D", "NMFD", "BaseComponent"]

Engine: TypeAlias = nmf.NMF | nmfd.NMFD | nmfd.NMF2D | nmfd.NMF3D


class BaseComponent(Described):
    """Base class of the factorizations.

    Parameters
    ----------
    rank : int, optional
        Number of components; needed without W and H.
    W, H : tuple of int or torch.Tensor, optional
        Shapes of factors to draw at random, or the factors to start from.
    trainable_W, trainable_H : bool
        Whether a given tensor is changed by a fit.

    Raises
    ------
    ValueError
        If the ranks differ or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.nmf import BaseComponent, NMF
    >>> model = NMF(W=(4, 2), H=(3, 2))
    >>> isinstance(model, BaseComponent), model.rank, model.out_channels
    (True, 2, 4)
    """

    def __init__(
        self,
        rank: int | None = None,
        W: Factor = None,
        H: Factor = None,
        trainable_W: bool = True,
        trainable_H: bool = True,
    ) -> None:
        super().__init__()
        self.W = factor(W, "W", trainable_W)
        self.H = factor(H, "H", trainable_H)
        self.rank = common_rank(rank, *(None if x is None else x.shape[1] for x in (self.W, self.H)))

    def forward(self, H: Tensor | None = None, W: Tensor | None = None) -> Tensor:
        """Return the model of V, from the module's factors or another `H` and `W`."""
        H, W = self.H if H is None else H, self.W if W is None else W
        if H is None or W is None:
            raise ValueError("the module has no W or no H: pass it")
        return self.reconstruct(H, W)

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor) -> Tensor:
        """Return the model of V from `H` and `W`; subclasses define it."""
        raise NotImplementedError

    def fit(
        self,
        V: Tensor,
        beta: float = 1,
        tol: float = 1e-4,
        max_iter: int = 200,
        verbose: bool = False,
        alpha: float = 0,
        l1_ratio: float = 0,
    ) -> int:
        """Minimize the beta-divergence by multiplicative updates, and return the number of iterations.

        Parameters
        ----------
        V : torch.Tensor
            Non-negative data, of the shape given at construction; for `NMF` also sparse.
        beta : float
            Of the divergence.
        tol : float
            Stop when the square root of twice the objective fell by less than this fraction of its first value.
        max_iter : int
            Largest number of iterations.
        verbose : bool
            Print the progress.
        alpha, l1_ratio : float
            Weight of the penalty on both factors, and the fraction of it that is L1; the rest is L2.
        """
        l1, l2 = alpha * l1_ratio, alpha * (1 - l1_ratio)
        engine = self._engine()
        result = engine.fit(
            self._to_engine(V),
            beta,
            solver="mm",
            l1_W=l1,
            l2_W=l2,
            l1_H=l1,
            l2_H=l2,
            tol=0,
            max_iter=max_iter,
            callback=Stop(tol, verbose),
        )
        self._take(engine)
        return result.n_iter

    def sparse_fit(
        self,
        V: Tensor,
        beta: float = 2,
        max_iter: int = 200,
        verbose: bool = False,
        sW: float | None = None,
        sH: float | None = None,
    ) -> int:
        """Fit with components of a given sparseness, and return the number of iterations; see `nmf.NMF.sparse_fit`.

        Parameters
        ----------
        V : torch.Tensor
            Non-negative data, of the shape given at construction.
        beta : float
            Of the divergence.
        max_iter : int
            Number of iterations; all are run.
        verbose : bool
            Ignored.
        sW, sH : float, optional
            Sparseness of the templates and of the activations, 0 to 1; free if None.
        """
        engine = self._engine()
        for _ in range(max_iter):
            engine.sparse_fit(self._to_engine(V), beta, sW=sW, sH=sH, tol=0, max_iter=1)
        self._take(engine)
        return max_iter

    def _engine(self) -> Engine:
        raise NotImplementedError

    @staticmethod
    def _to_engine(V: Tensor) -> Tensor:
        return V

    @torch.no_grad()
    def _take(self, engine: Engine) -> None:
        assert self.W is not None
        assert self.H is not None
        self.to(engine.W.dtype)
        if self.W.requires_grad:
            self.W.copy_(engine.W)
        if self.H.requires_grad:
            self.H.copy_(self._to_engine(engine.H))

    def _options(self) -> dict[str, Any]:
        if self.W is None or self.H is None:
            raise ValueError("the module has no W or no H: nothing to fit")
        options = {"trainable_W": self.W.requires_grad, "trainable_H": self.H.requires_grad}
        return {"W": self.W.detach(), "H": self._to_engine(self.H.detach()), **options}


class NMF(BaseComponent):
    """``V = H W^T``: V (N, C), W (C, R), H (N, R).

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C)``; without it give W and H.
    rank : int, optional
        Number of components; as many as there are channels if None.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``trainable_W``, ``trainable_H``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.nmf import NMF
    >>> model = NMF((20, 30), 5)
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([30, 5]), torch.Size([20, 5]), torch.Size([20, 30]))
    """

    def __init__(self, Vshape: Iterable[int] | None = None, rank: int | None = None, **kwargs: Any) -> None:
        if Vshape is not None:
            (N, C), _ = sizes(Vshape, 0, ())
            kwargs |= {"W": (C, rank or C), "H": (N, rank or C)}
        super().__init__(rank, **kwargs)

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor) -> Tensor:
        """Return ``H W^T``."""
        return H @ W.mT

    @staticmethod
    def _to_engine(V: Tensor) -> Tensor:
        return V.t() if V.is_sparse else V.mT

    def _engine(self) -> Engine:
        return nmf.NMF(**self._options())


class _Convolutive(BaseComponent):
    _axes = 1
    _of: Callable[..., Engine]

    def _set_up(self, Vshape: Iterable[int] | None, rank: int | None, kernel: Size, kwargs: dict[str, Any]) -> None:
        if Vshape is not None:
            shape, kernel_shape = sizes(Vshape, self._axes, kernel)
            # Without a rank, as many components as torchnmf has: the size of the second axis, in 2-D and 3-D of the
            # last but one.
            rank = rank or shape[1 if self._axes == 1 else -2]
            space = tuple(n - k + 1 for n, k in zip(shape[2:], kernel_shape, strict=True))
            kwargs |= {"W": (shape[1], rank, *kernel_shape), "H": (shape[0], rank, *space)}
        super().__init__(rank, **kwargs)

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor) -> Tensor:
        """Return the full convolution of activations `H` and templates `W`."""
        return ConvolutiveModel(W, H, W.ndim - 2, "full").of_H(W)(H)

    def _engine(self) -> Engine:
        return self._of(boundary="full", share_W=True, **self._options())


class NMFD(_Convolutive):
    """Convolution along one axis: V (N, C, L), W (C, R, T), H (N, R, L - T + 1).

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, L)``; without it give W and H.
    rank : int, optional
        Number of components; as many as there are channels if None.
    T : int
        Length of the templates.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``trainable_W``, ``trainable_H``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.nmf import NMFD
    >>> model = NMFD((1, 33, 50), 16, T=3)
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([33, 16, 3]), torch.Size([1, 16, 48]), torch.Size([1, 33, 50]))
    """

    _of = nmfd.NMFD

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, T: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, T, kwargs)


class NMF2D(_Convolutive):
    """Convolution along two axes: V (N, C, L, M), W (C, R, k0, k1), H (N, R, L - k0 + 1, M - k1 + 1).

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, L, M)``; without it give W and H.
    rank : int, optional
        Number of components; the size of the last axis but one if None.
    kernel_size : int or tuple of int
        Size of the templates along the two axes.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``trainable_W``, ``trainable_H``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.nmf import NMF2D
    >>> model = NMF2D((1, 1, 33, 50), 16, kernel_size=(3, 4))
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([1, 16, 3, 4]), torch.Size([1, 16, 31, 47]), torch.Size([1, 1, 33, 50]))
    """

    _axes, _of = 2, nmfd.NMF2D

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, kernel_size: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, kernel_size, kwargs)


class NMF3D(_Convolutive):
    """Convolution along three axes, in the same way.

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, K, L, M)``; without it give W and H.
    rank : int, optional
        Number of components; the size of the last axis but one if None.
    kernel_size : int or tuple of int
        Size of the templates along the three axes.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``trainable_W``, ``trainable_H``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.nmf import NMF3D
    >>> model = NMF3D((1, 1, 6, 7, 8), 2, kernel_size=2)
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([1, 2, 2, 2, 2]), torch.Size([1, 2, 5, 6, 7]), torch.Size([1, 1, 6, 7, 8]))
    """

    _axes, _of = 3, nmfd.NMF3D

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, kernel_size: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, kernel_size, kwargs)
