"""Operators of SciPy and PyLops, there and back."""

import numpy as np
import pytest
import scipy.sparse
import torch

from deblur import compat, psf
from deblur.operators import Convolution, Differences, adjoint_error

SHAPE = (9, 12)


@pytest.fixture
def blur() -> Convolution:
    return Convolution(psf.parse("motion:length=5,angle=20"), SHAPE, "reflect")


@pytest.mark.parametrize("kind", ["dense", "sparse", "operator"])
def test_from_scipy_is_the_matrix(kind: str, blur: Convolution, rng: np.random.Generator) -> None:
    matrix = blur.to_matrix().numpy()
    theirs = {"dense": matrix, "sparse": scipy.sparse.csr_array(matrix), "operator": blur.as_scipy()}[kind]
    ours = compat.from_scipy(theirs, SHAPE, SHAPE)
    x = rng.random((2, 3, *SHAPE))
    assert np.allclose(ours(x), blur(x), atol=1e-12)
    assert np.allclose(ours.T(x), blur.T(x), atol=1e-12)
    assert adjoint_error(ours) < 1e-12
    assert ours(x.astype(np.float32)).dtype == np.float32


def test_from_scipy_joins_the_algebra(blur: Convolution, rng: np.random.Generator) -> None:
    foreign = compat.from_scipy(scipy.sparse.random_array((20, 108), density=0.2, rng=rng), SHAPE, 20)
    both = foreign @ blur.T
    assert both.range_shape == (20,)
    assert adjoint_error(both) < 1e-12
    assert both.norm() == pytest.approx(np.linalg.norm(both.to_matrix().numpy(), 2), rel=1e-3)


def test_from_scipy_is_differentiable(rng: np.random.Generator) -> None:
    A = compat.from_scipy(rng.random((4, 6)), (2, 3))
    x = torch.rand(5, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(A, x)
    assert torch.autograd.gradgradcheck(A, x)


def test_to_pylops_and_back(blur: Convolution, rng: np.random.Generator) -> None:
    pylops = pytest.importorskip("pylops", reason="the extra pylops is not installed")
    theirs = compat.to_pylops(blur)
    x = rng.random(SHAPE)
    assert isinstance(theirs, pylops.LinearOperator)
    assert pylops.utils.dottest(theirs, *theirs.shape, rtol=1e-9)
    assert np.allclose(theirs @ x, blur(x), atol=1e-12)  # arrays, not vectors
    solved, *_ = pylops.optimization.basic.cgls(theirs, theirs @ x, niter=30)
    assert np.linalg.norm(theirs @ solved - theirs @ x) < 0.02 * np.linalg.norm(theirs @ x)
    back = compat.from_pylops(theirs)
    assert (back.domain_shape, back.range_shape) == (blur.domain_shape, blur.range_shape)
    assert np.allclose(back(x), blur(x), atol=1e-12)


def test_pylops_convolution_is_ours_with_its_offset_in_the_middle(rng: np.random.Generator) -> None:
    pylops = pytest.importorskip("pylops", reason="the extra pylops is not installed")
    kernel = rng.random((3, 4))
    theirs = compat.from_pylops(pylops.signalprocessing.Convolve2D(SHAPE, kernel, offset=(1, 2)))
    ours = Convolution(kernel, SHAPE, "zero")
    x = rng.random(SHAPE)
    assert np.allclose(theirs(x), ours(x), atol=1e-12)
    assert np.allclose(theirs.T(x), ours.T(x), atol=1e-12)


def test_from_pylops_between_different_shapes(rng: np.random.Generator) -> None:
    pylops = pytest.importorskip("pylops", reason="the extra pylops is not installed")
    A = compat.from_pylops(pylops.Gradient(SHAPE, kind="forward", edge=True))
    assert A.range_shape == (2, *SHAPE)
    assert adjoint_error(A) < 1e-12
    x = rng.random(SHAPE)
    rows = Differences(SHAPE, boundary="replicate")(x)[0]
    assert np.allclose(A(x)[0][:-1], rows[:-1])


def test_bad_input() -> None:
    with pytest.raises(TypeError, match="must be real"):
        compat.from_scipy(np.ones((2, 2), complex))
    with pytest.raises(ValueError, match="domain_shape must have 6 samples"):
        compat.from_scipy(np.ones((2, 6)), (2, 4))
    with pytest.raises(ValueError, match="last axes are"):
        compat.from_scipy(np.ones((2, 6)), (2, 3))(np.ones(6))
