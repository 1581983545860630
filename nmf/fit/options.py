"""The options of a fit, and its result."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Callback = Callable[[int, tuple[Tensor, Tensor], float], object]
"""``callback(iteration, (W, H), objective)`` with the best factors so far; a true return value stops the fit."""

SOLVERS = ("auto", "mm", "extrapolated", "hals")


@dataclass(frozen=True)
class FitOptions:
    """The solver of a fit, and when it stops; see `nmf.NMF.fit`.

    Raises
    ------
    ValueError
        If an option is unknown or out of range.
    """

    solver: str = "auto"
    gamma: str | float | None = None
    tol: float = 1e-4
    max_iter: int = 200
    check_every: int = 10
    callback: Callback | None = None

    def __post_init__(self) -> None:
        if self.solver not in SOLVERS:
            raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, got {self.solver!r}")
        named = self.gamma is None or (isinstance(self.gamma, str) and self.gamma in ("mm", "heuristic"))
        if not named and (isinstance(self.gamma, str) or not self.gamma > 0):  # type: ignore[operator]
            raise ValueError(f"gamma must be mm, heuristic or a positive number, got {self.gamma!r}")
        if not 0 <= self.tol < math.inf:
            raise ValueError(f"tol must be finite and not negative, got {self.tol}")
        for name, count in (("max_iter", self.max_iter), ("check_every", self.check_every)):
            if count < 1:
                raise ValueError(f"{name} must be at least 1, got {count}")


@dataclass(frozen=True)
class FitResult:
    """The course of a fit.

    Attributes
    ----------
    n_iter : int
        Number of iterations.
    history : torch.Tensor
        The penalized objective before the first iteration and at every check, float64, shape ``(checks, *problems)``.
    converged : bool
        Whether every problem met the tolerance before the last iteration.
    seconds : float
        Wall time.
    """

    n_iter: int
    history: Tensor
    converged: bool
    seconds: float
