"""The data step on a padded grid, against dense algebra."""

import pytest
import torch

from deblur.networks._padding import grid_for
from deblur.operators import Convolution, Crop
from deblur.solvers.fourier import fourier, inverse_fourier
from deblur.solvers.framed import FramedBlur
from tests.networks.cases import rand

FRAME, GRID = (11, 10), (16, 15)


def kernel(*shape: int) -> torch.Tensor:
    values = rand(*shape, seed=4).double()
    return values / values.sum((-2, -1), keepdim=True)


@pytest.mark.parametrize("guided", [False, True])
def test_fill_and_filter_solve_the_normal_equations(guided: bool) -> None:
    y, psf, weight = rand(1, *FRAME).double(), kernel(3, 4), torch.full((1, 1, 1), 0.03, dtype=torch.float64)
    z = rand(1, *GRID, seed=1).double()
    A = (Crop(GRID, FRAME, start=0) @ Convolution(psf, GRID, "circular")).to_matrix()
    right = A.T @ y.flatten() + (0.03 * z.flatten() if guided else 0.0)
    dense = torch.linalg.solve(A.T @ A + 0.03 * torch.eye(A.shape[1], dtype=torch.float64), right)
    blur, towards = FramedBlur(y, psf, GRID), fourier(z, GRID) if guided else 0.0
    filled = blur.fill(weight, towards, num_iter=500, tolerance=1e-13)
    x = inverse_fourier(blur.filtered(filled, weight, towards), GRID)[0]
    torch.testing.assert_close(x, dense.reshape(GRID), rtol=0, atol=1e-10)
    # What was filled in is what the best scene shows there, and inside the frame it is the picture itself.
    shown = inverse_fourier(filled, GRID)[0]
    torch.testing.assert_close(shown[: FRAME[0], : FRAME[1]], y[0])
    blurred = inverse_fourier(fourier(x, GRID) * blur.kernel, GRID)
    torch.testing.assert_close(shown[FRAME[0] :], blurred[FRAME[0] :], rtol=0, atol=1e-10)


def test_a_few_steps_are_nearly_there() -> None:
    """Three conjugate gradients, as between the stages of a network, close to where 500 lead."""
    y, psf, weight = rand(1, *FRAME).double(), kernel(3, 4), torch.full((1, 1, 1), 0.03, dtype=torch.float64)
    blur, towards = FramedBlur(y, psf, GRID), fourier(rand(1, *GRID, seed=1).double(), GRID)
    errors = []
    best = blur.fill(weight, towards, num_iter=500, tolerance=1e-13)
    for num_iter in (0, 1, 3, 10):
        filled = blur.fill(weight, towards, num_iter=num_iter)
        difference = blur.filtered(filled, weight, towards) - blur.filtered(best, weight, towards)
        errors.append(float(inverse_fourier(difference, GRID).norm()))
    assert errors == sorted(errors, reverse=True)
    assert errors[3] < 0.03 * errors[0]


def test_circular_is_the_textbook_filter() -> None:
    y, psf = rand(2, *FRAME).double(), kernel(5, 4)
    weight = torch.tensor([0.01, 0.3], dtype=torch.float64)[:, None, None]
    blur = FramedBlur(y, psf, FRAME)
    x = inverse_fourier(blur.filtered(blur.fill(weight, num_iter=10), weight), FRAME)
    padded = torch.zeros(FRAME, dtype=torch.float64)
    padded[:5, :4] = psf
    K = torch.fft.fft2(padded.roll((-2, -2), (0, 1)))
    expected = torch.fft.ifft2(K.conj() * torch.fft.fft2(y) / (K.abs() ** 2 + weight)).real
    torch.testing.assert_close(x, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_image_does_not_depend_on_its_batch(dtype: torch.dtype) -> None:
    """One that is done waits for the others without moving: the last is at the second step, the first never.

    Ten steps are what the networks take at most. Many more would tell nothing: conjugate gradients multiply what is
    rounded, here to 1e-4 after forty steps in double precision.
    """
    y, psf = rand(3, 1, *FRAME).to(dtype), kernel(3, 1, 3, 4).to(dtype)
    weight = torch.tensor([1e-3, 0.1, 10.0], dtype=dtype)[:, None, None, None]
    together = FramedBlur(y, psf, GRID).fill(weight, num_iter=10)
    for index in range(3):
        one = slice(index, index + 1)
        alone = FramedBlur(y[one], psf[one], GRID).fill(weight[one], num_iter=10)
        atol = 1e-11 if dtype == torch.float64 else 1e-2  # a spectrum's values are sums of 240 samples
        torch.testing.assert_close(together[one], alone, rtol=0, atol=atol)


def test_gradients_flow_through_the_filter() -> None:
    y, psf = rand(1, *FRAME).double(), kernel(3, 4)
    blur = FramedBlur(y, psf, GRID)

    def step(log_weight: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        weight, towards = log_weight.exp()[:, None, None], fourier(z, GRID)
        return inverse_fourier(blur.filtered(filled, weight, towards), GRID)

    log_weight = torch.tensor([-3.0], dtype=torch.float64, requires_grad=True)
    z = rand(1, *GRID, seed=1).double().requires_grad_()
    filled = blur.fill(log_weight.exp()[:, None, None], fourier(z, GRID), num_iter=5)
    assert not filled.requires_grad
    assert torch.autograd.gradcheck(step, (log_weight, z))


@pytest.mark.parametrize("kernel_shape", [(1, 1), (5, 4), (9, 30)])
def test_the_padded_grid_holds_what_the_psf_reaches(kernel_shape: tuple[int, int]) -> None:
    y, psf = rand(1, 1, 33, 40), kernel(*kernel_shape)
    assert grid_for(y, psf, "circular") == (33, 40)
    assert all(
        g >= f + k - 1 + min(k, 16) for g, f, k in zip(grid_for(y, psf, "unknown"), (33, 40), kernel_shape, strict=True)
    )
    with pytest.raises(ValueError, match="boundary must be unknown or circular, got 'zero'"):
        grid_for(y, psf, "zero")
