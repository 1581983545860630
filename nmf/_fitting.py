"""How a module is fitted: from what the caller gave to a solver, and back."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from ._choice import choose_solver
from ._data import DenseData
from ._factors import Factors
from ._input import check_numbers, enter
from ._problem import Data, Problem
from ._result import FitResult
from ._shards import ALL_HERE, Shards
from ._solvers import Callback, run
from ._stored import StoredMatrix
from ._units import Units


class Rule(NamedTuple):
    """How a fit goes on, and when it stops."""

    solver: str
    gamma: str | float | None
    tol: float
    max_iter: int
    check_every: int
    callback: Callback | None = None


class Fitting(Factors):
    """What all ways to fit share."""

    def _solve(
        self,
        V: Tensor | StoredMatrix,
        weights: Tensor | None,
        beta: float,
        factors: tuple[Tensor, Tensor],
        drawn: set[str],
        rule: Rule,
        *,
        penalties_W: dict[str, float],
        penalties_H: dict[str, float],
        train: tuple[bool, bool],
        frozen: Tensor | None,
        shards: Shards = ALL_HERE,
    ) -> tuple[Tensor, Tensor, FitResult]:
        check_numbers(tol=rule.tol, **_suffixed(penalties_W, "W"), **_suffixed(penalties_H, "H"))
        units = Units(V, weights, beta, self._problem_axes, in_W=not train[1], shards=shards)
        W, H = units.fill(*units.enter(*factors), drawn)
        penalty_W, penalty_H = units.penalty_W(**penalties_W), units.penalty_H(**penalties_H)
        data = self._data(units.data(), weights, beta)
        axis = -1 - self.taps_axes
        problem = Problem(data, self._model(W, H), penalty_W, penalty_H, axis, *train, frozen, shards)
        solver = choose_solver(rule.solver, rule.gamma, problem, W, H)
        shards.check_same(solver=type(solver).__name__)
        W, H, result = run(solver, problem, rule.tol, rule.max_iter, rule.check_every, rule.callback, units)
        return *units.leave(W, H), result

    def _shards(self, process_group: Any, smooth_H: float) -> Shards:
        if process_group is not None and self.taps_axes:
            raise ValueError("process_group is for nmf.NMF: convolutive templates reach over the columns of a process")
        if process_group is not None and smooth_H:
            raise ValueError("smooth_H ties columns of different processes together; leave out it or process_group")
        return Shards(process_group)

    def _data(self, V: Tensor | StoredMatrix, weights: Tensor | None, beta: float) -> Data:
        assert isinstance(V, Tensor)  # matrices on disk are for `nmf.NMF`
        return DenseData(V, weights, beta, self._problem_axes)

    def _enter(self, V: Any, beta: float, mask: Any, weights: Any) -> tuple[Tensor | StoredMatrix, Tensor | None]:
        return enter(V, beta, mask, weights, self.W)

    def _to_scale(self, frozen: Tensor | None) -> set[str]:
        """Name the factors that a fit may bring to the scale of the data: drawn, not written to, and free."""
        free = {name for name in ("W", "H") if getattr(self, name).requires_grad}
        return self._untouched() & (free if frozen is None else free - {"W"})

    def _frozen(self, components: Any) -> Tensor | None:
        if components is None:
            return None
        frozen = torch.as_tensor(components, device=self.W.device)
        if frozen.dtype != torch.bool or tuple(frozen.shape) != (self.rank,):
            raise ValueError(f"freeze_W must be {self.rank} booleans, one a component, got {components!r}")
        return frozen.reshape(-1, *[1] * self.taps_axes)


def _suffixed(penalties: dict[str, float], factor: str) -> dict[str, float]:
    return {f"{name}_{factor}": value for name, value in penalties.items()}
