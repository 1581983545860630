"""The loop that every fit runs, and its stopping rules."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from .options import FitOptions, FitResult


class Check(Protocol):
    """A stopping rule: follows the objective of an iteration, and decides when it has converged."""

    @property
    def converged(self) -> bool:
        """Whether the objective has stopped falling."""

    def __call__(self, iteration: int) -> bool:
        """Evaluate the objective after so many iterations, and return whether to stop."""

    def history(self) -> Tensor:
        """Return the objective at the start and at each check."""


def run(step: Callable[[], None], check: Check, options: FitOptions) -> FitResult:
    """Repeat `step` until `check`, which is called every few iterations, says to stop."""
    start = time.perf_counter()
    iteration, stopped = 0, False
    while iteration < options.max_iter and not stopped:
        for _ in range(min(options.check_every, options.max_iter - iteration)):
            step()
            iteration += 1
        stopped = check(iteration)
    return FitResult(iteration, to_host(check.history()), check.converged, time.perf_counter() - start)


def to_host(history: Tensor) -> Tensor:
    """Return a history on the CPU in float64, which the device of a fit may lack."""
    return history.cpu().double()


class Plateau:
    """A stopping rule for monotone iterations: the objective fell by less than a fraction of itself.

    Parameters
    ----------
    objective : callable
        Returns the current objective, one number.
    tol : float
        The fraction.
    """

    def __init__(self, objective: Callable[[], Tensor], tol: float) -> None:
        self._objective, self._tol = objective, tol
        self._values = [objective()]
        self.converged = False

    def __call__(self, iteration: int) -> bool:
        """Return whether the objective has stopped falling."""
        self._values.append(self._objective())
        before, now = self._values[-2:]
        self.converged = bool(before - now <= self._tol * before.abs())
        return self.converged

    def history(self) -> Tensor:
        """Return the objective at the start and at each check."""
        return torch.stack(self._values)
