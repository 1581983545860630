"""Probabilistic latent component analysis in the layout of torchnmf: V (N, C, ...), W (C, R, ...), H (N, R, ...)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from nmf.maps.convolutive import ConvolutiveModel
from nmf.models import plca

from ._base import Described, Factor, Size, common_rank, factor, sizes

__all__ = ["PLCA", "SIPLCA", "SIPLCA2", "SIPLCA3", "BaseComponent"]


class BaseComponent(Described):
    """Base class of the probabilistic models; factors are normalized.

    Parameters
    ----------
    rank : int, optional
        Number of components; needed without factors.
    W, H : tuple of int or torch.Tensor, optional
        Shapes of factors to draw at random, or the factors to start from.
    Z : torch.Tensor, optional
        Probabilities of the components, shape ``(rank,)``.
    trainable_W, trainable_H, trainable_Z : bool
        Whether a given tensor is changed by a fit.

    Raises
    ------
    ValueError
        If the ranks differ or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.plca import PLCA, BaseComponent
    >>> model = PLCA((3, 4), 2)
    >>> isinstance(model, BaseComponent), model.Z.tolist()
    (True, [0.5, 0.5])
    """

    Z: Tensor | None

    def __init__(
        self,
        rank: int | None = None,
        W: Factor = None,
        H: Factor = None,
        Z: Tensor | None = None,
        trainable_W: bool = True,
        trainable_H: bool = True,
        trainable_Z: bool = True,
    ) -> None:
        super().__init__()
        self.W = factor(W, "W", trainable_W)
        self.H = factor(H, "H", trainable_H)
        self.Z = factor(Z, "Z", trainable_Z)
        if self.Z is not None and self.Z.ndim != 1:
            raise ValueError(f"Z must have one axis, got shape {tuple(self.Z.shape)}")
        known = [None if x is None else x.shape[1] for x in (self.W, self.H)]
        self.rank = common_rank(rank, *known, None if self.Z is None else len(self.Z), rank)
        if self.Z is None and rank is not None:
            self.Z = nn.Parameter(torch.full((self.rank,), 1 / self.rank))
        with torch.no_grad():
            for x in (self.W, self.H, self.Z):
                if x is not None:
                    x.copy_(plca.normalized(x, 1 if x.ndim > 1 else 0))

    def forward(
        self, H: Tensor | None = None, W: Tensor | None = None, Z: Tensor | None = None, norm: float | None = None
    ) -> Tensor:
        """Return the distribution, from the module's factors or other `H`, `W` and `Z`, times `norm` if given."""
        H, W, Z = (own if x is None else x for x, own in ((H, self.H), (W, self.W), (Z, self.Z)))
        if H is None or W is None or Z is None:
            raise ValueError("the module lacks W, H or Z: pass it")
        result = self.reconstruct(H, W, Z)
        return result if norm is None else result * norm

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor, Z: Tensor) -> Tensor:
        """Return the distribution from `H`, `W` and `Z`; subclasses define it."""
        raise NotImplementedError

    def fit(
        self,
        V: Tensor,
        tol: float = 1e-4,
        max_iter: int = 200,
        verbose: bool = False,
        W_alpha: float | Tensor = 1.0,
        H_alpha: float | Tensor = 1.0,
        Z_alpha: float | Tensor = 1.0,
    ) -> tuple[int, Tensor]:
        """Maximize the log-probability, and return the number of iterations and the sum of V; see `nmf.PLCA.fit`.

        Parameters
        ----------
        V : torch.Tensor
            Non-negative data, of the shape given at construction.
        tol : float
            Stop when the divergence fell by less than this fraction between two checks.
        max_iter : int
            Largest number of iterations.
        verbose : bool
            Print the number of iterations and the divergence.
        W_alpha, H_alpha, Z_alpha : float or torch.Tensor
            Dirichlet parameters, positive, broadcastable to the factor.
        """
        if self.W is None or self.H is None or self.Z is None:
            raise ValueError("the module lacks W, H or Z: nothing to fit")
        engine = self._engine(
            W=self.W.detach(),
            H=self._to_engine(self.H.detach()),
            Z=self.Z.detach(),
            trainable_W=self.W.requires_grad,
            trainable_H=self.H.requires_grad,
            trainable_Z=self.Z.requires_grad,
        )
        H_alpha = self._to_engine(H_alpha) if isinstance(H_alpha, Tensor) and H_alpha.ndim > 1 else H_alpha
        result = engine.fit(
            self._to_engine(V), W_alpha=W_alpha, H_alpha=H_alpha, Z_alpha=Z_alpha, tol=tol, max_iter=max_iter
        )
        if verbose:
            print(f"{result.n_iter} iterations, divergence {float(result.history[-1]):.6g}")
        with torch.no_grad():
            self.to(engine.W.dtype)
            for own, new in ((self.W, engine.W), (self.H, self._to_engine(engine.H)), (self.Z, engine.Z)):
                if own.requires_grad:
                    own.copy_(new)
        return result.n_iter, V.sum()

    def _engine(self, **factors: Any) -> plca.Probabilistic:
        raise NotImplementedError

    @staticmethod
    def _to_engine(V: Tensor) -> Tensor:
        return V


class PLCA(BaseComponent):
    """``V / sum(V) = H diag(Z) W^T``: V (N, C), W (C, R), H (N, R), Z (R,).

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C)``; without it give W and H.
    rank : int, optional
        Number of components; as many as there are channels if None.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``Z``, ``trainable_W``, ``trainable_H``, ``trainable_Z``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.plca import PLCA
    >>> model = PLCA((20, 30), 5)
    >>> model.W.shape, model.H.shape, model.Z.shape, round(float(model().detach().sum()), 4)
    (torch.Size([30, 5]), torch.Size([20, 5]), torch.Size([5]), 1.0)
    """

    def __init__(self, Vshape: Iterable[int] | None = None, rank: int | None = None, **kwargs: Any) -> None:
        if Vshape is not None:
            (N, C), _ = sizes(Vshape, 0, ())
            rank = rank or C
            kwargs |= {"W": (C, rank), "H": (N, rank)}
        super().__init__(rank, **kwargs)

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor, Z: Tensor) -> Tensor:
        """Return ``H diag(Z) W^T``."""
        return H @ (W * Z).mT

    @staticmethod
    def _to_engine(V: Tensor) -> Tensor:
        return V.mT

    def _engine(self, **factors: Any) -> plca.Probabilistic:
        return plca.PLCA(**factors)


class _ShiftInvariant(BaseComponent):
    _axes = 1
    _of: type[plca.Probabilistic]

    def _set_up(self, Vshape: Iterable[int] | None, rank: int | None, kernel: Size, kwargs: dict[str, Any]) -> None:
        if Vshape is not None:
            shape, kernel_shape = sizes(Vshape, self._axes, kernel)
            rank = rank or shape[1 if self._axes == 1 else -2]
            space = tuple(n - k + 1 for n, k in zip(shape[2:], kernel_shape, strict=True))
            kwargs |= {"W": (shape[1], rank, *kernel_shape), "H": (shape[0], rank, *space)}
        super().__init__(rank, **kwargs)

    @staticmethod
    def reconstruct(H: Tensor, W: Tensor, Z: Tensor) -> Tensor:
        """Return the full convolution of `H` and `W`, components weighted by `Z`."""
        axes = W.ndim - 2
        weighted = W * Z.reshape(-1, *[1] * axes)
        return ConvolutiveModel(weighted, H, axes, "full").of_H(weighted)(H)

    def _engine(self, **factors: Any) -> plca.Probabilistic:
        return self._of(**factors)


class SIPLCA(_ShiftInvariant):
    """Shift-invariant along one axis: V (N, C, L), W (C, R, T), H (N, R, L - T + 1).

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, L)``; without it give W and H.
    rank : int, optional
        Number of components; as many as there are channels if None.
    T : int
        Length of the templates.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``Z``, ``trainable_W``, ``trainable_H``, ``trainable_Z``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.plca import SIPLCA
    >>> model = SIPLCA((1, 33, 50), 16, T=3)
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([33, 16, 3]), torch.Size([1, 16, 48]), torch.Size([1, 33, 50]))
    """

    _of = plca.SIPLCA

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, T: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, T, kwargs)


class SIPLCA2(_ShiftInvariant):
    """Shift-invariant along two axes.

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, L, M)``; without it give W and H.
    rank : int, optional
        Number of components; the size of the last axis but one if None.
    kernel_size : int or tuple of int
        Size of the templates along the two axes.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``Z``, ``trainable_W``, ``trainable_H``, ``trainable_Z``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.plca import SIPLCA2
    >>> SIPLCA2((1, 1, 33, 50), 16, kernel_size=(3, 4)).H.shape
    torch.Size([1, 16, 31, 47])
    """

    _axes, _of = 2, plca.SIPLCA2

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, kernel_size: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, kernel_size, kwargs)


class SIPLCA3(_ShiftInvariant):
    """Shift-invariant along three axes.

    Parameters
    ----------
    Vshape : iterable of int, optional
        Shape of V, ``(N, C, K, L, M)``; without it give W and H.
    rank : int, optional
        Number of components; the size of the last axis but one if None.
    kernel_size : int or tuple of int
        Size of the templates along the three axes.
    **kwargs
        As of `BaseComponent`: ``W``, ``H``, ``Z``, ``trainable_W``, ``trainable_H``, ``trainable_Z``.

    Raises
    ------
    ValueError
        If the shapes or ranks do not fit, or a factor is negative.

    Examples
    --------
    >>> from nmf.compat.torchnmf.plca import SIPLCA3
    >>> SIPLCA3((1, 1, 6, 7, 8), 2, kernel_size=2).H.shape
    torch.Size([1, 2, 5, 6, 7])
    """

    _axes, _of = 3, plca.SIPLCA3

    def __init__(
        self, Vshape: Iterable[int] | None = None, rank: int | None = None, kernel_size: Size = 1, **kwargs: Any
    ) -> None:
        self._set_up(Vshape, rank, kernel_size, kwargs)
