"""Optimizers for chains of factorizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from nmf.fit import beta_mu
from nmf.fit.projection import project

__all__ = ["BetaMu", "SparsityProj"]


class BetaMu(beta_mu.BetaMu):
    """Multiplicative updates; see `nmf.BetaMu`.

    Parameters
    ----------
    params : iterable
        Non-negative parameters, or groups.
    beta : float
        Of the divergence.
    l1_reg, l2_reg, orthogonal : float
        Weights of the penalties, at least 0.

    Raises
    ------
    ValueError
        If a weight is negative.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import kl_div
    >>> from nmf.compat.torchnmf.nmf import NMF
    >>> from nmf.compat.torchnmf.trainer import BetaMu
    >>> V = torch.rand(6, 9, generator=torch.Generator().manual_seed(0))
    >>> model = NMF(V.shape, 2)
    >>> optimizer = BetaMu(model.parameters(), beta=1)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     return V, model()
    >>> before = kl_div(model(), V)
    >>> for _ in range(5):
    ...     loss = optimizer.step(closure)
    >>> bool(kl_div(model(), V) < before)
    True
    """

    def __init__(
        self, params: ParamsT, beta: float = 1, l1_reg: float = 0, l2_reg: float = 0, orthogonal: float = 0
    ) -> None:
        super().__init__(params, beta, l1=l1_reg, l2=l2_reg, orthogonal=orthogonal)


class SparsityProj(Optimizer):
    """Projected gradient descent with a prescribed sparseness (Hoyer, JMLR 2004); never increases the loss.

    Parameters
    ----------
    params : iterable
        Parameters, or groups.
    sparsity : float
        Between 0 and 1.
    dim : int
        The axis of components, each of which gets this sparseness.
    max_iter : int
        Largest number of step lengths to try.

    Raises
    ------
    ValueError
        If `sparsity` is out of range.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import sparseness
    >>> from nmf.compat.torchnmf.trainer import SparsityProj
    >>> x = torch.nn.Parameter(torch.rand(8, 1, generator=torch.Generator().manual_seed(0)))
    >>> optimizer = SparsityProj([x], sparsity=0.6)
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     return (x[:, 0] - torch.linspace(0, 1, 8) ** 3).square().sum()
    >>> loss = optimizer.step(closure)
    >>> round(float(sparseness(x.detach())), 3)
    0.6
    """

    def __init__(self, params: ParamsT, sparsity: float, dim: int = 1, max_iter: int = 10) -> None:
        if not 0 < sparsity < 1:
            raise ValueError(f"sparsity must lie between 0 and 1, got {sparsity}")
        super().__init__(params, {"sparsity": sparsity, "lr": 1.0, "dim": dim, "max_iter": max_iter})

    def step(self, closure: Callable[[], Tensor]) -> Tensor:  # type: ignore[override]
        """Take one step on the loss that `closure` returns, unless even the shortest would increase it."""
        loss = torch.tensor(0.0)
        for group in self.param_groups:
            with torch.enable_grad():
                start = closure()
                start.backward()
            loss = start.detach()
            with torch.no_grad():
                loss = self._search(group, loss, closure)
        return loss

    @staticmethod
    def _search(group: dict[str, Any], start: Tensor, closure: Callable[[], Tensor]) -> Tensor:
        params = [(p, p.detach().clone(), p.grad.clone()) for p in group["params"] if p.grad is not None]
        for _ in range(group["max_iter"]):
            for p, before, gradient in params:
                rows = (before - group["lr"] * gradient).movedim(group["dim"], 0)
                sparse = project(rows.flatten(1), group["sparsity"]).reshape(rows.shape)
                p.copy_(sparse.movedim(0, group["dim"]))
            loss = closure().detach()
            if loss <= start:
                group["lr"] *= 1.2
                return loss
            group["lr"] *= 0.5
        for p, before, _ in params:
            p.copy_(before)
        return start
