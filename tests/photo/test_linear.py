import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.photo import from_linear, to_linear

values = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("stored", "linear"),
    [(0, 0), (1, 1), (0.04045, 0.04045 / 12.92), (0.5, 0.21404114048223255), (0.02, 0.02 / 12.92), (-1, -1)],
)
def test_known_values(stored, linear):
    assert to_linear(np.array([float(stored)])) == pytest.approx(linear, abs=1e-15)


@given(values)
def test_the_two_are_inverse_and_odd(value):
    stored = np.array([value])
    np.testing.assert_allclose(from_linear(to_linear(stored)), stored, rtol=1e-14, atol=1e-300)
    np.testing.assert_array_equal(to_linear(-stored), -to_linear(stored))
    np.testing.assert_array_equal(from_linear(-stored), -from_linear(stored))
    # The standard's two branches miss each other by 2e-9 at the knee; nothing else may be lost.
    np.testing.assert_allclose(to_linear(from_linear(stored)), stored, rtol=1e-14, atol=3e-9)


def test_every_value_of_a_photograph_survives():
    for bits in (8, 16):
        stored = (np.arange(2**bits) / (2**bits - 1)).astype(np.float32)
        back = from_linear(to_linear(stored))
        assert back.dtype == np.float32
        np.testing.assert_array_equal(np.rint(back * (2**bits - 1)), np.arange(2**bits))


def test_it_never_falls():
    stored = np.linspace(-0.1, 1.5, 10_001)
    assert (np.diff(to_linear(stored)) > 0).all()
    assert (np.diff(from_linear(stored)) > 0).all()


def test_kind_and_type_are_kept_and_integers_scaled():
    stored = torch.rand(2, 3, dtype=torch.float64)
    linear = to_linear(stored)
    assert isinstance(linear, torch.Tensor)
    assert linear.dtype is torch.float64
    np.testing.assert_array_equal(linear.numpy(), to_linear(stored.numpy()))
    assert to_linear(np.array([0, 255], dtype=np.uint8)).tolist() == [0, 1]


def test_gradients_are_exact_and_finite_at_black():
    stored = torch.tensor([-0.3, 0.01, 0.3, 1.2], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(to_linear, stored)
    assert torch.autograd.gradcheck(from_linear, stored)
    black = torch.zeros(1, requires_grad=True)
    from_linear(black).backward()
    assert black.grad == pytest.approx(12.92)


@pytest.mark.parametrize("function", [to_linear, from_linear])
def test_bad_input(function):
    with pytest.raises(TypeError, match="pixels must be"):
        function([0.5])
    with pytest.raises(ValueError, match="pixels is empty"):
        function(np.zeros(0))
