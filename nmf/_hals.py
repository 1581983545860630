"""Coordinate descent for the Euclidean distance, extrapolated."""

from __future__ import annotations

import torch
from torch import Tensor

from ._data import DenseData
from ._problem import Problem
from ._solvers import choose
from ._units import spread

# The products with the data cost more than a sweep, so each is used several times (Gillis and Glineur, 2012).
_SWEEPS = 3
_GROWTH, _CEILING_GROWTH, _SHRINK = 1.05, 1.01, 1.5  # Ang and Gillis's, of the extrapolation and of its bound


class Hals:
    """Hierarchical alternating least squares with extrapolation (Ang and Gillis, Neural Computation 2019).

    Each component is set to its exact minimum with the others fixed; the next sweep starts from a point ahead.
    Not monotone: an extrapolation that raised the objective is undone, and the next one goes less far.
    """

    def __init__(self, problem: Problem, W: Tensor, H: Tensor) -> None:
        assert isinstance(problem.data, DenseData)
        self._problem, self._V = problem, problem.data.V
        self._axes = problem.data.problem_axes
        self._shared = W.ndim == 2 and H.ndim > 2
        self.W, self.H = W, H
        self._ahead_W, self._ahead_H = W, H
        shape = W.shape[: self._axes]
        self._beta = torch.full(shape, 0.5, dtype=W.dtype, device=W.device)
        self._bound = torch.ones_like(self._beta)
        self._lowest = torch.full_like(self._beta, torch.inf, dtype=torch.float64)

    def step(self) -> None:
        """Sweep over the components of W, then of H."""
        W, H = self.W, self.H
        if self._problem.train_W:
            new = self._sweep_W(self._ahead_W, self._ahead_H)
            self.W = self._problem.keep(W, new)
            self._ahead_W = self._problem.keep(W, self._ahead(self.W, W))
        correlation, gram = self._ahead_W.mT @ self._V, self._ahead_W.mT @ self._ahead_W
        if self._problem.train_H:
            penalty = self._problem.penalty_H
            self.H = _sweep(self._ahead_H, correlation, gram, penalty.l1, penalty.l2)
            self._ahead_H = self._ahead(self.H, H)
        self._adapt(self._value(correlation, gram))

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Forget the direction where the objective rose."""
        self.W, self.H = choose(where, W, self.W), choose(where, H, self.H)
        self._fall_back(where)

    def _fall_back(self, where: Tensor) -> None:
        self._ahead_W = choose(where, self.W, self._ahead_W)
        self._ahead_H = choose(where, self.H, self._ahead_H)
        self._bound = torch.where(where, self._beta, self._bound)
        self._beta = torch.where(where, self._beta / _SHRINK, self._beta)

    def _adapt(self, value: Tensor) -> None:
        rose = value > self._lowest
        self._lowest = value
        self._fall_back(rose)
        self._beta = torch.where(rose, self._beta, torch.minimum(self._bound, _GROWTH * self._beta))
        self._bound = torch.where(rose, self._bound, (_CEILING_GROWTH * self._bound).clamp_max(1))

    def _sweep_W(self, W: Tensor, H: Tensor) -> Tensor:
        correlation, gram = H @ self._V.mT, H @ H.mT
        if self._shared:
            lead = tuple(range(H.ndim - 2))
            correlation, gram = correlation.sum(lead), gram.sum(lead)
        correlation, gram = self._problem.shards.sum(correlation), self._problem.shards.sum(gram)
        penalty = self._problem.penalty_W
        return _sweep(W.mT, correlation, gram, penalty.l1, penalty.l2).mT

    def _value(self, correlation: Tensor, gram: Tensor) -> Tensor:
        """Return the objective at the point ahead in W, less a constant: products that are at hand."""
        problem, terms = self._problem, self.H * (0.5 * gram @ self.H - correlation)
        value = terms.flatten(self._axes).sum(-1, dtype=torch.float64)
        value = value + problem.penalty_H.value(self.H, self._axes, problem.component_axis)
        return problem.shards.sum(value) + problem.penalty_W.value(self._ahead_W, self._axes, problem.component_axis)

    def _ahead(self, x: Tensor, before: Tensor) -> Tensor:
        return torch.addcmul(x, x - before, spread(self._beta, x)).clamp_min_(0)


def _sweep(x: Tensor, correlation: Tensor, gram: Tensor, l1: float | Tensor, l2: float | Tensor) -> Tensor:
    """Minimize over each row of x (..., R, n) in turn, a few times."""
    diagonal = gram.diagonal(dim1=-2, dim2=-1)[..., None] + (spread(l2, gram) if isinstance(l2, Tensor) else l2)
    seen = diagonal > torch.finfo(x.dtype).tiny
    step = torch.where(seen, diagonal, 1.0).reciprocal()
    target = torch.where(seen, (correlation - (spread(l1, gram) if isinstance(l1, Tensor) else l1)) * step, x)
    others = torch.where(seen, gram - torch.diag_embed(gram.diagonal(dim1=-2, dim2=-1)), 0.0) * step
    x = x.clone()
    for r in list(range(x.shape[-2])) * _SWEEPS:
        row = slice(r, r + 1)
        x[..., row, :] = (target[..., row, :] - others[..., row, :] @ x).clamp_min_(0)
    return x
