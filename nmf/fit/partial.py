"""Fitting the templates to data that come in parts."""

from __future__ import annotations

import torch

from nmf.arrays import Array, StoredArray
from nmf.factors.module import Factors, write

from .factorize import transform
from .problem import Problem


@torch.no_grad()
def partial_fit(
    self: Factors,
    V: Array | StoredArray,
    beta: float = 1.0,
    *,
    forget: float = 0.7,
    mask: Array | None = None,
    weights: Array | None = None,
    max_iter: int = 50,
) -> None:
    """Improve the templates with one part of data that do not fit into memory, or are still arriving.

    The activations of the part are found first, with the templates fixed; they are not kept (call `transform`).

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Some frames, with the rows of the module.
    beta, mask, weights
        As for `fit`.
    forget : float
        Weight of the earlier parts: 1 for the same as the new one, less to forget the first, poor ones.
    max_iter : int
        Largest number of iterations for the activations.

    Raises
    ------
    ValueError
        As for `fit`, or if `forget` is not from 0 to 1.
    """
    if not 0 <= forget <= 1:
        raise ValueError(f"forget must be from 0 to 1, got {forget}")
    H = torch.as_tensor(transform(self, V, beta, mask=mask, weights=weights, max_iter=max_iter))  # type: ignore[type-var]
    problem = Problem.for_activations(self, V, mask, weights, beta, H=H)
    W, scale = problem.W, problem.units.of_objective
    slope = problem.data.slope(problem.model.of_W(problem.H), W)
    # Sums over all parts, in which older ones weigh less (Mairal et al., JMLR 2010; Lefèvre et al., WASPAA 2011).
    unit = scale.to(W.dtype).reshape(*scale.shape, *[1] * (W.ndim - scale.ndim))
    down = unit * slope.down * W.pow(1 / slope.exponent)
    up = (unit * slope.up).expand_as(W)
    if self.running_sums is not None:
        down, up = down + forget * self.running_sums[0], up + forget * self.running_sums[1]
    self.running_sums = down, up
    self.to(W.dtype)
    write(self, W=torch.where(up > 0, down / up, W.pow(1 / slope.exponent)).pow(slope.exponent))
