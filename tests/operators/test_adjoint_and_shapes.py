import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.operators import (
    AdjointError,
    Convolution,
    LinearOperator,
    StridedConvolution,
    adjoint_error,
    adjoint_versus_inverse,
    check_adjoint,
    conv_output_size,
    conv_transpose_output_size,
    fast_size,
    multiplicative_step,
    output_padding_for,
)


class ShiftedAdjoint(LinearOperator):
    """A convolution whose adjoint is off by one pixel, as seen in the wild."""

    def __init__(self):
        super().__init__((16,), (16,))
        self._convolution = Convolution(np.array([0.2, 0.5, 0.3]), (16,))

    def _forward(self, x):
        return self._convolution(x)

    def _adjoint(self, y):
        return self._convolution.T(y).roll(1, -1)


def test_the_adjoint_test_catches_a_wrong_adjoint():
    assert adjoint_error(ShiftedAdjoint()) > 0.01
    with pytest.raises(AdjointError, match="differ by"):
        check_adjoint(ShiftedAdjoint())


def test_adjoint_is_not_inverse(rng):
    blur = Convolution(np.array([0.1, 0.6, 0.3]), (64,), boundary="reflect")
    x = rng.random(64)
    both = adjoint_versus_inverse(blur, blur(x), truth=x)
    assert both.inverse_error < 1e-6
    assert both.inverse_residual < 1e-6
    assert both.adjoint_error > 0.1
    np.testing.assert_allclose(both.adjoint, blur.T(blur(x)))


def test_inverse_of_a_wide_operator_has_least_norm(rng):
    down = StridedConvolution(torch.ones(1, 1, 2, 2), (8, 8), stride=2)
    y = torch.from_numpy(rng.random((1, 4, 4)))
    both = adjoint_versus_inverse(down, y)
    torch.testing.assert_close(both.inverse, down.T(y) / 4)
    assert both.adjoint_error is None
    assert both.inverse_residual < 1e-9
    assert both.adjoint_residual == pytest.approx(3)


sizes, kernels, strides = st.integers(1, 600), st.integers(1, 9), st.integers(1, 5)


@given(sizes, kernels, strides, st.integers(0, 4), st.integers(1, 3))
def test_the_way_back_is_as_long_as_the_way_there(size, kernel, stride, padding, dilation):
    if size + 2 * padding < dilation * (kernel - 1) + 1:
        with pytest.raises(ValueError, match="does not fit"):
            conv_output_size(size, kernel, stride, padding, dilation)
        return
    small = conv_output_size(size, kernel, stride, padding, dilation)
    extra = output_padding_for(size, kernel, stride, padding, dilation)
    assert 0 <= extra < stride
    assert conv_transpose_output_size(small, kernel, stride, padding, dilation, extra) == size


@given(st.integers(1, 5000))
def test_fast_size_is_smooth_even_and_close(size):
    fast = fast_size(size)
    assert fast >= size
    assert fast <= 1.07 * size + 2
    rest = fast
    for prime in (2, 3, 5, 7, 11, 13):
        while rest % prime == 0:
            rest //= prime
    assert rest == 1
    assert fast % 2 == 0 or fast == 1
    assert fast_size(fast) == fast


def test_multiplicative_step_keeps_what_the_data_do_not_see():
    x = torch.tensor([1.0, 2.0, 3.0])
    seen = torch.tensor([1.0, 1e-9, 0.0])
    step = multiplicative_step(x, torch.tensor([2.0, -1e-8, 0.0]), seen, margin=1e-3)
    assert torch.isfinite(step).all()
    torch.testing.assert_close(step, torch.tensor([2.0, 2.0, 3.0]), rtol=2e-3, atol=0)
    torch.testing.assert_close(multiplicative_step(x, seen, seen, margin=1e-3), x)
    assert not multiplicative_step(x, torch.zeros(3), torch.zeros(3), margin=1e-3).isnan().any()
    with pytest.raises(ValueError, match="margin"):
        multiplicative_step(x, seen, seen, margin=0)


def test_algebra(rng):
    a, b = Convolution(rng.random(3), (8,)), Convolution(rng.random(4), (8,), "zero")
    A, B = a.to_matrix(), b.to_matrix()
    for operator, matrix in [
        (a @ b, A @ B),
        (a + b, A + B),
        (a - b, A - B),
        (2.5 * a, 2.5 * A),
        (-a, -A),
        (a.T @ a, A.T @ A),
        ((a @ b).T, (A @ B).T),
        ((2 * a + b).T.T, 2 * A + B),
    ]:
        torch.testing.assert_close(operator.to_matrix(), matrix)
    assert a.T.T is a
    assert repr((2 * a).T) == "Scaled((8,) -> (8,)).T"
    with pytest.raises(TypeError):
        a @ 3
