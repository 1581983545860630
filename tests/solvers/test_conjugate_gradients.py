"""Conjugate gradients against dense solutions, and the sizes of padded grids."""

import pytest
import torch

from deblur.operators import fast_size
from deblur.solvers.conjugate_gradients import (
    conjugate_gradients,
    per_image,
    per_image_pairwise,
    small_residual,
)
from deblur.solvers.padding import ROOM, padded_grid

SHAPE = (3, 4)


def systems(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Positive definite matrices of very different condition, and right-hand sides."""
    generator = torch.Generator().manual_seed(0)
    roots = torch.randn(count, 12, 12, dtype=torch.float64, generator=generator)
    matrices = roots @ roots.mT + torch.eye(12, dtype=torch.float64) * torch.logspace(-1, 3, count)[:, None, None]
    return matrices, torch.randn(count, *SHAPE, dtype=torch.float64, generator=generator)


def apply(matrices: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    return (matrices @ x.flatten(-2)[..., None])[..., 0].reshape(x.shape)


@pytest.mark.parametrize("dot", [per_image, per_image_pairwise])
@pytest.mark.parametrize("preconditioned", [False, True])
def test_each_system_of_a_batch_is_solved(dot: object, preconditioned: bool) -> None:
    matrices, b = systems(4)
    expected = torch.linalg.solve(matrices, b.flatten(-2)[..., None])[..., 0].reshape(b.shape)
    diagonal = torch.diagonal(matrices, dim1=-2, dim2=-1).reshape(b.shape)
    start = torch.ones_like(b)
    x = conjugate_gradients(
        lambda v: apply(matrices, v),
        start,
        b - apply(matrices, start),
        dot,  # type: ignore[arg-type]
        max_iter=200,
        preconditioner=diagonal.reciprocal() if preconditioned else None,
        stop=small_residual(1e-20 * per_image(b, b)),
    )
    assert x is start
    torch.testing.assert_close(x, expected, rtol=1e-8, atol=1e-8)


def test_a_complex_system_is_solved() -> None:
    generator = torch.Generator().manual_seed(1)
    gain = 0.5 + torch.rand(2, *SHAPE, dtype=torch.float64, generator=generator)
    b = torch.randn(2, *SHAPE, dtype=torch.complex128, generator=generator)

    def dot(a: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return (a.conj() * c).real.sum((-2, -1), keepdim=True)

    x = conjugate_gradients(lambda v: gain * v, torch.zeros_like(b), b.clone(), dot, max_iter=30)
    torch.testing.assert_close(x, b / gain)


def test_a_converged_system_is_frozen_while_others_go_on() -> None:
    matrices, b = systems(2)
    counts: list[int] = []
    stop = small_residual(1e-6 * per_image(b, b))
    together = conjugate_gradients(
        lambda v: apply(matrices, v),
        torch.zeros_like(b),
        b.clone(),
        per_image,
        max_iter=100,
        stop=stop,
        report=counts.append,
    )
    alone = []
    for matrix, right in zip(matrices, b, strict=True):
        steps: list[int] = []
        one = conjugate_gradients(
            lambda v, matrix=matrix: apply(matrix, v),  # type: ignore[misc]
            torch.zeros_like(right),
            right.clone(),
            per_image,
            max_iter=100,
            stop=small_residual(1e-6 * per_image(right, right)),
            report=steps.append,
        )
        alone.append((one, len(steps)))
    assert alone[1][1] < alone[0][1] == len(counts)
    assert counts == list(range(len(counts)))
    torch.testing.assert_close(together, torch.stack([one for one, _ in alone]), rtol=0, atol=1e-9)


def test_a_solution_is_left_alone() -> None:
    x = conjugate_gradients(lambda v: v, torch.ones(SHAPE), torch.zeros(SHAPE), per_image, max_iter=5)
    assert torch.equal(x, torch.ones(SHAPE))


@pytest.mark.parametrize("kernel_shape", [(1, 1), (5, 4), (9, 30)])
@pytest.mark.parametrize("room", [0, ROOM, (2, 40)])
def test_a_padded_grid_holds_what_blurs_into_the_frame(
    kernel_shape: tuple[int, int], room: int | tuple[int, int]
) -> None:
    grid = padded_grid((33, 40), kernel_shape, room)
    rooms = (room, room) if isinstance(room, int) else room
    for size, frame, k, more in zip(grid, (33, 40), kernel_shape, rooms, strict=True):
        assert size == fast_size(frame + k - 1 + min(k, more))
