"""Fitting the factors to data."""

from __future__ import annotations

from typing import Any

import torch

from ._fitting import Fitting, Rule
from ._input import like
from ._more_fits import partial_fit, sparse_fit
from ._result import FitResult
from ._solvers import Callback


class Factorization(Fitting):
    """Templates and activations that are fitted to data by bringing down a penalized beta-divergence."""

    @torch.no_grad()
    def fit(
        self,
        V: Any,
        beta: float = 1.0,
        *,
        solver: str = "auto",
        gamma: str | float | None = None,
        mask: Any = None,
        weights: Any = None,
        l1_W: float = 0.0,
        l2_W: float = 0.0,
        l1_H: float = 0.0,
        l2_H: float = 0.0,
        smooth_H: float = 0.0,
        orthogonal_W: float = 0.0,
        freeze_W: Any = None,
        tol: float = 1e-4,
        max_iter: int = 200,
        check_every: int = 10,
        callback: Callback | None = None,
        seed: int | None = None,
        process_group: Any = None,
    ) -> FitResult:
        r"""Bring down the penalized beta-divergence of the model from V, and keep the best factors seen.

        .. math::

            \sum w\, d_\beta(V | WH) + \lambda_{1W} |W|_1 + \tfrac{\lambda_{2W}}{2} |W|_2^2
            + \tfrac{\lambda_o}{2} \sum_{r \ne s} \langle W_r, W_s \rangle
            + \lambda_{1H} |H|_1 + \tfrac{\lambda_{2H}}{2} |H|_2^2 + \tfrac{\lambda_s}{2} |\Delta H|_2^2

        The result does not depend on the unit of V (penalties apart). A penalty on one factor alone can be escaped by
        moving scale into the other; penalize both, or freeze one.

        Parameters
        ----------
        V : numpy.ndarray or torch.Tensor
            Non-negative data, of the shape given at construction. float64 data make the module float64. `NMF` also
            takes sparse tensors (COO or CSR), and matrices on disk, which stay there and are read twice an iteration:
            `numpy.memmap`, and arrays in chunks, of zarr or h5py; fastest where a chunk holds all rows.
        beta : float
            2 for the Euclidean distance, 1 for Kullback-Leibler, 0 for Itakura-Saito.
        solver : {"auto", "mm", "extrapolated", "hals"}
            `mm`: multiplicative steps, each of which never increases the objective (Févotte and Idier, Neural
            Computation 2011). `extrapolated`: those from points ahead, two to five times fewer. `hals`: extrapolated
            coordinate descent, for `NMF` at β = 2 without mask, smoothness and orthogonality. `auto` takes `hals` where
            it can, else `extrapolated`.
        gamma : {"mm", "heuristic"} or float, optional
            Exponent of the multiplicative step. `mm` is the one with the guarantee, `heuristic` is 1. By default `mm`,
            but `heuristic` with extrapolation for 0 <= β < 1, where it is faster and guarded by a restart.
        mask : numpy.ndarray or torch.Tensor, optional
            True where V is known, broadcastable to V; the rest may be NaN.
        weights : numpy.ndarray or torch.Tensor, optional
            Weight of each entry, at least 0, broadcastable to V.
        l1_W, l2_W, l1_H, l2_H, smooth_H, orthogonal_W : float
            Weights of the penalties, at least 0.
        freeze_W : numpy.ndarray or torch.Tensor, optional
            A boolean for each component: True for templates that stay as they are, to the bit.
        tol : float
            Stop when the objective fell by less than this fraction of itself between two checks.
        max_iter : int
            Largest number of iterations.
        check_every : int
            Iterations between two checks.
        callback : callable, optional
            ``callback(iteration, (W, H), objective)`` at each check, with the best factors so far; returning True
            stops.
        seed : int, optional
            Draw those factors anew that were not given.
        process_group : torch.distributed.ProcessGroup, optional
            Of processes that call `fit` together, each on some columns of V and with a module for those: the templates
            are fitted to all columns, and become the same in all processes, which start from those of the first. For
            `NMF`, with every solver and beta; not with `smooth_H`. The callback of one process stops them all. An error
            in one leaves the others waiting: `torchrun` ends them.

        Returns
        -------
        FitResult

        Raises
        ------
        ValueError
            If V is negative, not finite, of another shape or on another device, holds zeros while β <= 0, or an option
            is out of range or differs between processes.

        Examples
        --------
        >>> import torch
        >>> import nmf
        >>> V = torch.tensor([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
        >>> model = nmf.NMF(V.shape, rank=1, seed=0)
        >>> model.fit(V, beta=1).converged
        True
        >>> torch.allclose(model(), V, rtol=1e-4)
        True
        """
        if not (self.W.requires_grad or self.H.requires_grad):
            raise ValueError("both factors are frozen: nothing to fit")
        shards = self._shards(process_group, smooth_H)
        V, weights = self._enter(V, beta, mask, weights)
        self.to(V.dtype)
        self._check_shape(V, tuple(self.H.shape[self.H.ndim - self._space_axes :]))
        if seed is not None:
            self._draw(seed)
        frozen = self._frozen(freeze_W)
        drawn = self._to_scale(frozen)
        penalties_W = {"l1": l1_W, "l2": l2_W, "orthogonal": orthogonal_W}
        penalties_H = {"l1": l1_H, "l2": l2_H, "smooth": smooth_H}
        shards.check_same(
            **{"the shape of W": tuple(self.W.shape), "the dtype of V and the module": V.dtype, "beta": beta},
            **{"what is given, frozen or drawn": (sorted(drawn), self.W.requires_grad, self.H.requires_grad, freeze_W)},
            **{"penalties": (penalties_W, penalties_H), "gamma": gamma, "tol": tol},
            **{"max_iter": max_iter, "check_every": check_every},
        )
        W, H, result = self._solve(
            V,
            weights,
            beta,
            (shards.first(self.W.detach()), self.H.detach()),
            drawn,
            Rule(solver, gamma, tol, max_iter, check_every, callback),
            penalties_W=penalties_W,
            penalties_H=penalties_H,
            train=(self.W.requires_grad, self.H.requires_grad),
            frozen=frozen,
            shards=shards,
        )
        if self.W.requires_grad:
            self.W.copy_(W if frozen is None else torch.where(frozen, self.W, W))
        if self.H.requires_grad:
            self.H.copy_(H)
        self._drawn = {}
        return result

    @torch.no_grad()
    def transform(
        self,
        V: Any,
        beta: float = 1.0,
        *,
        solver: str = "auto",
        gamma: str | float | None = None,
        mask: Any = None,
        weights: Any = None,
        l1_H: float = 0.0,
        l2_H: float = 0.0,
        smooth_H: float = 0.0,
        tol: float = 1e-6,
        max_iter: int = 500,
        check_every: int = 10,
    ) -> Any:
        """Return the activations of other data, the templates staying as they are.

        Parameters
        ----------
        V : numpy.ndarray or torch.Tensor
            Non-negative data with the rows of the fit; any number of frames, and with shared templates any batch. As
            for `fit`, they may stay on disk.
        beta, solver, gamma, mask, weights, l1_H, l2_H, smooth_H, tol, max_iter, check_every
            As for `fit`.

        Returns
        -------
        numpy.ndarray or torch.Tensor
            H, the kind of V; NumPy for data on disk.

        Raises
        ------
        ValueError
            As for `fit`.
        """
        original = V
        V, weights = self._enter(V, beta, mask, weights)
        self._check_shape(V, None)
        W = self.W.detach().to(V.dtype)
        n = self._space_axes
        space = self._activations(tuple(V.shape[-n:]), tuple(W.shape[W.ndim - self.taps_axes :]))
        H = W.new_ones(*V.shape[: -n - 1], self.rank, *space)
        _, H, _ = self._solve(
            V,
            weights,
            beta,
            (W, H),
            {"H"},
            Rule(solver, gamma, tol, max_iter, check_every),
            penalties_W={},
            penalties_H={"l1": l1_H, "l2": l2_H, "smooth": smooth_H},
            train=(False, True),
            frozen=None,
        )
        return like(H, original)

    def partial_fit(
        self,
        V: Any,
        beta: float = 1.0,
        *,
        forget: float = 0.7,
        mask: Any = None,
        weights: Any = None,
        max_iter: int = 50,
    ) -> None:
        """Improve the templates by one part of data that are too many for memory, or still arriving.

        The activations of the part are found first, with the templates fixed; they are not kept (call `transform`).

        Parameters
        ----------
        V : numpy.ndarray or torch.Tensor
            Some frames, with the rows of the module.
        beta, mask, weights
            As for `fit`.
        forget : float
            How much the parts before still count: 1 for all the same, less to forget the bad start.
        max_iter : int
            Largest number of iterations for the activations.

        Raises
        ------
        ValueError
            As for `fit`, or if `forget` is not from 0 to 1.
        """
        partial_fit(self, V, beta, forget, mask, weights, max_iter)

    def sparse_fit(
        self,
        V: Any,
        beta: float = 2.0,
        *,
        sW: float | None = None,
        sH: float | None = None,
        tol: float = 1e-4,
        max_iter: int = 200,
        check_every: int = 10,
    ) -> FitResult:
        """Fit with components of a prescribed sparseness (Hoyer, JMLR 2004).

        Projected gradient steps for the factors that have one, which are taken only if they do not increase the
        divergence; multiplicative steps for the other.

        Parameters
        ----------
        V : numpy.ndarray or torch.Tensor
            As for `fit`.
        beta : float
            Of the divergence.
        sW, sH : float, optional
            Sparseness of each template and of the activations of each component, between 0 and 1; see
            `nmf.sparseness`.
        tol, max_iter, check_every
            As for `fit`.

        Returns
        -------
        FitResult
            The history of all problems together.

        Raises
        ------
        ValueError
            As for `fit`, or if a sparseness is out of range.
        """
        return sparse_fit(self, V, beta, sW, sH, tol, max_iter, check_every)
