"""Operators of DeepInverse, there and back; it needs torchvision, which not every torch can have beside it."""

import numpy as np
import pytest
import torch

from deblur import compat, psf
from deblur.operators import AdjointError, Convolution, adjoint_error, check_adjoint

deepinv = pytest.importorskip("deepinv", reason="the extra deepinv is not installed")

SHAPE = (2, 16, 21)
KERNEL = torch.from_numpy(psf.parse("motion:length=7,angle=30")).float()


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(3, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate", "valid"])
def test_blurs_are_the_same(boundary: str, x: torch.Tensor) -> None:
    theirs = deepinv.physics.Blur(filter=KERNEL[None, None], padding=boundary)
    ours = Convolution(KERNEL, SHAPE[1:], boundary)
    wrapped = compat.from_deepinv(theirs, SHAPE)
    assert torch.allclose(wrapped(x), ours(x), atol=1e-5)
    assert torch.allclose(wrapped.T(wrapped(x)), ours.T(ours(x)), atol=1e-5)
    assert adjoint_error(wrapped, dtype=torch.float32) < 1e-5


def test_fourier_blur_is_the_circular_one(x: torch.Tensor) -> None:
    wrapped = compat.from_deepinv(deepinv.physics.BlurFFT(SHAPE, filter=KERNEL[None, None]), SHAPE)
    ours = Convolution(KERNEL, SHAPE[1:])
    assert torch.allclose(wrapped(x), ours(x), atol=1e-5)
    assert torch.allclose(wrapped.T(x), ours.T(x), atol=1e-5)
    assert isinstance(wrapped(x.numpy().astype(np.float64)), np.ndarray)


def test_operators_work_in_their_solvers(x: torch.Tensor) -> None:
    operator = Convolution(torch.tensor([[0.1, 0.8, 0.1]]), SHAPE[1:], "reflect")
    physics = compat.to_deepinv(operator, max_iter=200, tol=1e-6)
    y = physics(x)
    assert torch.allclose(y, operator(x))
    # Theirs is a difference of inner products, not relative to them.
    assert abs(float(physics.adjointness_test(x))) < 1e-5 * float(x.square().sum())
    assert torch.allclose(physics.A_dagger(y), x, atol=1e-3)
    likely = physics.prox_l2(x, y, 1.0)
    assert torch.allclose(likely + operator.T(operator(likely)), x + operator.T(y), atol=1e-3)


def test_there_and_back(x: torch.Tensor) -> None:
    operator = Convolution(KERNEL, SHAPE[1:], "valid")
    back = compat.from_deepinv(compat.to_deepinv(operator), SHAPE)
    assert back.range_shape == operator(x).shape[1:]
    assert torch.equal(back(x), operator(x))
    assert torch.equal(back.T(operator(x)), operator.T(operator(x)))


def test_it_is_copied(x: torch.Tensor) -> None:
    physics = deepinv.physics.Blur(filter=KERNEL[None, None], padding="circular")
    operator = compat.from_deepinv(physics, SHAPE)
    before = operator(x)
    physics(x, filter=torch.ones(1, 1, 3, 3))  # which it keeps
    assert torch.equal(operator(x), before)


def test_the_adjoint_test_finds_a_wrong_adjoint() -> None:
    physics = deepinv.physics.LinearPhysics(A=lambda x, **_: 2 * x, A_adjoint=lambda y, **_: y)
    with pytest.raises(AdjointError):
        check_adjoint(compat.from_deepinv(physics, SHAPE), dtype=torch.float32)


def test_complex_is_refused() -> None:
    with pytest.raises(TypeError, match="must return a real tensor"):
        compat.from_deepinv(deepinv.physics.LinearPhysics(A=lambda x, **_: torch.fft.fft2(x)), SHAPE)
