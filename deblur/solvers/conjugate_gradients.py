"""Conjugate gradients for a batch of symmetric positive definite systems, in place."""

from __future__ import annotations

from collections.abc import Callable

import torch

Apply = Callable[[torch.Tensor], torch.Tensor]
Dot = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

StopRule = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""``rule(step, direction, energy)`` after each iteration: boolean, of the shape of `energy`, true where to stop."""

State = tuple[torch.Tensor, ...]


def conjugate_gradients(
    apply: Apply,
    x: torch.Tensor,
    residual: torch.Tensor,
    dot: Dot,
    *,
    max_iter: int,
    preconditioner: torch.Tensor | None = None,
    stop: StopRule | None = None,
    report: Callable[[int], None] | None = None,
) -> torch.Tensor:
    """Solve ``A x = b`` for each system of a batch.

    A system that has stopped is frozen, so that its solution does not depend on the others of its batch. The loop
    becomes part of the graph where `torch.export` traces it.

    Parameters
    ----------
    apply : callable
        Maps a direction to ``A direction``, into new memory.
    x : torch.Tensor
        Starting point, shape ``(*batch, *space)``, real or complex; overwritten by the solution.
    residual : torch.Tensor
        ``b - A x``, of the shape of x; overwritten.
    dot : callable
        ``dot(a, b)``: the real inner product per system, shape ``(*batch, 1, ..., 1)``.
    max_iter : int
        Largest number of iterations.
    preconditioner : torch.Tensor, optional
        Positive diagonal that approximates the inverse of A.
    stop : callable, optional
        Stopping rule, see `StopRule`; by default only a residual of zero ends the iterations early.
    report : callable, optional
        Called with the number of each iteration, from 0, when it is done; not in an exported graph.

    Returns
    -------
    torch.Tensor
        The solution, in the memory of `x`.

    Examples
    --------
    >>> diagonal, b = torch.tensor([1.0, 2.0, 4.0]), torch.tensor([1.0, 1.0, 1.0])
    >>> conjugate_gradients(lambda v: diagonal * v, torch.zeros(3), b, lambda u, v: (u * v).sum(0, True), max_iter=3)
    tensor([1.0000, 0.5000, 0.2500])
    """

    def advance(state: State) -> State:
        x, residual, direction, energy, is_active = state
        tiny = torch.finfo(energy.dtype).tiny
        image = apply(direction)
        step = energy / dot(direction, image).clamp_min(tiny)
        step = torch.where(is_active, step, 0)
        _real(x).add_(_real(direction.clone()).mul_(_beside(x, step)))  # export broadcasts in place only
        _real(residual).sub_(_real(image).mul_(_beside(x, step)))
        z = residual if preconditioner is None else residual * preconditioner
        previous, energy = energy, dot(residual, z)
        is_active = is_active & (energy > 0)
        if stop is not None:
            is_active = is_active & ~stop(step, direction, energy)
        _real(direction).mul_(_beside(direction, energy / previous.clamp_min(tiny))).add_(_real(z))
        return x, residual, direction, energy, is_active

    direction = residual.clone() if preconditioner is None else residual * preconditioner
    energy = dot(residual, direction)
    state: State = (x, residual, direction, energy, energy > 0)
    if torch.compiler.is_exporting():  # a graph has no Python loop to break out of
        return _exported_loop(advance, state, max_iter)
    for iteration in range(max_iter):
        if not bool(state[-1].any()):
            break
        state = advance(state)
        if report is not None:
            report(iteration)
    return x


def per_image(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the inner product over the last two axes, shape ``(*batch, 1, 1)``."""
    return torch.linalg.vecdot(a.flatten(-2), b.flatten(-2))[..., None, None]


def per_image_pairwise(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the inner product over the last two axes by pairwise summation: slower, with less rounding error."""
    return (a * b).sum((-2, -1), keepdim=True)


def small_residual(energy: torch.Tensor) -> StopRule:
    """Return the rule to stop where the squared norm of the residual is at most `energy`."""
    return lambda step, direction, current: current <= energy


def _real(x: torch.Tensor) -> torch.Tensor:
    """View a complex array as real: a real factor would be promoted, and cost a complex product."""
    return torch.view_as_real(x) if x.is_complex() else x


def _beside(x: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return factor[..., None] if x.is_complex() else factor


def _exported_loop(advance: Callable[[State], State], state: State, max_iter: int) -> torch.Tensor:
    from torch._higher_order_ops.while_loop import while_loop

    def goes_on(iteration: torch.Tensor, *state: torch.Tensor) -> torch.Tensor:
        return (iteration < max_iter) & state[-1].any()

    def body(iteration: torch.Tensor, *state: torch.Tensor) -> State:
        return iteration + 1, *advance(tuple(each.clone() for each in state))  # the loop's inputs must not change

    return while_loop(goes_on, body, (torch.zeros((), dtype=torch.int64), *state))[1]
