"""Sparse data, data in parts, prescribed sparseness, and networks."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import nmf
from nmf.fit import projection


def sparse_data():
    V = torch.rand(20, 30, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return torch.where(V > 0.7, V, 0.0)


@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("beta", [0.5, 1, 1.5, 2, 3])
def test_sparse_data_give_what_dense_ones_do(beta, layout):
    V = sparse_data()
    sparse = V.to_sparse() if layout == "coo" else V.to_sparse_csr()
    dense_model, sparse_model = (nmf.NMF(V.shape, 3, seed=0) for _ in range(2))
    expected = dense_model.fit(V, beta, solver="mm", max_iter=20, tol=0, l1_H=0.1, l2_W=0.1)
    found = sparse_model.fit(sparse, beta, solver="mm", max_iter=20, tol=0, l1_H=0.1, l2_W=0.1)
    torch.testing.assert_close(sparse_model.W, dense_model.W)
    torch.testing.assert_close(found.history, expected.history)
    torch.testing.assert_close(
        sparse_model.transform(sparse, beta, tol=0), dense_model.transform(V, beta, tol=0, solver="extrapolated")
    )


def test_sparse_data_are_computed_in_the_finer_precision():
    V = sparse_data().float()
    models = [nmf.NMF(V.shape, 3, seed=0, dtype=torch.float64) for _ in range(2)]
    for model, data in zip(models, (V, V.to_sparse()), strict=True):
        model.fit(data, 1, solver="mm", max_iter=20, tol=0)
    torch.testing.assert_close(models[1].W, models[0].W, rtol=1e-10, atol=0)


def test_sparse_data_take_no_mask():
    with pytest.raises(ValueError, match="no mask"):
        nmf.NMF((20, 30), 3).fit(sparse_data().to_sparse(), mask=torch.ones(20, 30))
    with pytest.raises(ValueError, match="must not be negative"):
        nmf.NMF((20, 30), 3).fit(-sparse_data().to_sparse())


@pytest.mark.parametrize("beta", [0, 1, 2])
def test_partial_fits_find_the_templates_of_the_whole(beta, rng):
    V = (rng.random((12, 2)) ** 3) @ (rng.random((2, 600)) ** 3) + 1e-3
    module = nmf.NMF((12, 60), 2, seed=0, dtype=torch.float64)

    def loss():
        return float(
            nmf.beta_divergence(
                torch.from_numpy(V), module.W.detach() @ torch.from_numpy(module.transform(V, beta)), beta
            )
        )

    before = loss()
    for _ in range(3):
        for start in range(0, 600, 60):
            module.partial_fit(V[:, start : start + 60], beta)
    assert loss() < 0.1 * before
    with pytest.raises(ValueError, match="forget"):
        module.partial_fit(V[:, :60], forget=2)


def test_partial_fits_find_convolutive_templates(rng):
    truth = nmf.NMFD((12, 60), 2, 3, seed=3, dtype=torch.float64)
    module = nmf.NMFD(truth().shape, 2, 3, seed=0, dtype=torch.float64)
    losses = []
    for _ in range(12):
        V = truth.reconstruct(H=torch.from_numpy(rng.gamma(0.2, 1.0, (2, 60)))).detach() + 1e-3
        losses.append(float(nmf.beta_divergence(V, module.reconstruct(H=module.transform(V)).detach())))
        module.partial_fit(V)
    assert np.mean(losses[-3:]) < 0.5 * losses[0]


@given(rows=st.integers(1, 4), n=st.integers(2, 30), sparseness=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_projection_has_the_sparseness_and_the_norm(rows, n, sparseness, seed):
    x = torch.from_numpy(np.random.default_rng(seed).standard_normal((rows, n)))
    y = projection.project(x, sparseness)
    assert (y >= 0).all()
    np.testing.assert_allclose(nmf.sparseness(y, dim=1), sparseness, atol=1e-6)
    np.testing.assert_allclose(y.norm(dim=1), x.norm(dim=1), rtol=1e-6)
    torch.testing.assert_close(projection.project(y, sparseness), y, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("beta", [1, 2])
@pytest.mark.parametrize("kind", [nmf.NMF, nmf.NMFD])
def test_sparse_fit_never_accepts_a_worse_step(kind, beta, rng):
    V = torch.from_numpy(rng.random((12, 30)) + 0.1)
    module = kind(V.shape, 3, seed=0, **({"taps": 3} if kind is nmf.NMFD else {}))
    result = module.sparse_fit(V, beta, sW=0.4, sH=0.3, check_every=1, tol=0, max_iter=30)
    assert (result.history.diff() <= 1e-9 * result.history[:-1]).all()
    assert result.history[-1] < result.history[0]
    np.testing.assert_allclose(nmf.sparseness(module.H.detach(), dim=1), 0.3, atol=1e-6)
    np.testing.assert_allclose(nmf.sparseness(module.W.detach().movedim(1, 0).flatten(1), dim=1), 0.4, atol=1e-6)
    with pytest.raises(ValueError, match="sW must lie between"):
        module.sparse_fit(V, sW=1.0)


@pytest.mark.parametrize("beta", [-1, 0, 0.5, 1, 1.5, 2, 3])
def test_beta_mu_trains_chains_monotonically(beta):
    torch.manual_seed(0)
    V = torch.rand(10, 14, dtype=torch.float64) + 0.05
    outer, inner = torch.rand(10, 4, dtype=torch.float64), torch.rand(4, 3, dtype=torch.float64)
    layers = [torch.nn.Parameter(x) for x in (outer, inner, torch.rand(3, 14, dtype=torch.float64))]
    optimizer = nmf.BetaMu(layers, beta)
    values = []
    for _ in range(20):
        values.append(float(nmf.beta_divergence(V, layers[0] @ layers[1] @ layers[2], beta).detach()))
        optimizer.step(lambda: (V, layers[0] @ layers[1] @ layers[2]))
    assert all(b <= a * (1 + 1e-9) for a, b in itertools.pairwise(values))
    assert values[-1] < values[0]


@pytest.mark.parametrize("beta", [0.5, 1, 2])
@pytest.mark.parametrize("name", ["l1", "l2", "orthogonal"])
def test_beta_mu_has_the_penalties_of_the_module(name, beta):
    generator = torch.Generator().manual_seed(0)
    V, W, H = (10 * torch.rand(shape, dtype=torch.float64, generator=generator) for shape in ((6, 8), (6, 2), (2, 8)))
    by_fit, by_step = (nmf.NMF(W=W, H=H, trainable_H=False) for _ in range(2))
    nmf.BetaMu([by_step.W], beta, **{name: 3.0}).step(lambda: (V, by_step()))
    by_fit.fit(V, beta, solver="mm", max_iter=1, tol=0, **{f"{name}_W": 3.0})
    torch.testing.assert_close(by_step.W, by_fit.W, rtol=1e-9, atol=0)


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("beta", [-1, 0, 0.5, 1, 2])
def test_beta_mu_stays_finite_where_the_model_vanishes(beta, scale):
    V = scale * (torch.rand(6, 8, generator=torch.Generator().manual_seed(0)) + 0.1)
    model = nmf.NMF(V.shape, 3, seed=0)
    with torch.no_grad():
        model.W.mul_(scale)
        model.W[2] = 0
    optimizer = nmf.BetaMu(model.parameters(), beta)
    for _ in range(3):
        optimizer.step(lambda: (V, model()))
    assert all(factor.isfinite().all() for factor in model.parameters())
    assert not model.W[2].any()


def test_beta_mu_is_the_update_of_the_module_and_leaves_the_gradient():
    V = torch.rand(6, 8, dtype=torch.float64)
    by_fit, by_step = (
        nmf.NMF(
            W=torch.full((6, 2), 0.3).double(), H=torch.rand(2, 8, generator=torch.Generator().manual_seed(0)).double()
        )
        for _ in range(2)
    )
    optimizer = nmf.BetaMu([by_step.W, by_step.H], 1)
    gradient = torch.autograd.grad(nmf.beta_divergence(V, by_step(), 1), by_step.W)[0]
    optimizer.step(lambda: (V, by_step()))
    by_fit.fit(V, 1, solver="mm", max_iter=1)
    torch.testing.assert_close(by_step.W, by_fit.W)
    torch.testing.assert_close(by_step.H, by_fit.H)
    torch.testing.assert_close(by_step.W.grad, gradient)
    with pytest.raises(ValueError, match="l1 must not be negative"):
        nmf.BetaMu([by_step.W], l1=-1)
