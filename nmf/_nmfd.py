"""Convolutive factorization: templates that last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from ._convolutive_maps import ConvolutiveModel
from ._factorization import Factorization
from ._maps import Model

# What the axes of H are called in the convolution: its result has the shape of V.
BOUNDARIES = {"causal": "causal", "full": "full", "extend": "valid"}


class Convolutive(Factorization):
    """What the convolutive factorizations share."""

    def __init__(
        self,
        shape: Sequence[int] | None,
        rank: int | None,
        taps: int | Sequence[int],
        boundary: str,
        options: dict[str, Any],
    ) -> None:
        if boundary not in BOUNDARIES:
            raise ValueError(f"boundary must be one of {', '.join(BOUNDARIES)}, got {boundary!r}")
        sizes = (taps,) * self.taps_axes if isinstance(taps, int) else tuple(int(size) for size in taps)
        if len(sizes) != self.taps_axes:
            raise ValueError(f"the templates have {self.taps_axes} axes of taps, got {taps}")
        self._boundary = boundary
        super().__init__(shape, rank, sizes, **options)

    @property
    def boundary(self) -> str:
        """Which activations there are: `causal`, `full` or `extend`."""
        return self._boundary

    def _activations(self, space: tuple[int, ...], taps: tuple[int, ...]) -> tuple[int, ...]:
        extra = {"causal": 0, "full": -1, "extend": 1}[self._boundary]
        sizes = tuple(n + extra * (k - 1) for n, k in zip(space, taps, strict=True))
        if any(size < 1 for size in sizes):
            raise ValueError(f"templates of {taps} taps do not fit into V of {space} with boundary='full'")
        return sizes

    def _model(self, W: Tensor, H: Tensor) -> Model:
        return ConvolutiveModel(W, H, self.taps_axes, BOUNDARIES[self._boundary])

    def _axes_of_V(self) -> str:
        return ("F, T", "C, M, N", "C, L, M, N")[self.taps_axes - 1]


class NMFD(Convolutive):
    r"""Non-negative matrix factor deconvolution: templates of several frames.

    .. math:: V_{f,t} \approx \sum_r \sum_{\tau} W_{f,r,\tau} H_{r,t-\tau}

    (Smaragdis, ICA 2004, eq. 3; updates of Fagot, Wendt and Févotte, ICASSP 2019: all taps of a factor at once, which
    never increases the objective, while averaging the ratios of the taps does). The convolution, and its two
    adjoints, are those of `deblur.operators.ConvolutionBank`; with the templates fixed, the update of H is
    Richardson-Lucy deconvolution.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(..., F, T)``. Leading axes are independent problems.
    rank : int, optional
        Number of components R.
    taps : int
        Frames of a template, τ.
    boundary : {"causal", "full", "extend"}
        Which activations there are. `causal`: one for each frame, H ``(..., R, T)``; a sound that began before the
        first frame cannot be modeled. `full`: those whose templates end within V, T - τ + 1. `extend`: also those
        that began before, T + τ - 1, the first τ - 1 of them ahead of the first frame.
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

    taps_axes = 1

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, taps, boundary, options)


class NMF2D(Convolutive):
    """Convolutive factorization in two dimensions: templates that may be moved along two axes.

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

    taps_axes = 2

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int | Sequence[int] = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, taps, boundary, options)


class NMF3D(Convolutive):
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

    taps_axes = 3

    def __init__(
        self,
        shape: Sequence[int] | None = None,
        rank: int | None = None,
        taps: int | Sequence[int] = 1,
        *,
        boundary: str = "causal",
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, taps, boundary, options)
