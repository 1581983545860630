"""Projection onto vectors of a prescribed sparseness, and descent with it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nmf.objective.divergence import accumulator


def project(x: Tensor, sparseness: float) -> Tensor:
    """Return the nearest non-negative rows that have a given sparseness and the norms of the rows of x.

    Parameters
    ----------
    x : torch.Tensor
        Shape ``(rows, n)``, n at least 2.
    sparseness : float
        From 0 to 1; see `nmf.sparseness` (Hoyer, JMLR 2004, the projection of section 3.2).

    Raises
    ------
    ValueError
        If `sparseness` is out of range.

    Examples
    --------
    >>> project(torch.tensor([[3.0, 4.0, 0.1]]), 1.0)
    tensor([[0.0000, 5.0010, 0.0000]])
    """
    if not 0 <= sparseness <= 1:
        raise ValueError(f"sparseness must be from 0 to 1, got {sparseness}")
    work = x.to(accumulator(x.device))
    n = x.shape[1]
    l2 = work.norm(dim=1, keepdim=True)
    l1 = l2 * (n**0.5 * (1 - sparseness) + sparseness)
    s = work + (l1 - work.sum(1, keepdim=True)) / n
    off = torch.zeros_like(s, dtype=torch.bool)
    for _ in range(n):
        # From the center of the remaining face of the simplex outwards, until the norm is right.
        middle = torch.where(off, 0.0, l1 / (~off).sum(1, keepdim=True))
        w = s - middle
        a, b = w.square().sum(1, keepdim=True), 2 * (middle * w).sum(1, keepdim=True)
        c = middle.square().sum(1, keepdim=True) - l2.square()
        root = (b.square() - 4 * a * c).clamp_min(0).sqrt()
        s = middle + torch.where(a > 0, (root - b) / (2 * a).clamp_min(1e-300), 0.0) * w
        negative = s < -1e-14 * l2
        if not bool(negative.any()):
            break
        off = off | negative
        s = torch.where(off, 0.0, s)
        s = torch.where(off, 0.0, s + (l1 - s.sum(1, keepdim=True)) / (~off).sum(1, keepdim=True))
    return s.clamp_min(0).to(x.dtype)


def descend(
    x: Tensor,
    gradient: Tensor,
    value: float,
    step: float,
    objective: Callable[[Tensor], float],
    project_onto: Callable[[Tensor], Tensor],
) -> tuple[Tensor, float]:
    """Take one step of projected gradient descent, halved until it does not increase the objective.

    Returns
    -------
    x : torch.Tensor
        The new point; the old one if no step was short enough.
    step : float
        The length to try next.
    """
    for _ in range(30):
        candidate = project_onto(x - step * gradient)
        if objective(candidate) <= value:
            return candidate, 1.2 * step
        step *= 0.5
    return x, step
