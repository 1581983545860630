"""Multiplicative updates for any network whose output is linear in each parameter, by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import Optimizer, ParamsT

from nmf.data.dense import smallest_product
from nmf.objective.penalties import Penalty, divergence_slope

from .problem import majorizer_step


class BetaMu(Optimizer):
    """Multiplicative updates as a torch optimizer, for chains of factorizations.

    The two halves of the gradient are adjoints, which automatic differentiation provides: the model may be any that is
    non-negative, and linear in each parameter with the others fixed (Févotte and Idier, Neural Computation 2011).

    Parameters
    ----------
    params : iterable
        Non-negative parameters, or groups of them with their own options.
    beta : float
        Of the divergence.
    l1, l2, orthogonal : float
        Weights of the penalties on each parameter, at least 0; `orthogonal` is for components along axis 1.

    Raises
    ------
    ValueError
        If a weight is negative.

    Examples
    --------
    >>> import torch
    >>> import nmf
    >>> from nmf import BetaMu
    >>> V = torch.rand(6, 9, generator=torch.Generator().manual_seed(0))
    >>> model = nmf.NMF(V.shape, rank=2, seed=0)
    >>> optimizer = BetaMu(model.parameters(), beta=1)
    >>> before = nmf.beta_divergence(V, model())
    >>> for _ in range(10):
    ...     optimizer.step(lambda: (V, model()))
    >>> bool(nmf.beta_divergence(V, model()) < before)
    True
    """

    def __init__(
        self, params: ParamsT, beta: float = 1.0, *, l1: float = 0.0, l2: float = 0.0, orthogonal: float = 0.0
    ) -> None:
        for name, value in (("l1", l1), ("l2", l2), ("orthogonal", orthogonal)):
            if not value >= 0:
                raise ValueError(f"{name} must not be negative, got {value}")
        super().__init__(params, {"beta": beta, "l1": l1, "l2": l2, "orthogonal": orthogonal})

    def step(self, closure: Callable[[], tuple[Tensor, Tensor]]) -> None:  # type: ignore[override]
        """Update each parameter once, in turn; its ``grad`` is then that of the divergence before its update.

        Parameters
        ----------
        closure : callable
            Returns the data and the model's output; called once for each parameter.
        """
        trainable = {p: p.requires_grad for group in self.param_groups for p in group["params"]}
        try:
            for p in trainable:
                p.requires_grad_(False)
            for group in self.param_groups:
                for p in group["params"]:
                    if trainable[p]:
                        p.requires_grad_(True)
                        self._update(p, group, closure)
                        p.requires_grad_(False)
        finally:
            for p, was in trainable.items():
                p.requires_grad_(was)

    @staticmethod
    def _update(p: Tensor, group: dict[str, Any], closure: Callable[[], tuple[Tensor, Tensor]]) -> None:
        with torch.enable_grad():
            V, product = closure()
        if not product.requires_grad:
            return
        beta = group["beta"]
        with torch.no_grad():
            scale = V.mean().clamp_min(torch.finfo(V.dtype).tiny)
            model = (product / scale).clamp_min_(smallest_product(V.dtype, beta))
            down, up = V / scale * model.pow(beta - 2), model.pow(beta - 1)
        (down,) = torch.autograd.grad(product, p, down, retain_graph=True)
        (up,) = torch.autograd.grad(product, p, up)
        with torch.no_grad():
            unit = scale ** (beta - 1)
            p.grad = (up - down) * unit
            penalty = Penalty(l1=group["l1"], l2=group["l2"], orthogonal=group["orthogonal"])
            slope = penalty.scaled(lambda power: 1 / unit).add_to(divergence_slope(down, up, beta), p, 1)
            p.copy_(majorizer_step(slope, p, None))
