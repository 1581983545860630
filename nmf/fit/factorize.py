"""Fitting both factors to data, and finding the activations of other data: methods that all models share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from nmf.arrays import Array, ArrayT, StoredArray, in_kind_of
from nmf.factors.module import Factors, write
from nmf.objective.penalties import Penalties

from .options import Callback, FitOptions, FitResult
from .problem import Problem
from .solvers import minimize


@torch.no_grad()
def fit(
    self: Factors,
    V: Array | StoredArray,
    beta: float = 1.0,
    *,
    solver: str = "auto",
    gamma: str | float | None = None,
    mask: Array | None = None,
    weights: Array | None = None,
    l1_W: float = 0.0,
    l2_W: float = 0.0,
    l1_H: float = 0.0,
    l2_H: float = 0.0,
    smooth_H: float = 0.0,
    orthogonal_W: float = 0.0,
    freeze_W: Array | Sequence[bool] | None = None,
    tol: float = 1e-4,
    max_iter: int = 200,
    check_every: int = 10,
    callback: Callback | None = None,
    seed: int | None = None,
    process_group: Any = None,
) -> FitResult:
    r"""Minimize the penalized beta-divergence of the model from V, and keep the best factors seen.

    .. math::

        \sum w\, d_\beta(V | WH) + \lambda_{1W} |W|_1 + \tfrac{\lambda_{2W}}{2} |W|_2^2
        + \tfrac{\lambda_o}{2} \sum_{r \ne s} \langle W_r, W_s \rangle
        + \lambda_{1H} |H|_1 + \tfrac{\lambda_{2H}}{2} |H|_2^2 + \tfrac{\lambda_s}{2} |\Delta H|_2^2

    The result does not depend on the unit of V (penalties apart). A penalty on one factor alone can be evaded by
    moving scale into the other; penalize both, or freeze one.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative data, of the shape given at construction. float64 data make the module float64. `NMF` also
        takes sparse tensors (COO or CSR), and matrices on disk, which stay there and are read twice per iteration:
        `numpy.memmap`, and chunked arrays of zarr or h5py; fastest where a chunk holds all rows.
    beta : float
        2 for the Euclidean distance, 1 for Kullback-Leibler, 0 for Itakura-Saito.
    solver : {"auto", "mm", "extrapolated", "hals"}
        `mm`: multiplicative steps, each of which never increases the objective (Févotte and Idier, Neural
        Computation 2011). `extrapolated`: multiplicative steps from extrapolated points, which need two to five times
        fewer iterations. `hals`: extrapolated coordinate descent, for `NMF` at β = 2 without mask, smoothness and
        orthogonality. `auto` takes `hals` where it can, else `extrapolated`.
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
        One boolean per component: True for templates that stay as they are, to the bit.
    tol : float
        Stop when the objective fell by less than this fraction of itself between two checks.
    max_iter : int
        Largest number of iterations.
    check_every : int
        Iterations between two checks.
    callback : callable, optional
        ``callback(iteration, (W, H), objective)`` at each check, with the best factors so far; returning True
        stops the fit.
    seed : int, optional
        Redraw the factors that were not given, with this seed.
    process_group : torch.distributed.ProcessGroup, optional
        Group of processes that call `fit` together, each on some columns of V and with a module for those: the
        templates are fitted to all columns, and become the same in all processes, which start from those of the first.
        For `NMF`, with every solver and beta; not with `smooth_H`. The callback of one process stops them all. An
        error in one leaves the others waiting: `torchrun` ends them.

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
    options = FitOptions(solver, gamma, tol, max_iter, check_every, callback)
    penalties = Penalties.from_keywords(
        l1_W=l1_W, l2_W=l2_W, l1_H=l1_H, l2_H=l2_H, smooth_H=smooth_H, orthogonal_W=orthogonal_W
    )
    problem = Problem.from_module(
        self, V, mask, weights, beta, penalties, freeze_W=freeze_W, seed=seed, process_group=process_group
    )
    W, H, result = minimize(problem, options)
    write(self, W, H, frozen=problem.frozen)
    return result


@torch.no_grad()
def transform(
    self: Factors,
    V: ArrayT | StoredArray,
    beta: float = 1.0,
    *,
    solver: str = "auto",
    gamma: str | float | None = None,
    mask: Array | None = None,
    weights: Array | None = None,
    l1_H: float = 0.0,
    l2_H: float = 0.0,
    smooth_H: float = 0.0,
    tol: float = 1e-6,
    max_iter: int = 500,
    check_every: int = 10,
) -> ArrayT:
    """Return the activations of other data for the fitted templates.

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
    options = FitOptions(solver, gamma, tol, max_iter, check_every)
    penalties = Penalties.from_keywords(l1_H=l1_H, l2_H=l2_H, smooth_H=smooth_H)
    problem = Problem.for_activations(self, V, mask, weights, beta, penalties)
    _, H, _ = minimize(problem, options)
    return in_kind_of(V, H)
