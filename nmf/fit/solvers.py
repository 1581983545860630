"""The choice of a solver, and its run."""

from __future__ import annotations

import torch
from torch import Tensor

from .descent import BestFactors, Solver
from .hals import Hals, obstacle_to_hals
from .loop import run
from .multiplicative import Multiplicative
from .options import FitOptions, FitResult
from .problem import Problem


@torch.no_grad()
def minimize(problem: Problem, options: FitOptions) -> tuple[Tensor, Tensor, FitResult]:
    """Solve a problem, and return the best factors, in the units of V, and the course of the fit."""
    solver = select_solver(problem, options)
    problem.shards.check_same(
        solver=type(solver).__name__,
        **{name: getattr(options, name) for name in ("gamma", "tol", "max_iter", "check_every")},
    )
    best = BestFactors(solver, problem, options)
    result = run(solver.step, best, options)
    return *problem.units.leave(best.W, best.H), result


def select_solver(problem: Problem, options: FitOptions) -> Solver:
    """Return the solver that the options name, or the fastest one that can solve the problem.

    Raises
    ------
    ValueError
        If the named solver cannot solve the problem.
    """
    obstacle = obstacle_to_hals(problem)
    if options.solver == "hals" and obstacle:
        raise ValueError(f"solver='hals' is not for {obstacle}; take solver='auto'")
    gamma = options.gamma
    if options.solver in ("auto", "hals") and not obstacle and gamma is None:
        return Hals(problem)
    extrapolate = options.solver != "mm"
    if gamma is None:
        gamma = "heuristic" if extrapolate and 0 <= problem.data.beta < 1 else "mm"
    exponent = {"mm": None, "heuristic": 1.0}[gamma] if isinstance(gamma, str) else float(gamma)
    return Multiplicative(problem, exponent, extrapolate=extrapolate)
