"""What holds for every operator, walked through the registry."""

import numpy as np
import pylops
import pytest
import torch

from deblur.operators import adjoint_error, check_adjoint

from .cases import BILINEAR, OPERATORS, random


@pytest.fixture(params=OPERATORS, scope="module")
def operator(request):
    return OPERATORS[request.param]()


@pytest.mark.parametrize(("dtype", "bar"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_adjoint(operator, dtype, bar):
    assert adjoint_error(operator, dtype=dtype) <= bar
    check_adjoint(operator, dtype=dtype)


def test_matrix_is_the_operator_and_its_transpose_the_adjoint(operator):
    matrix = operator.to_matrix().numpy()
    x, y = random(operator.domain_shape, 1), random(operator.range_shape, 2)
    np.testing.assert_allclose(operator(x).ravel(), matrix @ x.ravel(), atol=1e-10)
    np.testing.assert_allclose(operator.T(y).ravel(), matrix.T @ y.ravel(), atol=1e-10)


def test_adjoint_is_the_vector_jacobian_product(operator):
    x = torch.from_numpy(random(operator.domain_shape, 1)).requires_grad_()
    y = torch.from_numpy(random(operator.range_shape, 2))
    (gradient,) = torch.autograd.grad(operator(x), x, y)
    torch.testing.assert_close(gradient, operator.T(y), atol=1e-10, rtol=1e-10)


def test_linear(operator):
    x, y = random(operator.domain_shape, 1), random(operator.domain_shape, 2)
    np.testing.assert_allclose(operator(2 * x - 3 * y), 2 * operator(x) - 3 * operator(y), atol=1e-10)


def test_batch_dtype_and_kind_are_kept_and_inputs_are_not_written(operator):
    for dtype in (np.float32, np.float64):
        x = random((2, 3, *operator.domain_shape)).astype(dtype)
        before = x.copy()
        y = operator(x)
        assert isinstance(y, np.ndarray)
        assert y.dtype == dtype
        assert y.shape == (2, 3, *operator.range_shape)
        tolerance = 1e-3 if dtype is np.float32 else 1e-10
        np.testing.assert_allclose(y[1, 2], operator(x[1, 2]), atol=tolerance)
        data = y.copy()
        back = operator.T(y)
        assert back.dtype == dtype
        assert back.shape == x.shape
        np.testing.assert_array_equal(x, before)
        np.testing.assert_array_equal(y, data)
        assert not np.shares_memory(x, y)  # else who writes into a result writes into what it was made of
        assert not np.shares_memory(y, back)
        tensor = operator(torch.from_numpy(x))
        assert isinstance(tensor, torch.Tensor)
        np.testing.assert_array_equal(tensor.numpy(), y)


def test_runs_on_another_device(operator):
    """The meta device stands for an accelerator here: it fails on any tensor left behind on the CPU."""
    y = operator(torch.empty(operator.domain_shape, device="meta"))
    assert y.device.type == "meta"
    assert tuple(y.shape) == operator.range_shape
    assert tuple(operator.T(y).shape) == operator.domain_shape


@pytest.mark.parametrize("name", list(OPERATORS)[::11])  # a dense SVD each
def test_norm_is_the_largest_singular_value(name):
    operator = OPERATORS[name]()
    largest = np.linalg.norm(operator.to_matrix().numpy(), 2)
    assert operator.norm(tolerance=1e-9) == pytest.approx(largest, rel=1e-3)


def test_norm_is_found_from_below_and_stops_where_it_is_told():
    operator = OPERATORS["Gram"]()
    largest = operator.norm(tolerance=1e-9)
    assert operator.norm(tolerance=0.5) < 0.99 * largest
    assert operator.norm(max_iter=1) < 0.99 * largest
    assert operator.norm(max_iter=1, seed=1) != operator.norm(max_iter=1)
    assert (0 * operator).norm() == 0


def test_scipy_view_passes_pylops_dottest(operator):
    view = pylops.LinearOperator(operator.as_scipy())
    assert pylops.utils.dottest(view, *view.shape, rtol=1e-9)


def test_errors_name_the_shapes(operator):
    wrong = (*operator.domain_shape[:-1], operator.domain_shape[-1] + 1)
    with pytest.raises(ValueError, match="last axes are"):
        operator(np.zeros(wrong))
    with pytest.raises(TypeError, match="floating"):
        operator(np.zeros(operator.domain_shape, dtype=int))
    with pytest.raises(TypeError, match="NumPy array or a torch tensor"):
        operator([1.0, 2.0])
    with pytest.raises(TypeError, match="real"):
        operator(np.zeros(operator.domain_shape, dtype=complex))


@pytest.mark.parametrize("name", BILINEAR)
def test_kernel_adjoint(name):
    operator = OPERATORS[name]()
    kernel = operator.weight if name.startswith("Strided") else operator.kernel
    x = torch.from_numpy(random((2, *operator.domain_shape), 1))
    y = torch.from_numpy(random((2, *operator.range_shape), 2))
    left, right = (operator(x) * y).sum(), (kernel * operator.kernel_adjoint(x, y)).sum()
    assert abs(left - right) <= 1e-12 * torch.linalg.vector_norm(operator(x)) * torch.linalg.vector_norm(y)


@pytest.mark.parametrize("name", [name for name in BILINEAR if not name.startswith("Strided")])
def test_kernel_operator_is_the_same_bilinear_map(name):
    operator = OPERATORS[name]()
    x = random((2, *operator.domain_shape), 1)
    in_kernel = operator.kernel_operator(x)
    np.testing.assert_allclose(in_kernel(operator.kernel.numpy()), operator(x), atol=1e-10)
    assert adjoint_error(in_kernel) <= 1e-12
    assert adjoint_error(in_kernel, dtype=torch.float32) <= 1e-5
    four = random((2, 2, *in_kernel.domain_shape))
    two = four[0]
    np.testing.assert_allclose(in_kernel(four)[0], in_kernel(two), atol=1e-12)
    np.testing.assert_allclose(in_kernel.T(in_kernel(four))[0], in_kernel.T(in_kernel(two)), atol=1e-9)
    np.testing.assert_allclose(in_kernel(two)[1], in_kernel(two[1]), atol=1e-12)
    back = in_kernel.T(in_kernel(two))
    np.testing.assert_allclose(back[1], in_kernel.T(in_kernel(two[1])), atol=1e-9)
