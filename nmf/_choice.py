"""Which solver a problem is given to."""

from __future__ import annotations

from torch import Tensor

from ._data import DenseData
from ._hals import Hals
from ._maps import MatrixModel
from ._problem import Problem
from ._solvers import Multiplicative, Solver

SOLVERS = ("auto", "mm", "extrapolated", "hals")


def choose_solver(name: str, gamma: str | float | None, problem: Problem, W: Tensor, H: Tensor) -> Solver:
    """Return the solver called `name`; see `nmf.NMF.fit`.

    Raises
    ------
    ValueError
        If the name or `gamma` is unknown, or the solver is not for the problem.
    """
    if name not in SOLVERS:
        raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {name!r}")
    obstacle = _obstacle_to_hals(problem)
    if name == "hals" and obstacle:
        raise ValueError(f"solver='hals' is not for {obstacle}; take solver='auto'")
    beta = problem.data.beta
    if name in ("auto", "hals") and not obstacle and gamma is None:
        return Hals(problem, W, H)
    extrapolate = name != "mm"
    if gamma is None:
        gamma = "heuristic" if extrapolate and 0 <= beta < 1 else "mm"
    if isinstance(gamma, str):
        if gamma not in ("mm", "heuristic"):
            raise ValueError(f"gamma must be mm, heuristic or a positive number, got {gamma!r}")
        exponent = None if gamma == "mm" else 1.0
    elif gamma > 0:
        exponent = float(gamma)
    else:
        raise ValueError(f"gamma must be mm, heuristic or a positive number, got {gamma}")
    return Multiplicative(problem, W, H, exponent, extrapolate=extrapolate)


def _obstacle_to_hals(problem: Problem) -> str:
    """Say what coordinate descent cannot do here, or nothing."""
    if problem.data.beta != 2:
        return f"beta={problem.data.beta:g}"
    if not isinstance(problem.model, MatrixModel):
        return "convolutive models"
    if not isinstance(problem.data, DenseData) or problem.data.weights is not None:
        return "masked, weighted or sparse data, or data on disk"
    if not (problem.penalty_W.is_elementwise and problem.penalty_H.is_elementwise):
        return "smooth_H and orthogonal_W"
    return ""
