"""What a fit reports."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class FitResult:
    """How a fit went.

    Attributes
    ----------
    n_iter : int
        Iterations that were run.
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
