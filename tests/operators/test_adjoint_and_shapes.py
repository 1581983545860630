import operator

import numpy as np
import pytest
import torch
from hypothesis import example, given
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
from deblur.operators._shapes import is_fast_size


class WrongAdjoint(LinearOperator):
    """A convolution and something else than its adjoint; off by one pixel, as seen in the wild, if nothing is said."""

    def __init__(self, wrong=lambda y: y.roll(1, -1)):
        super().__init__((16,), (16,))
        self._convolution, self._wrong = Convolution(np.array([0.2, 0.5, 0.3]), (16,)), wrong

    def _forward(self, x):
        return self._convolution(x)

    def _adjoint(self, y):
        return self._wrong(self._convolution.T(y))


def test_the_adjoint_test_catches_a_wrong_adjoint():
    wrong = WrongAdjoint()
    assert adjoint_error(wrong) > 0.01
    assert adjoint_error(1e4 * wrong) == pytest.approx(adjoint_error(wrong))  # it is relative
    assert adjoint_error(wrong, seed=1) != adjoint_error(wrong) > adjoint_error(wrong, draws=1)
    with pytest.raises(AdjointError, match=f"differ by {adjoint_error(wrong, seed=1):.1e}, more than 1e-12"):
        check_adjoint(wrong, seed=1)
    assert adjoint_error(0 * wrong) == 0
    with pytest.raises(AdjointError, match="differ by nan"):
        check_adjoint(WrongAdjoint(lambda y: y * float("nan")))


def test_an_error_of_a_float32_is_one_in_float64():
    nearly = WrongAdjoint(lambda y: y * (1 + 1e-6))
    check_adjoint(nearly, dtype=torch.float32)
    with pytest.raises(AdjointError, match="more than 1e-12"):
        check_adjoint(nearly)
    with pytest.raises(AdjointError, match="more than 1e-05"):
        check_adjoint(WrongAdjoint(lambda y: y * 1.001), dtype=torch.float32)


def test_adjoint_is_not_inverse(rng):
    blur = Convolution(np.array([0.1, 0.6, 0.3]), (64,), boundary="reflect")
    x = rng.random(64)
    both = adjoint_versus_inverse(blur, blur(x), truth=x)
    assert both.inverse_error < 1e-6
    assert both.inverse_residual < 1e-6
    assert both.adjoint_error > 0.1
    np.testing.assert_allclose(both.adjoint, blur.T(blur(x)))
    assert {type(both.adjoint), type(both.inverse)} == {np.ndarray}
    assert both.adjoint_error == pytest.approx(np.linalg.norm(both.adjoint - x) / np.linalg.norm(x))
    assert adjoint_versus_inverse(blur, blur(x), max_iter=1).inverse_residual > 1e-6
    assert adjoint_versus_inverse(blur, blur(x), tolerance=0.1).inverse_residual > 1e-6


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
        with pytest.raises(ValueError, match="does not fit"):
            output_padding_for(size, kernel, stride, padding, dilation)
        return
    small = conv_output_size(size, kernel, stride, padding, dilation)
    extra = output_padding_for(size, kernel, stride, padding, dilation)
    assert 0 <= extra < stride
    assert conv_transpose_output_size(small, kernel, stride, padding, dilation, extra) == size


@example(3)
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
    assert is_fast_size(size) == (fast == size)
    assert not any(is_fast_size(n) for n in range(size, fast))


def test_multiplicative_step_keeps_what_the_data_do_not_see():
    x = torch.tensor([1.0, 2.0, 3.0])
    seen = torch.tensor([1.0, 1e-9, 0.0])
    step = multiplicative_step(x, torch.tensor([2.0, -1e-8, 0.0]), seen, margin=1e-3)
    assert torch.isfinite(step).all()
    torch.testing.assert_close(step, torch.tensor([2.0, 2.0, 3.0]), rtol=2e-3, atol=0)
    torch.testing.assert_close(multiplicative_step(x, seen, seen, margin=1e-3), x)
    assert not multiplicative_step(x, torch.zeros(3), torch.zeros(3), margin=1e-3).isnan().any()
    # Rounding may leave a term of the data a little negative: it counts as zero.
    rounded = torch.tensor([-1.0, 1e-8, -1e-8])
    torch.testing.assert_close(multiplicative_step(x, rounded, rounded, margin=1e-3), x)
    assert float(multiplicative_step(x, rounded, seen, margin=1e-3)[0]) == pytest.approx(1e-3, rel=1e-2)
    assert float(multiplicative_step(x, seen, rounded, margin=1e-3)[0]) == pytest.approx(1e3, rel=1e-2)
    with pytest.raises(ValueError, match="margin"):
        multiplicative_step(x, seen, seen, margin=0)


def test_algebra(rng):
    a, b = Convolution(rng.random(3), (8,)), Convolution(rng.random(4), (8,), "zero")
    A, B = a.to_matrix(), b.to_matrix()
    for combined, matrix in [
        (a @ b, A @ B),
        (a + b, A + B),
        (a - b, A - B),
        (2.5 * a, 2.5 * A),
        (-a, -A),
        (a.T @ a, A.T @ A),
        ((a @ b).T, (A @ B).T),
        ((2 * a + b).T.T, 2 * A + B),
    ]:
        torch.testing.assert_close(combined.to_matrix(), matrix)
    assert a.T.T is a
    assert repr((2 * a).T) == "Scaled((8,) -> (8,)).T"
    for combine in (operator.matmul, operator.add, operator.sub, operator.mul):
        with pytest.raises(TypeError):
            combine(a, 3)
    with pytest.raises(TypeError):
        "3" * a
