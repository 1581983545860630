"""Behavior of the modules through their public interface."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import nmf

from .cases import MODELS, data_for


@pytest.mark.parametrize("name", MODELS)
def test_fit_improves_and_components_sum_to_the_model(name):
    module = MODELS[name]()
    V = data_for(module)
    result = module.fit(V, max_iter=40)
    assert (result.history[-1] < result.history[0]).all()
    assert result.history.dtype == torch.float64
    torch.testing.assert_close(module.components().sum(-2 - module.geometry.space_axes), module())
    X = torch.complex(V, -V)
    parts = module.separate(X)
    torch.testing.assert_close(parts.sum(-2 - module.geometry.space_axes), X)
    torch.testing.assert_close(module.separate(X, alpha=2.0).sum(-2 - module.geometry.space_axes), X)


@settings(max_examples=40)
@given(
    F=st.integers(1, 6),
    T=st.integers(1, 9),
    rank=st.integers(1, 7),
    taps=st.integers(1, 4),
    boundary=st.sampled_from(["causal", "full", "extend"]),
    beta=st.sampled_from([0, 0.5, 1, 2, 3]),
    lead=st.integers(0, 2),
)
def test_every_shape_works(F, T, rank, taps, boundary, beta, lead):
    shape = (*[2] * lead, F, T)
    if boundary == "full" and taps > T:
        with pytest.raises(ValueError, match="do not fit"):
            nmf.NMFD(shape, rank, taps, boundary=boundary)
        return
    module = nmf.NMFD(shape, rank, taps, boundary=boundary, seed=0)
    V = torch.rand(shape) + 0.1
    result = module.fit(V, beta, max_iter=5, check_every=2)
    assert module().shape == V.shape
    assert torch.isfinite(module().detach()).all()
    assert result.n_iter <= 5
    extra = {"causal": 0, "full": 1 - taps, "extend": taps - 1}[boundary]
    assert module.H.shape == (*[2] * lead, rank, T + extra)


@pytest.mark.parametrize("beta", [0, 1, 2])
@pytest.mark.parametrize("kind", [nmf.NMF, nmf.NMFD])
def test_a_batch_is_solved_like_each_of_its_problems(kind, beta):
    V = torch.rand(3, 8, 12, dtype=torch.float64) * torch.tensor([1.0, 100.0, 1e-4])[:, None, None] + 1e-6
    options = {"taps": 3} if kind is nmf.NMFD else {}
    batch = kind(V.shape, 3, seed=1, dtype=torch.float64, **options)
    alone = []
    for i in range(3):
        module = kind(V.shape[1:], 3, dtype=torch.float64, **options)
        with torch.no_grad():
            module.W.copy_(batch.W[i])
            module.H.copy_(batch.H[i])
        alone.append(module)
    whole = kind(W=batch.W.detach(), H=batch.H.detach())
    result = whole.fit(V, beta, max_iter=60)
    for i, module in enumerate(alone):
        own = module.fit(V[i], beta, max_iter=60)
        torch.testing.assert_close(whole()[i], module(), rtol=1e-6, atol=1e-9)
        assert float(result.history[-1, i]) == pytest.approx(float(own.history[-1]), rel=1e-6)


def test_shared_templates_are_those_of_the_columns_side_by_side():
    V = torch.rand(3, 8, 12, dtype=torch.float64)
    shared = nmf.NMF(V.shape, 2, share_W=True, seed=0, dtype=torch.float64)
    joined = nmf.NMF(W=shared.W.detach(), H=shared.H.detach().movedim(0, 1).flatten(1))
    shared = nmf.NMF(W=shared.W.detach(), H=shared.H.detach(), share_W=True)
    shared.fit(V, solver="mm", max_iter=20, tol=0)
    joined.fit(V.movedim(0, 1).flatten(1), solver="mm", max_iter=20, tol=0)
    torch.testing.assert_close(shared.W, joined.W)


def test_frozen_parts_keep_their_bits():
    """torchnmf rescales frozen templates."""
    V = torch.rand(8, 12) * 3.7e-5
    for solver in ("mm", "extrapolated", "hals"):
        drawn = nmf.NMF(V.shape, 3, seed=0)
        W, H = drawn.W.detach().clone(), drawn.H.detach().clone()
        drawn.fit(V, 2, solver=solver, freeze_W=torch.tensor([True, False, True]))
        assert torch.equal(drawn.W[:, ::2], W[:, ::2])
        assert not torch.equal(drawn.W[:, 1], W[:, 1])
        given_W = nmf.NMF(V.shape, 3, W=W, trainable_W=False, seed=0)
        given_W.fit(V, 2, solver=solver)
        assert torch.equal(given_W.W, W)
        given_H = nmf.NMF(V.shape, 3, H=H, trainable_H=False, seed=0)
        given_H.fit(V, 2, solver=solver)
        assert torch.equal(given_H.H, H)
        assert float(nmf.beta_divergence(V, given_H().detach(), 2)) < float(V.square().sum()) / 2
        part = nmf.NMF(V.shape, 3, W=W, seed=0)
        part.fit(V, 2, solver=solver, freeze_W=torch.tensor([True, False, True]))
        assert torch.equal(part.W[:, ::2], W[:, ::2])
        assert not torch.equal(part.W[:, 1], W[:, 1])
    sparse = nmf.NMF(V.shape, 3, W=W, trainable_W=False, seed=0)
    sparse.sparse_fit(V, sH=0.5, max_iter=5)
    assert torch.equal(sparse.W, W)


@pytest.mark.parametrize(
    ("options", "freeze"), [({"trainable_W": False}, None), ({"trainable_H": False}, None), ({}, [True, False, True])]
)
@pytest.mark.parametrize("solver", ["mm", "extrapolated", "hals"])
def test_frozen_random_factors_are_those_of_the_fit(solver, options, freeze):
    V = 1e4 * torch.rand(8, 12)
    module = nmf.NMF(V.shape, 3, seed=0, **options)
    result = module.fit(V, 2, solver=solver, freeze_W=None if freeze is None else torch.tensor(freeze))
    assert float(nmf.beta_divergence(V, module().detach(), 2)) == pytest.approx(float(result.history[-1]), rel=1e-4)


def test_seed_and_dtype():
    V = torch.rand(8, 12)
    one, two = (nmf.NMF(V.shape, 3, seed=5) for _ in range(2))
    one.fit(V)
    two.fit(V)
    assert torch.equal(one.W, two.W)
    one.fit(V, seed=7)
    two.fit(V, seed=7)
    assert torch.equal(one.W, two.W)
    wide = nmf.NMF(V.shape, 3, seed=5)
    wide.fit(V.double())
    assert wide.W.dtype == torch.float64
    assert nmf.NMF(W=torch.rand(8, 3).double(), H=torch.rand(3, 12).double()).W.dtype == torch.float64


def test_state_dict_and_move_and_copies():
    V = torch.rand(8, 12)
    fitted = nmf.NMF(V.shape, 3, seed=0)
    fitted.fit(V)
    other = nmf.NMF(V.shape, 3, seed=1)
    other.load_state_dict(fitted.state_dict())
    before = float(nmf.beta_divergence(V, fitted().detach()))
    assert float(other.fit(V, max_iter=1).history[0]) == pytest.approx(
        before, rel=1e-4
    )  # loaded factors are not scaled
    assert torch.equal(copy.deepcopy(fitted)(), fitted())
    assert fitted.to("meta").W.device.type == "meta"


def test_numpy_in_numpy_out():
    V = np.random.default_rng(0).random((8, 12))
    module = nmf.NMF(V.shape, 3, seed=0)
    module.fit(V)
    H = module.transform(V[:, :5])
    assert isinstance(H, np.ndarray)
    assert H.shape == (3, 5)
    parts = module.separate(V * (1 + 1j))
    np.testing.assert_allclose(parts.sum(0), V * (1 + 1j))
    counts = nmf.NMF((3, 4), 2, seed=0)
    counts.fit(np.arange(12).reshape(3, 4))
    assert float(counts().detach().max()) > 5  # integers are counts, and not scaled to 1


@pytest.mark.parametrize("kind", [nmf.NMF, nmf.NMFD])
def test_missing_entries(kind):
    """The model fills in what a mask leaves out, which may be NaN; NMFD included."""
    options = {"taps": 3} if kind is nmf.NMFD else {}
    truth = kind((20, 60), 2, seed=3, dtype=torch.float64, **options)().detach()
    mask = torch.rand(truth.shape, generator=torch.Generator().manual_seed(0)) > 0.2
    module = kind((20, 60), 2, seed=0, dtype=torch.float64, **options)
    module.fit(torch.where(mask, truth, float("nan")), mask=mask, max_iter=600, tol=1e-8)
    assert float((module().detach() - truth)[~mask].abs().mean() / truth.mean()) < 0.1
    weighted = kind((20, 60), 2, seed=0, dtype=torch.float64, **options)
    weighted.fit(torch.where(mask, truth, 0.0), weights=mask.double(), max_iter=600, tol=1e-8)
    torch.testing.assert_close(weighted(), module(), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("beta", [1, 2])
def test_planted_factors_are_found(beta, rng):
    W, H = rng.random((30, 3)) ** 4, rng.random((3, 80)) ** 4
    V = torch.from_numpy(W @ H)
    module = nmf.NMF(V.shape, 3, seed=0, dtype=torch.float64)
    module.fit(V, beta, max_iter=2000, tol=1e-8)
    found = module.W.detach().numpy()
    cosines = (W / np.linalg.norm(W, axis=0)).T @ (found / np.linalg.norm(found, axis=0))
    assert (cosines.max(1) > 0.98).all()
    torch.testing.assert_close(module.transform(V, beta), module.H.detach(), rtol=0.05, atol=0.02)


def test_extend_explains_sounds_that_began_before():
    truth = nmf.NMFD((12, 40), 1, 8, boundary="extend", seed=0, dtype=torch.float64)
    with torch.no_grad():
        truth.H.zero_()
        truth.H[0, [3, 20]] = 1.0  # the first is struck four frames before the recording
    V = truth().detach() + 1e-6
    ends = {}
    for boundary in ("causal", "extend"):
        module = nmf.NMFD(V.shape, 1, W=truth.W.detach(), trainable_W=False, boundary=boundary, seed=1)
        ends[boundary] = float(module.fit(V, max_iter=300).history[-1])
    assert ends["extend"] < 0.01 * ends["causal"]


def test_autograd_through_a_fitted_module():
    V = torch.rand(6, 10, dtype=torch.float64)
    for module in (
        nmf.NMF(V.shape, 2, seed=0, dtype=torch.float64),
        nmf.NMFD(V.shape, 2, 3, seed=0, dtype=torch.float64),
    ):
        module.fit(V)
        loss = nmf.beta_divergence(V, module(), 1)
        loss.backward()
        for p in module.parameters():
            assert torch.isfinite(p.grad).all()
            assert float(p.grad.abs().max()) > 0
        assert torch.autograd.gradcheck(module.reconstruct, (module.W, module.H))
        network = torch.nn.Sequential(module, torch.nn.Linear(10, 2, dtype=torch.float64))
        assert len(list(network.parameters())) == 4


def test_smooth_activations_are_smoother_and_orthogonal_templates_overlap_less(rng):
    V = torch.from_numpy(rng.gamma(0.5, 1.0, (12, 60)) + 1e-3)
    rough, smooth = nmf.NMF(V.shape, 3, seed=0), nmf.NMF(V.shape, 3, seed=0)
    rough.fit(V)
    smooth.fit(V, smooth_H=50.0, l2_W=1.0)
    change = [float(m.H.detach().diff(dim=1).norm() / m.H.detach().norm()) for m in (rough, smooth)]
    assert change[1] < change[0] / 2
    apart = nmf.NMF(V.shape, 3, seed=0)
    apart.fit(V, orthogonal_W=100.0, l2_W=1.0, l2_H=1.0)

    def overlap(W):
        unit = W / W.norm(dim=0)
        return float((unit.T @ unit).detach().triu(1).sum())

    assert overlap(apart.W) < overlap(rough.W) / 2
