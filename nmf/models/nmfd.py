"""Convolutive factorization: templates that extend over time, or over two or three axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nmf.factors.module import Factors
from nmf.fit import factorize, partial, sparse
from nmf.maps.geometry import Geometry, expand_kernel


class NMFD(Factors):
    r"""Non-negative matrix factor deconvolution: templates of several frames.

    .. math:: V_{f,t} \approx \sum_r \sum_{\tau} W_{f,r,\tau} H_{r,t-\tau}

    (Smaragdis, ICA 2004, eq. 3; updates of Fagot, Wendt and Févotte, ICASSP 2019: all frames of the templates at once,
    which never increases the objective, as averaging the ratios of the frames does). The convolution and its two
    adjoints are those of `deblur.operators.ConvolutionBank`; with the templates fixed, the update of H is
    Richardson-Lucy deconvolution.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(..., F, T)``. Leading axes are independent problems.
    rank : int, optional
        Number of components R.
    taps : int
        Length of a template in frames, τ.
    boundary : {"causal", "full", "extend"}
        Which activations there are. `causal`: one per frame, H ``(..., R, T)``; a sound that began before the first
        frame cannot be modeled. `full`: only those whose templates end within V, T - τ + 1. `extend`: also those that
        began earlier, T + τ - 1, the first τ - 1 of them before the first frame.
    W, H : numpy.ndarray or torch.Tensor, optional
        Templates ``(..., F, R, τ)`` and activations to start from.
    **options
        As of `NMF`.

    Raises
    ------
    ValueError
        As `NMF`, and if the boundary is not one of these, or the templates do not fit.

    Examples
    --------
    >>> import torch
    >>> from nmf import NMFD
    >>> V = torch.rand(8, 20, generator=torch.Generator().manual_seed(0))
    >>> model = NMFD(V.shape, rank=2, taps=4, seed=0)
    >>> result = model.fit(V, max_iter=20)
    >>> model.W.shape, model.H.shape, model().shape
    (torch.Size([8, 2, 4]), torch.Size([2, 20]), torch.Size([8, 20]))
    """

    fit = factorize.fit
    transform = factorize.transform
    partial_fit = partial.partial_fit
    sparse_fit = sparse.sparse_fit

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, Geometry(1, boundary), expand_kernel(taps, 1), **options)

    @property
    def boundary(self) -> str:
        """Which activations there are: `causal`, `full` or `extend`."""
        return self.geometry.boundary


class NMF2D(Factors):
    """Convolutive factorization in two dimensions: templates that are shifted along two axes.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(..., C, M, N)``: C channels.
    rank : int, optional
        Number of components R.
    taps : int or (int, int)
        Size of a template.
    boundary : {"causal", "full", "extend"}
        As of `NMFD`, along both axes.
    **options
        As of `NMF`: W is ``(..., C, R, *taps)``, H ``(..., R, M', N')``.

    Raises
    ------
    ValueError
        As `NMF`, and if the boundary is not one of these, or the templates do not fit.

    Examples
    --------
    >>> from nmf import NMF2D
    >>> NMF2D((1, 12, 20), rank=2, taps=(3, 4))().shape
    torch.Size([1, 12, 20])
    """

    fit = factorize.fit
    transform = factorize.transform
    partial_fit = partial.partial_fit
    sparse_fit = sparse.sparse_fit

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int | Sequence[int] = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, Geometry(2, boundary), expand_kernel(taps, 2), **options)

    @property
    def boundary(self) -> str:
        """Which activations there are: `causal`, `full` or `extend`."""
        return self.geometry.boundary


class NMF3D(Factors):
    """Convolutive factorization in three dimensions.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(..., C, L, M, N)``: C channels.
    rank : int, optional
        Number of components R.
    taps : int or (int, int, int)
        Size of a template.
    boundary : {"causal", "full", "extend"}
        As of `NMFD`, along the three axes.
    **options
        As of `NMF`: W is ``(..., C, R, *taps)``, H ``(..., R, L', M', N')``.

    Raises
    ------
    ValueError
        As `NMF`, and if the boundary is not one of these, or the templates do not fit.

    Examples
    --------
    >>> from nmf import NMF3D
    >>> NMF3D((1, 6, 7, 8), rank=2, taps=2)().shape
    torch.Size([1, 6, 7, 8])
    """

    fit = factorize.fit
    transform = factorize.transform
    partial_fit = partial.partial_fit
    sparse_fit = sparse.sparse_fit

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int | Sequence[int] = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, Geometry(3, boundary), expand_kernel(taps, 3), **options)

    @property
    def boundary(self) -> str:
        """Which activations there are: `causal`, `full` or `extend`."""
        return self.geometry.boundary
