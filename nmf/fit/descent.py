"""Descent of an objective that may also rise: the solvers' interface, and the best factors they have reached."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from .options import FitOptions
from .problem import Problem
from .units import choose


class Solver(Protocol):
    """An iteration from one pair of factors to the next."""

    W: Tensor
    H: Tensor

    def step(self) -> None:
        """Take one iteration."""

    def restart(self, where: Tensor, W: Tensor, H: Tensor) -> None:
        """Go back to `W` and `H` in the problems `where`, and be more careful there."""


class BestFactors:
    """The stopping rule of iterations whose objective may rise: keeps the best factors of each problem.

    Each problem is stopped by itself, so that one in a batch ends as it would alone. The callback and the history
    are in the caller's units.
    """

    def __init__(self, solver: Solver, problem: Problem, options: FitOptions) -> None:
        self._solver, self._problem, self._options = solver, problem, options
        self.W, self.H = solver.W, solver.H
        self._value = problem.objective(self.W, self.H)
        self._values = [self._value]
        self._done = torch.zeros_like(self._value, dtype=torch.bool)

    @property
    def converged(self) -> bool:
        """Whether every problem met the tolerance."""
        return bool(self._done.all())

    def __call__(self, iteration: int) -> bool:
        """Keep factors that are better, restart where the objective rose, and return whether to stop."""
        solver, problem, best = self._solver, self._problem, self._value
        value = problem.objective(solver.W, solver.H)
        rose = ~(value <= best)  # NaN counts as a rise
        better = ~rose & ~self._done
        # A rise as small as rounding errors is the end of the descent, and no reason to restart.
        stuck = (value - best).abs() <= 1e3 * torch.finfo(self.W.dtype).eps * best.abs()
        self._done = self._done | (better & (best - value <= self._options.tol * best)) | (rose & stuck)
        self.W, self.H = choose(better, solver.W, self.W), choose(better, solver.H, self.H)
        self._value = best = torch.where(better, value, best)
        self._values.append(best)
        if bool(rose.any()):
            solver.restart(rose, self.W, self.H)
        # Where one process stops, all do.
        stopped = bool(problem.shards.sum(torch.full_like(best, self._stopped_by_callback(iteration))).any())
        return stopped or self.converged

    def _stopped_by_callback(self, iteration: int) -> bool:
        if self._options.callback is None:
            return False
        units = self._problem.units
        objective = float((self._value * units.of_objective).sum())
        return bool(self._options.callback(iteration, units.leave(self.W, self.H), objective))

    def history(self) -> Tensor:
        """Return the best objective of each problem at the start and at each check, in the units of V."""
        return torch.stack(self._values).mul(self._problem.units.of_objective)
