"""Fitting with factors of a prescribed sparseness."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from nmf.arrays import Array, StoredArray
from nmf.factors.module import Factors, write
from nmf.objective.divergence import accumulator

from .loop import Plateau, run
from .options import FitOptions, FitResult
from .problem import Problem, majorizer_step
from .projection import descend, project


@torch.no_grad()
def sparse_fit(
    self: Factors,
    V: Array | StoredArray,
    beta: float = 2.0,
    *,
    sW: float | None = None,
    sH: float | None = None,
    tol: float = 1e-4,
    max_iter: int = 200,
    check_every: int = 10,
) -> FitResult:
    """Fit with components of a prescribed sparseness (Hoyer, JMLR 2004).

    Factors of prescribed sparseness take projected gradient steps, which are accepted only if they do not increase
    the divergence; the other takes multiplicative steps.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        As for `fit`.
    beta : float
        Of the divergence.
    sW, sH : float, optional
        Sparseness of each template and of the activations of each component, between 0 and 1; see
        `nmf.sparseness`.
    tol, max_iter, check_every
        As for `fit`.

    Returns
    -------
    FitResult
        The history is that of all problems together.

    Raises
    ------
    ValueError
        As for `fit`, or if a sparseness is out of range.
    """
    for name, value in (("sW", sW), ("sH", sH)):
        if value is not None and not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    options = FitOptions(tol=tol, max_iter=max_iter, check_every=check_every)
    problem = Problem.from_module(self, V, None, None, beta)
    solver = SparseDescent(problem, sW, sH)
    result = run(solver.step, Plateau(solver.objective, tol), options)
    write(self, *problem.units.leave(solver.W, solver.H))
    return replace(result, history=result.history * float(problem.units.of_objective.max()))


class SparseDescent:
    """Alternating steps of the two factors, each projected onto its sparseness where that is prescribed."""

    def __init__(self, problem: Problem, sW: float | None, sH: float | None) -> None:
        self._problem = problem
        geometry = problem.geometry
        self._half_W = _HalfStep(problem, geometry.component_axis_W, sW, is_W=True) if problem.train_W else None
        self._half_H = _HalfStep(problem, geometry.component_axis_H, sH, is_W=False) if problem.train_H else None
        self.W = self._half_W.project(problem.W) if self._half_W else problem.W
        self.H = self._half_H.project(problem.H) if self._half_H else problem.H

    def objective(self) -> Tensor:
        """Return the sum of the objectives of all problems."""
        return self._problem.objective(self.W, self.H).sum()

    def step(self) -> None:
        """Update W, then H."""
        if self._half_W:
            self.W = self._half_W.step(self.W, self.H)
        if self._half_H:
            self.H = self._half_H.step(self.H, self.W)


class _HalfStep:
    """The steps of one factor: projected descent if its sparseness is prescribed, else multiplicative."""

    def __init__(self, problem: Problem, axis: int, sparseness: float | None, *, is_W: bool) -> None:
        self._problem, self._axis, self._sparseness, self._is_W = problem, axis, sparseness, is_W
        self._length = 1.0

    def project(self, x: Tensor) -> Tensor:
        """Return the nearest factor of the prescribed sparseness; the norm of each component is kept."""
        if self._sparseness is None:
            return x
        rows = x.movedim(self._axis, 0)
        return project(rows.flatten(1), self._sparseness).reshape(rows.shape).movedim(0, self._axis)

    def step(self, x: Tensor, other: Tensor) -> Tensor:
        """Return the factor after a step, the other factor being fixed."""
        A = self._problem.model.of_W(other) if self._is_W else self._problem.model.of_H(other)
        data = self._problem.data
        slope = data.slope(A, x)
        if self._sparseness is None:
            return majorizer_step(slope, x, None)
        gradient = (slope.up - slope.down).to(accumulator(x.device))
        norm = gradient.norm()
        if not bool(norm > 0):
            return x
        x, self._length = descend(
            x,
            (gradient * (x.to(gradient.dtype).norm() / norm)).to(x.dtype),  # so that a step of 1 is as long as x
            float(data.divergence(A, x).sum()),
            self._length,
            lambda candidate: float(data.divergence(A, candidate).sum()),
            self.project,
        )
        return x
