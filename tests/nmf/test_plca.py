import numpy as np
import pytest
import torch

import nmf

KINDS = {
    "plca": lambda **o: nmf.PLCA((9, 14), 3, seed=0, dtype=torch.float64, **o),
    "siplca": lambda **o: nmf.SIPLCA((9, 14), 3, 4, seed=0, dtype=torch.float64, **o),
    "siplca-batch": lambda **o: nmf.SIPLCA((2, 9, 14), 3, 4, seed=0, dtype=torch.float64, **o),
    "siplca2": lambda **o: nmf.SIPLCA2((2, 7, 8), 2, (2, 3), seed=0, dtype=torch.float64, **o),
    "siplca3": lambda **o: nmf.SIPLCA3((1, 4, 5, 6), 2, 2, seed=0, dtype=torch.float64, **o),
}


def data_for(module):
    return torch.from_numpy(np.random.default_rng(0).gamma(0.5, 2.0, tuple(module().shape)))


@pytest.mark.parametrize("setting", ["plain", "prior", "masked"])
@pytest.mark.parametrize("name", KINDS)
def test_expectation_maximization_never_loses(name, setting):
    module = KINDS[name]()
    V = data_for(module)
    options = {"plain": {}, "prior": {"W_alpha": 1.01, "H_alpha": 1.02, "Z_alpha": torch.tensor(1.1)}}.get(setting)
    if options is None:
        options = {"mask": torch.rand(V.shape, generator=torch.Generator().manual_seed(0)) > 0.2}
    result = module.fit(V, check_every=1, tol=0, max_iter=30, **options)
    assert (result.history.diff() <= 1e-9 * result.history[:-1].abs()).all()
    assert result.n_iter == 30
    assert 0 < result.seconds < 60
    assert float(module().detach().sum()) == pytest.approx(1)
    assert float(module.Z.detach().sum()) == pytest.approx(1)
    torch.testing.assert_close(module.components().sum(-2 - module.geometry.space_axes), module())


def test_plca_is_kullback_leibler_nmf(rng):
    V = torch.from_numpy(rng.random((12, 20)))
    plca, factors = nmf.PLCA(V.shape, 2, seed=0), nmf.NMF(V.shape, 2, seed=0)
    plca.fit(V, max_iter=3000, tol=1e-10)
    factors.fit(V, 1, max_iter=3000, tol=1e-10)
    torch.testing.assert_close(plca() * V.sum(), factors(), rtol=0.02, atol=0.02)


def test_tensor_priors_sparsify():
    """In torchnmf tensors raise, though they are documented."""
    module = KINDS["plca"]()
    V = data_for(module)
    alpha = torch.tensor([1.0, 1.0, 0.99])
    module.fit(V, Z_alpha=alpha, W_alpha=torch.ones(9, 3), H_alpha=torch.full((3, 14), 0.999), max_iter=50, tol=0)
    assert float((module.H == 0).double().mean()) > 0.02
    for p in module.parameters():
        assert torch.isfinite(p).all()


def test_frozen_factors_and_number_of_iterations():
    """torchnmf returns one iteration less."""
    module = KINDS["siplca"](trainable_W=False, trainable_Z=False)
    W, Z, H = (p.detach().clone() for p in (module.W, module.Z, module.H))
    assert module.fit(data_for(module), max_iter=7, tol=0).n_iter == 7
    assert torch.equal(module.W, W)
    assert torch.equal(module.Z, Z)
    assert not torch.equal(module.H, H)


def test_factors_are_distributions_and_a_component_of_zeros_is_even(rng):
    W, H = rng.random((4, 3, 5)), rng.random((3, 7))
    W[:, 1], H[2] = 0, 0
    module = nmf.SIPLCA(W=W, H=H, Z=np.array([1.0, 2.0, 5.0]))
    np.testing.assert_allclose(module.W[:, 0].detach(), W[:, 0] / W[:, 0].sum())
    np.testing.assert_allclose(module.W[:, 1].detach(), np.full((4, 5), 1 / 20))
    np.testing.assert_allclose(module.H[1].detach(), H[1] / H[1].sum())
    np.testing.assert_allclose(module.H[2].detach(), np.full(7, 1 / 7))
    np.testing.assert_allclose(module.Z.detach(), [1 / 8, 2 / 8, 5 / 8])


@pytest.mark.parametrize(
    ("V", "options", "message"),
    [
        (-np.ones((9, 14)), {}, "V must not be negative"),
        (np.zeros((9, 14)), {}, "V is all zero"),
        (np.ones((9, 13)), {}, "V must have the shape"),
        (np.full((9, 14), np.nan), {}, "NaN or infinite"),
        (np.ones((9, 14)), {"W_alpha": 0.0}, "W_alpha must be positive"),
    ],
)
def test_bad_input(V, options, message):
    with pytest.raises(ValueError, match=message):
        KINDS["plca"]().fit(V, **options)


def test_bad_construction():
    with pytest.raises(ValueError, match="Z must have one entry"):
        nmf.PLCA((4, 5), 2, Z=np.ones(3))
    with pytest.raises(ValueError, match="do not fit"):
        nmf.SIPLCA((4, 5), 2, 6)
