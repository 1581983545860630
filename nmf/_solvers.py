"""How the objective is brought down: multiplicative steps, extrapolated ones, and coordinate descent."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from ._problem import Problem
from ._result import FitResult
from ._units import Units, spread

_CEILING, _LARGEST_RATIO = 0.9, 2.0  # of the extrapolation; more ends in worse minima, on music and synthetic data

Callback = Callable[[int, tuple[Tensor, Tensor], float], object]


class Solver(Protocol):
    """Steps from one pair of factors to the next."""

    W: Tensor
    H: Tensor

    def step(self) -> None:
        """Take one iteration."""

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Go back to `W` and `H` in the problems `where`, and be more careful there."""


class Multiplicative:
    """Multiplicative steps, from the factors themselves or from points ahead of them.

    The points ahead are ``X (X / X_before) ** a`` with Nesterov's a, which is how a multiplicative step is continued:
    it stays positive, and takes fewer iterations than ``X + a (X - X_before)_+`` (Hien, Leplat and Gillis,
    arXiv:2401.06646), the only one that is proven. So a is bounded by a ceiling, which is lowered whenever the
    objective rose.
    """

    def __init__(self, problem: Problem, W: Tensor, H: Tensor, gamma: float | None, *, extrapolate: bool) -> None:
        self._problem, self._gamma, self._extrapolate = problem, gamma, extrapolate
        self.W, self.H = W, H
        self._before = W, H
        self._time = torch.ones(W.shape[: problem.data.problem_axes], dtype=W.dtype, device=W.device)
        self._ceiling = torch.full_like(self._time, _CEILING)

    def step(self) -> None:
        """Update W, then H."""
        W, H = self.W, self.H
        ahead = self._advance()
        if self._problem.train_W:
            point = self._problem.keep(W, self._ahead(W, self._before[0], ahead))
            self.W = self._problem.updated_W(point, H, self._gamma)
        if self._problem.train_H:
            self.H = self._problem.updated_H(self.W, self._ahead(H, self._before[1], ahead), self._gamma)
        self._before = W, H

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Forget the direction where the objective rose, and go less far ahead from now on."""
        self.W, self.H = choose(where, W, self.W), choose(where, H, self.H)
        self._before = choose(where, W, self._before[0]), choose(where, H, self._before[1])
        self._time = torch.where(where, 1.0, self._time)
        self._ceiling = torch.where(where, 0.7 * self._ceiling, self._ceiling)

    def _advance(self) -> Tensor:
        following = 0.5 * (1 + (1 + 4 * self._time.square()).sqrt())
        ahead = torch.minimum((self._time - 1) / following, self._ceiling)
        self._time = following
        return ahead

    def _ahead(self, x: Tensor, before: Tensor, ahead: Tensor) -> Tensor:
        if not self._extrapolate:
            return x
        tiny = torch.finfo(x.dtype).tiny
        ratio = (x + tiny).div_(before + tiny).clamp_(1 / _LARGEST_RATIO, _LARGEST_RATIO)
        return ratio.log_().mul_(spread(ahead, x)).exp_().mul_(x)  # which is faster than a power


def choose(where: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Return the problems of `a` where `where`, those of `b` elsewhere."""
    return torch.where(spread(where, a), a, b)


@torch.no_grad()
def run(
    solver: Solver,
    problem: Problem,
    tol: float,
    max_iter: int,
    check_every: int,
    callback: Callback | None,
    units: Units,
) -> tuple[Tensor, Tensor, FitResult]:
    """Iterate until the objective of every problem hardly falls, and return the best factors that were seen.

    Each problem is stopped by itself, so that one in a batch ends as it would alone. The callback and the history
    are in the caller's units.
    """
    for name, number in (("max_iter", max_iter), ("check_every", check_every)):
        if number < 1:
            raise ValueError(f"{name} must be at least 1, got {number}")
    start = time.perf_counter()
    best_W, best_H = solver.W, solver.H
    best = problem.objective(best_W, best_H)
    history = [best]
    done = torch.zeros_like(best, dtype=torch.bool)
    iteration, stopped = 0, False
    while iteration < max_iter and not stopped and not bool(done.all()):
        for _ in range(min(check_every, max_iter - iteration)):
            solver.step()
            iteration += 1
        value = problem.objective(solver.W, solver.H)
        rose = ~(value <= best)  # NaN counts as a rise
        better = ~rose & ~done
        # A rise of the size of rounding is the end of the descent, and no reason to start again.
        stuck = (value - best).abs() <= 1e3 * torch.finfo(best_W.dtype).eps * best.abs()
        done = done | (better & (best - value <= tol * best)) | (rose & stuck)
        best_W, best_H = choose(better, solver.W, best_W), choose(better, solver.H, best_H)
        best = torch.where(better, value, best)
        history.append(best)
        if bool(rose.any()):
            solver.restart(rose, best_W, best_H)
        if callback is not None:
            stopped = bool(callback(iteration, units.leave(best_W, best_H), float((best * units.of_objective).sum())))
        stopped = bool(problem.shards.sum(torch.full_like(best, stopped)).any())  # where one process stops, all do
    values = torch.stack(history).mul(units.of_objective).cpu()
    result = FitResult(iteration, values, bool(done.all()), time.perf_counter() - start)
    return best_W, best_H, result
