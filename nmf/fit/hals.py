"""Coordinate descent for the Euclidean distance, extrapolated."""

from __future__ import annotations

import torch
from torch import Tensor

from nmf.data.dense import DenseData
from nmf.maps.matrix import MatrixModel
from nmf.objective.divergence import accumulator

from .problem import Problem
from .units import choose, spread

# The products with the data cost more than a sweep, so each is used several times (Gillis and Glineur, 2012).
_SWEEPS = 3
# Growth and decay of the extrapolation and of its bound, as Ang and Gillis (2019) have them.
_GROWTH, _CEILING_GROWTH, _SHRINK = 1.05, 1.01, 1.5
_PENALTIES = ("l1", "l2")  # of which the exact minimum over one component is known


class Hals:
    """Hierarchical alternating least squares with extrapolation (Ang and Gillis, Neural Computation 2019).

    Each component is set to its exact minimum with the others fixed; the next sweep starts from an extrapolated point.
    Not monotone: an extrapolation that raised the objective is undone, and the next one is shorter.
    """

    def __init__(self, problem: Problem) -> None:
        assert isinstance(problem.data, DenseData)  # see `obstacle_to_hals`
        W, H = problem.W, problem.H
        self._problem, self._V = problem, problem.data.V
        self._axes = problem.data.problem_axes
        self._shared = W.ndim == 2 and H.ndim > 2
        self.W, self.H = W, H
        self._point_W, self._point_H = W, H
        shape = W.shape[: self._axes]
        self._beta = torch.full(shape, 0.5, dtype=W.dtype, device=W.device)
        self._bound = torch.ones_like(self._beta)
        self._lowest = torch.full_like(self._beta, torch.inf, dtype=accumulator(W.device))

    def step(self) -> None:
        """Sweep over the components of W, then of H."""
        W, H = self.W, self.H
        if self._problem.train_W:
            new = self._sweep_W(self._point_W, self._point_H)
            self.W = self._problem.keep_frozen(W, new)
            self._point_W = self._problem.keep_frozen(W, self._extrapolated(self.W, W))
        correlation, gram = self._point_W.mT @ self._V, self._point_W.mT @ self._point_W
        if self._problem.train_H:
            penalty = self._problem.penalties.H
            self.H = _sweep(self._point_H, correlation, gram, penalty.weight("l1"), penalty.weight("l2"))
            self._point_H = self._extrapolated(self.H, H)
        self._adapt(self._value(correlation, gram))

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Forget the direction where the objective rose."""
        self.W, self.H = choose(where, W, self.W), choose(where, H, self.H)
        self._fall_back(where)

    def _fall_back(self, where: Tensor) -> None:
        self._point_W = choose(where, self.W, self._point_W)
        self._point_H = choose(where, self.H, self._point_H)
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
        penalty = self._problem.penalties.W
        return _sweep(W.mT, correlation, gram, penalty.weight("l1"), penalty.weight("l2")).mT

    def _value(self, correlation: Tensor, gram: Tensor) -> Tensor:
        """Return the objective at the extrapolated W, less a constant, from products that are already known."""
        problem, terms = self._problem, self.H * (0.5 * gram @ self.H - correlation)
        value = terms.flatten(self._axes).sum(-1, dtype=accumulator(terms.device)) + problem.penalty_of_H(self.H)
        return problem.shards.sum(value) + problem.penalty_of_W(self._point_W)

    def _extrapolated(self, x: Tensor, before: Tensor) -> Tensor:
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


def obstacle_to_hals(problem: Problem) -> str:
    """Name what coordinate descent cannot handle in a problem, if anything."""
    if problem.data.beta != 2:
        return f"beta={problem.data.beta:g}"
    if not isinstance(problem.model, MatrixModel):
        return "convolutive models"
    if not isinstance(problem.data, DenseData) or problem.data.weights is not None:
        return "masked, weighted or sparse data, or data on disk"
    coupling = [name for name in problem.penalties.weights() if name.rpartition("_")[0] not in _PENALTIES]
    return " and ".join(coupling)
