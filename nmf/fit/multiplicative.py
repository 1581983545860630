"""Multiplicative steps, plain or extrapolated."""

from __future__ import annotations

import torch
from torch import Tensor

from .problem import Problem
from .units import choose, spread

# Bounds of the extrapolation: larger ones end in worse minima, on music and on synthetic data. Measured with
# python -m benchmarks.nmf.solvers.
_CEILING, _LARGEST_RATIO = 0.9, 2.0


class Multiplicative:
    """Multiplicative steps, from the factors themselves or from extrapolated points.

    The extrapolated point is ``X (X / X_before) ** a`` with Nesterov's a, which continues a multiplicative step: it
    stays positive, and takes fewer iterations than ``X + a (X - X_before)_+`` (Hien, Leplat and Gillis,
    arXiv:2401.06646), the only form with a proof of convergence. Hence the ceiling on a, which is lowered whenever the
    objective rose.
    """

    def __init__(self, problem: Problem, gamma: float | None, *, extrapolate: bool) -> None:
        self._problem, self._gamma, self._extrapolate = problem, gamma, extrapolate
        W, H = self.W, self.H = problem.W, problem.H
        self._before = W, H
        self._time = torch.ones(W.shape[: problem.data.problem_axes], dtype=W.dtype, device=W.device)
        self._ceiling = torch.full_like(self._time, _CEILING)

    def step(self) -> None:
        """Update W, then H."""
        W, H = self.W, self.H
        momentum = self._advance()
        if self._problem.train_W:
            point = self._problem.keep_frozen(W, self._extrapolated(W, self._before[0], momentum))
            self.W = self._problem.updated_W(point, H, self._gamma)
        if self._problem.train_H:
            self.H = self._problem.updated_H(self.W, self._extrapolated(H, self._before[1], momentum), self._gamma)
        self._before = W, H

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Forget the direction where the objective rose, and extrapolate less from now on."""
        self.W, self.H = choose(where, W, self.W), choose(where, H, self.H)
        self._before = choose(where, W, self._before[0]), choose(where, H, self._before[1])
        self._time = torch.where(where, 1.0, self._time)
        self._ceiling = torch.where(where, 0.7 * self._ceiling, self._ceiling)

    def _advance(self) -> Tensor:
        following = 0.5 * (1 + (1 + 4 * self._time.square()).sqrt())
        momentum = torch.minimum((self._time - 1) / following, self._ceiling)
        self._time = following
        return momentum

    def _extrapolated(self, x: Tensor, before: Tensor, momentum: Tensor) -> Tensor:
        if not self._extrapolate:
            return x
        tiny = torch.finfo(x.dtype).tiny
        ratio = (x + tiny).div_(before + tiny).clamp_(1 / _LARGEST_RATIO, _LARGEST_RATIO)
        return ratio.log_().mul_(spread(momentum, x)).exp_().mul_(x)  # faster than a power
