import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

import nmf

from .cases import BETAS


def textbook(v, p, beta):
    if beta == 1:
        return scipy.special.kl_div(v, p).sum()
    if beta == 0:
        return (v / p - np.log(v / p) - 1).sum()
    return ((v**beta + (beta - 1) * p**beta - beta * v * p ** (beta - 1)) / (beta * (beta - 1))).sum()


@pytest.mark.parametrize("beta", BETAS)
def test_is_the_textbook_formula(beta, rng):
    v, p = rng.random((6, 7)) + 0.1, rng.random((6, 7)) + 0.1
    value = nmf.beta_divergence(torch.from_numpy(v), torch.from_numpy(p), beta)
    assert float(value) == pytest.approx(textbook(v, p, beta), rel=1e-12)


@pytest.mark.parametrize("beta", BETAS)
def test_float32_does_not_cancel(beta, rng):
    """In torchnmf a relative error of 1e-4 gives 0, or a negative divergence."""
    v = rng.random((500, 500)) + 1e-3
    p = (v * (1 + 1e-4 * rng.standard_normal(v.shape))).astype(np.float32)
    v = v.astype(np.float32)
    exact = nmf.beta_divergence(torch.from_numpy(v).double(), torch.from_numpy(p).double(), beta)
    assert float(nmf.beta_divergence(torch.from_numpy(v), torch.from_numpy(p), beta)) == pytest.approx(
        float(exact), rel=1e-3
    )


@pytest.mark.parametrize("beta", BETAS)
def test_gradcheck(beta):
    v = torch.rand(3, 4, dtype=torch.float64).add_(0.1).requires_grad_()
    p = torch.rand(3, 4, dtype=torch.float64).add_(0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda v, p: nmf.beta_divergence(v, p, beta), (v, p))


@given(beta=st.floats(-2, 4), ratio=st.floats(1e-3, 1e3))
def test_is_zero_only_at_equality_and_positive(beta, ratio):
    one = torch.ones(1, dtype=torch.float64)
    value = float(nmf.beta_divergence(one * ratio, one, beta))
    assert value >= 0
    assert float(nmf.beta_divergence(one, one, beta)) == 0
    assert value > 0 or abs(ratio - 1) < 1e-6


def test_zeros_are_what_the_limit_says():
    zero, one = torch.zeros(1), torch.ones(1)
    assert float(nmf.beta_divergence(zero, one, 1)) == 1
    assert float(nmf.beta_divergence(zero, one, 2)) == 0.5
    assert float(nmf.beta_divergence(zero, one, 0)) > 50
    assert float(nmf.beta_divergence(zero, zero, 1)) == 0


def test_weights_leave_entries_out():
    v, p = torch.tensor([1.0, float("nan")]), torch.tensor([2.0, 1.0])
    assert float(nmf.beta_divergence(v, p, 2, weights=torch.tensor([2.0, 0.0]))) == 1.0
    with pytest.raises(ValueError, match="one shape"):
        nmf.beta_divergence(v, p[:1])


def test_sparseness_is_one_for_one_hot_and_zero_for_constant():
    """The documentation of torchnmf has it the other way round."""
    assert float(nmf.sparseness(torch.eye(5)[0])) == pytest.approx(1)
    assert float(nmf.sparseness(torch.ones(5))) == pytest.approx(0, abs=1e-6)
    with pytest.raises(ValueError, match="two entries"):
        nmf.sparseness(torch.ones(1))
