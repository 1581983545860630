"""Probabilistic latent component analysis: factors that are distributions, fitted by expectation-maximization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from nmf.arrays import Array, as_tensor
from nmf.factors.module import Factors, check_data_shape
from nmf.fit.loop import Plateau, run
from nmf.fit.options import FitOptions, FitResult
from nmf.maps.geometry import Geometry, expand_kernel
from nmf.objective.divergence import accumulator, beta_divergence
from nmf.validation import check_values, combine_weights


class Probabilistic(Factors):
    """Factors that are distributions: ``V / sum(V) = sum_z P(z) P(f|z) * P(t|z)``.

    Leading axes of V belong to the one distribution, and H has them too: the templates are shared.
    """

    Z: Tensor

    def __init__(
        self,
        shape: Sequence[int] | None,
        rank: int | None,
        geometry: Geometry,
        kernel_shape: tuple[int, ...] = (),
        *,
        Z: Array | None = None,
        trainable_Z: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(shape, rank, geometry, kernel_shape, share_W=True, **options)
        value = torch.full((self.rank,), 1 / self.rank) if Z is None else as_tensor(Z, "Z").detach().clone()
        check_values(value, "Z")
        if value.shape != (self.rank,):
            raise ValueError(f"Z must have one entry per component, {self.rank}, got shape {tuple(value.shape)}")
        self.Z = nn.Parameter(value.to(self.W), requires_grad=trainable_Z)
        with torch.no_grad():
            for factor, axis in self._factors_and_axes():
                factor.copy_(normalized(factor, axis))

    def _factors_and_axes(self) -> list[tuple[Tensor, int]]:
        return [(self.W, self.geometry.component_axis_W), (self.H, self.geometry.component_axis_H), (self.Z, 0)]

    def _weighted(self, W: Tensor, Z: Tensor) -> Tensor:
        """Return the templates times the probabilities of their components."""
        return W * Z.reshape(-1, *[1] * self.geometry.kernel_axes)

    def reconstruct(self, W: Tensor | None = None, H: Tensor | None = None, Z: Tensor | None = None) -> Tensor:
        """Return the model's distribution over V, differentiable in the factors.

        Parameters
        ----------
        W, H, Z : torch.Tensor, optional
            Factors that replace the module's, of their shapes.
        """
        W, H, Z = self.W if W is None else W, self.H if H is None else H, self.Z if Z is None else Z
        W = self._weighted(W, Z)
        return self.geometry.model(W, H).of_H(W)(H)

    def components(self) -> Tensor:
        """Return the part of each component in the distribution, ``(..., R, *axes)``; they sum to `reconstruct`."""
        one = torch.eye(self.rank, dtype=self.Z.dtype, device=self.Z.device)
        parts = [self.reconstruct(Z=self.Z * row) for row in one]
        return torch.stack(parts, dim=self.geometry.component_axis_H - 1)

    @torch.no_grad()
    def fit(
        self,
        V: Array,
        *,
        W_alpha: float | Tensor = 1.0,
        H_alpha: float | Tensor = 1.0,
        Z_alpha: float | Tensor = 1.0,
        mask: Array | None = None,
        tol: float = 1e-4,
        max_iter: int = 200,
        check_every: int = 10,
    ) -> FitResult:
        r"""Maximize the log-probability of V by expectation-maximization, all factors at once.

        .. math::

            \sum \bar v \log \hat v + \sum (\alpha_W - 1) \log W + \sum (\alpha_H - 1) \log H
            + \sum (\alpha_Z - 1) \log Z

        with :math:`\bar v = v / \sum v` (Smaragdis and Raj, 2007), so that the unit of V does not matter. For α >= 1 no
        iteration decreases it; α < 1 makes factors sparse.

        Parameters
        ----------
        V : numpy.ndarray or torch.Tensor
            Non-negative data, of the shape given at construction, with a positive sum.
        W_alpha, H_alpha, Z_alpha : float or torch.Tensor
            Dirichlet parameters, positive, broadcastable to the factor.
        mask : numpy.ndarray or torch.Tensor, optional
            True where V is known; the model's own expectation replaces the rest.
        tol : float
            Stop when the objective of the history fell by less than this fraction of itself between two checks.
        max_iter, check_every : int
            Largest number of iterations, and iterations between two checks.

        Returns
        -------
        FitResult
            Its history is the Kullback-Leibler divergence of the model from V / sum(V), less the logarithms of the
            priors.

        Raises
        ------
        ValueError
            If V is negative, not finite, all zero or of another shape, or an α is not positive.
        """
        options = FitOptions(tol=tol, max_iter=max_iter, check_every=check_every)
        data, known = self._distribution(V, mask)
        alphas = [torch.as_tensor(alpha).to(data) for alpha in (W_alpha, H_alpha, Z_alpha)]
        for name, alpha in zip(("W_alpha", "H_alpha", "Z_alpha"), alphas, strict=True):
            if not bool((alpha > 0).all()):
                raise ValueError(f"{name} must be positive, got {float(alpha.min())}")
        check = Plateau(lambda: self._objective(data, known, alphas), tol)
        return run(lambda: self._step(data, known, alphas), check, options)

    def _distribution(self, V: Array, mask: Array | None) -> tuple[Tensor, Tensor | None]:
        """Return V / sum(V), 0 where it is unknown, and where it is known; the module takes on its precision."""
        data = as_tensor(V, "V").detach()
        data = data.to(self.W.device, torch.promote_types(data.dtype, self.W.dtype))
        self.to(data.dtype)
        known = combine_weights(data, mask, None)
        if known is not None:
            data = torch.where(known > 0, data, 0.0)
        check_values(data, "V")
        check_data_shape(self, data, same_activations=True)
        if not bool(data.sum() > 0):
            raise ValueError("V is all zero, and cannot be normalized to a distribution")
        return data / data.sum(), known

    def _step(self, V: Tensor, known: Tensor | None, alphas: list[Tensor]) -> None:
        W, H = self.W, self.H
        weighted = self._weighted(W, self.Z)
        model = self.geometry.model(weighted, H)
        of_W, of_H = model.of_W(H), model.of_H(weighted)
        product = of_W(weighted)
        tiny = torch.finfo(V.dtype).tiny
        ratio = V / product.clamp_min(tiny)
        if known is not None:  # the expected counts of unknown entries are the model's
            mass = (product * known).sum().clamp_min(tiny)
            ratio = torch.where(known > 0, ratio, 1 / mass)
        counts_W, counts_H = weighted * of_W.T(ratio), H * of_H.T(ratio)
        counts_Z = counts_W.movedim(self.geometry.component_axis_W, 0).flatten(1).sum(1)
        counts = (counts_W, counts_H, counts_Z)
        for (factor, axis), count, alpha in zip(self._factors_and_axes(), counts, alphas, strict=True):
            if factor.requires_grad:
                factor.copy_(normalized((count + (alpha - 1)).clamp_min(0), axis, otherwise=factor))

    def _objective(self, V: Tensor, known: Tensor | None, alphas: list[Tensor]) -> Tensor:
        product = self.reconstruct()
        if known is not None:
            product = product / (product * known).sum()
        value = beta_divergence(V, product.clamp_min(torch.finfo(V.dtype).tiny), 1.0, weights=known)
        for (factor, _), alpha in zip(self._factors_and_axes(), alphas, strict=True):
            logs = factor.clamp_min(torch.finfo(V.dtype).tiny).log()
            value = value - torch.where(alpha == 1, 0.0, (alpha - 1) * logs).sum(dtype=accumulator(V.device))
        return value


def normalized(factor: Tensor, axis: int, otherwise: Tensor | None = None) -> Tensor:
    """Return each component with sum 1; one that is all zero becomes that of `otherwise`, by default uniform."""
    axis = axis % factor.ndim
    rest = tuple(i for i in range(factor.ndim) if i != axis) if factor.ndim > 1 else (0,)
    total = factor.sum(rest, keepdim=True)
    if otherwise is None:
        otherwise = torch.full_like(factor, total.numel() / factor.numel())
    return torch.where(total > 0, factor / total.clamp_min(torch.finfo(factor.dtype).tiny), otherwise)


class PLCA(Probabilistic):
    """Probabilistic latent component analysis: ``P(f, t) = sum_z P(z) P(f|z) P(t|z)``.

    Parameters
    ----------
    shape : sequence of int, optional
        Shape of V, ``(F, T)``.
    rank : int, optional
        Number of components.
    W, H, Z : numpy.ndarray or torch.Tensor, optional
        Factors to start from: P(f|z) ``(F, R)``, P(t|z) ``(R, T)`` and P(z) ``(R,)``; they are normalized.
    **options
        ``trainable_W``, ``trainable_H``, ``trainable_Z``, ``dtype``, ``device``, ``seed`` as of `NMF`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a factor is negative or not finite.

    Examples
    --------
    >>> import torch
    >>> from nmf import PLCA
    >>> V = torch.rand(8, 20, generator=torch.Generator().manual_seed(0))
    >>> model = PLCA(V.shape, rank=3, seed=0)
    >>> model.fit(V, max_iter=20).n_iter
    20
    >>> round(float(model().detach().sum()), 4)
    1.0
    """

    def __init__(self, shape: Sequence[int] | None = None, rank: int | None = None, **options: Any) -> None:
        super().__init__(shape, rank, Geometry(), **options)


class SIPLCA(Probabilistic):
    """Shift-invariant PLCA along time: V ``(F, T)``, W ``(F, R, τ)``, H ``(R, T - τ + 1)`` (Smaragdis and Raj, 2007).

    Parameters
    ----------
    shape, rank, **options
        As of `PLCA`.
    taps : int
        Length of a template in frames.

    Raises
    ------
    ValueError
        As `PLCA`, and if the templates do not fit into V.

    Examples
    --------
    >>> from nmf import SIPLCA
    >>> SIPLCA((8, 20), rank=2, taps=4).H.shape
    torch.Size([2, 17])
    """

    def __init__(
        self, shape: Sequence[int] | None = None, rank: int | None = None, taps: int = 1, **options: Any
    ) -> None:
        super().__init__(shape, rank, Geometry(1, "full"), expand_kernel(taps, 1), **options)


class SIPLCA2(Probabilistic):
    """Shift-invariant PLCA in two dimensions: V ``(C, M, N)``, W ``(C, R, *taps)``.

    Parameters
    ----------
    shape, rank, **options
        As of `PLCA`.
    taps : int or (int, int)
        Size of a template.

    Raises
    ------
    ValueError
        As `PLCA`, and if the templates do not fit into V.

    Examples
    --------
    >>> from nmf import SIPLCA2
    >>> SIPLCA2((1, 12, 20), rank=2, taps=(3, 4)).H.shape
    torch.Size([2, 10, 17])
    """

    def __init__(
        self, shape: Sequence[int] | None = None, rank: int | None = None, taps: int | Sequence[int] = 1, **options: Any
    ) -> None:
        super().__init__(shape, rank, Geometry(2, "full"), expand_kernel(taps, 2), **options)


class SIPLCA3(Probabilistic):
    """Shift-invariant PLCA in three dimensions: V ``(C, L, M, N)``, W ``(C, R, *taps)``.

    Parameters
    ----------
    shape, rank, **options
        As of `PLCA`.
    taps : int or (int, int, int)
        Size of a template.

    Raises
    ------
    ValueError
        As `PLCA`, and if the templates do not fit into V.

    Examples
    --------
    >>> from nmf import SIPLCA3
    >>> SIPLCA3((1, 6, 7, 8), rank=2, taps=2).H.shape
    torch.Size([2, 5, 6, 7])
    """

    def __init__(
        self, shape: Sequence[int] | None = None, rank: int | None = None, taps: int | Sequence[int] = 1, **options: Any
    ) -> None:
        super().__init__(shape, rank, Geometry(3, "full"), expand_kernel(taps, 3), **options)
