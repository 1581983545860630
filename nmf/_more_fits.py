"""Two more ways to fit: from data that come in parts, and with a prescribed sparseness."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from ._hoyer import descend, project
from ._penalties import Penalty
from ._problem import Problem, majorizer_step
from ._result import FitResult
from ._units import Units


@torch.no_grad()
def partial_fit(module: Any, V: Any, beta: float, forget: float, mask: Any, weights: Any, max_iter: int) -> None:
    """Improve the templates by a part of the data; see `nmf.NMF.partial_fit`."""
    if not 0 <= forget <= 1:
        raise ValueError(f"forget must be from 0 to 1, got {forget}")
    H = torch.as_tensor(module.transform(V, beta, mask=mask, weights=weights, max_iter=max_iter))
    data, total = module._enter(V, beta, mask, weights)
    units = Units(data, total, beta, module._problem_axes, in_W=False)
    W, H = units.enter(module.W.detach().to(data.dtype), H)
    slope = module._data(units.data(), total, beta).slope(module._model(W, H).of_W(H), W)
    # Of the sums over all parts, older ones count less (Mairal et al., JMLR 2010; Lefèvre et al., WASPAA 2011).
    unit = units.of_objective.to(W.dtype).reshape(*units.of_objective.shape, *[1] * (W.ndim - units.of_objective.ndim))
    down = unit * slope.down * W.pow(1 / slope.exponent)
    up = (unit * slope.up).expand_as(W)
    if module._online is not None:
        down, up = down + forget * module._online[0], up + forget * module._online[1]
    module._online = down, up
    module.to(W.dtype)
    module.W.copy_(torch.where(up > 0, down / up, W.pow(1 / slope.exponent)).pow(slope.exponent))
    module._drawn.pop("W", None)


@torch.no_grad()
def sparse_fit(
    module: Any, V: Any, beta: float, sW: float | None, sH: float | None, tol: float, max_iter: int, check_every: int
) -> FitResult:
    """Fit with factors of a given sparseness; see `nmf.NMF.sparse_fit`."""
    start = time.perf_counter()
    for name, value in (("sW", sW), ("sH", sH)):
        if value is not None and not 0 < value < 1:
            raise ValueError(f"{name} must lie between 0 and 1, got {value}")
    if not (module.W.requires_grad or module.H.requires_grad):
        raise ValueError("both factors are frozen: nothing to fit")
    data, weights = module._enter(V, beta, None, None)
    module.to(data.dtype)
    module._check_shape(data, tuple(module.H.shape[module.H.ndim - module._space_axes :]))
    units = Units(data, weights, beta, module._problem_axes, in_W=not module.H.requires_grad)
    W, H = units.fill(*units.enter(module.W.detach(), module.H.detach()), module._untouched())
    axis_W, axis_H = -1 - module.taps_axes, -1 - module._space_axes
    problem = Problem(module._data(units.data(), weights, beta), module._model(W, H), Penalty(), Penalty(), axis_W)
    half_W = _Half(problem, axis_W, sW, is_W=True) if module.W.requires_grad else None
    half_H = _Half(problem, axis_H, sH, is_W=False) if module.H.requires_grad else None
    W, H = half_W.onto(W) if half_W else W, half_H.onto(H) if half_H else H
    history = [problem.objective(W, H).sum()]
    iteration, converged = 0, False
    while iteration < max_iter and not converged:
        W = half_W.step(W, H) if half_W else W
        H = half_H.step(H, W) if half_H else H
        iteration += 1
        if iteration % check_every == 0 or iteration == max_iter:
            history.append(problem.objective(W, H).sum())
            converged = bool(history[-2] - history[-1] <= tol * history[-2])
    W, H = units.leave(W, H)
    if half_W:
        module.W.copy_(W)
    if half_H:
        module.H.copy_(H)
    module._drawn = {}
    values = torch.stack(history).cpu() * float(units.of_objective.max())
    return FitResult(iteration, values, converged, time.perf_counter() - start)


class _Half:
    """The steps of one factor: projected descent if its sparseness is given, else multiplicative."""

    def __init__(self, problem: Problem, axis: int, sparseness: float | None, *, is_W: bool) -> None:
        self._problem, self._axis, self._sparseness, self._is_W = problem, axis, sparseness, is_W
        self._step = 1.0

    def onto(self, x: Tensor) -> Tensor:
        """Return the nearest factor of the right sparseness, each component with the norm it has."""
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
        gradient = slope.up - slope.down
        length = gradient.double().norm()
        if not bool(length > 0):
            return x
        x, self._step = descend(
            x,
            (gradient.double() * (x.double().norm() / length)).to(x.dtype),  # so that a step of 1 is as long as x
            float(data.divergence(A, x).sum()),
            self._step,
            lambda candidate: float(data.divergence(A, candidate).sum()),
            self.onto,
        )
        return x
