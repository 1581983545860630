"""torchnmf's interface, without its nine defects."""

import pytest
import torch

import nmf.compat.torchnmf as torchnmf

SHAPES = {
    "NMF": ((20, 12), {}, (12, 4), (20, 4)),
    "NMFD": ((2, 12, 20), {"T": 3}, (12, 4, 3), (2, 4, 18)),
    "NMF2D": ((2, 3, 9, 8), {"kernel_size": (2, 3)}, (3, 4, 2, 3), (2, 4, 8, 6)),
    "NMF3D": ((2, 3, 5, 6, 7), {"kernel_size": 2}, (3, 4, 2, 2, 2), (2, 4, 4, 5, 6)),
}


@pytest.mark.parametrize("beta", [0, 1, 2])
@pytest.mark.parametrize("name", SHAPES)
def test_shapes_fit_and_reconstruction(name, beta):
    shape, options, W, H = SHAPES[name]
    model = getattr(torchnmf.nmf, name)(shape, 4, **options)
    assert (model.W.shape, model.H.shape, model().shape) == (W, H, shape)
    V = torch.rand(shape) + 0.1
    count = model.fit(V, beta, max_iter=20, tol=0)
    assert count == 20
    before = torchnmf.metrics.beta_div(model(), V, beta)
    assert model.fit(V, beta, max_iter=10) == 10 or before > 0
    assert torchnmf.metrics.beta_div(model(), V, beta) <= before
    model(None)
    assert "out_channels" in repr(model)


@pytest.mark.parametrize("name", SHAPES)
def test_probabilistic_models(name):
    shape, options, W, H = SHAPES[name]
    kind = {"NMF": "PLCA", "NMFD": "SIPLCA", "NMF2D": "SIPLCA2", "NMF3D": "SIPLCA3"}[name]
    model = getattr(torchnmf.plca, kind)(shape, 4, **options)
    assert (model.W.shape, model.H.shape, model.Z.shape) == (W, H, (4,))
    V = torch.rand(shape)
    count, norm = model.fit(V, max_iter=20, tol=0)
    assert count == 20
    assert float(norm) == pytest.approx(float(V.sum()))
    assert float(model().detach().sum()) == pytest.approx(1, abs=1e-5)
    assert float(model(norm=norm).detach().sum()) == pytest.approx(float(norm), rel=1e-4)


def test_construction_as_in_torchnmf():
    base = torchnmf.nmf.BaseComponent
    assert base(8).W is None
    assert base(None, (5, 3)).rank == 3
    for bad in ({}, {"W": (5, 3), "H": (4, 2)}, {"W": -torch.ones(5, 3)}):
        with pytest.raises(ValueError, match=r"rank|negative"):
            base(**bad)
    assert torchnmf.plca.BaseComponent(None, Z=torch.ones(3)).rank == 3
    with pytest.raises(ValueError, match="Vshape must have 3 axes"):
        torchnmf.nmf.NMFD((3, 4))


def test_chain_of_modules_trains_with_betamu():
    chain = torch.nn.Sequential(
        torchnmf.nmf.NMF((10, 6), rank=3), torchnmf.nmf.NMF(W=(8, 6)), torchnmf.nmf.NMF(W=(12, 8))
    )
    V = torch.rand(10, 12)
    trainer = torchnmf.trainer.BetaMu(chain.parameters(), 1, l1_reg=1e-3)
    before = float(torchnmf.metrics.kl_div(chain(None), V).detach())

    def closure():
        trainer.zero_grad()
        return V, chain(None)

    for _ in range(10):
        trainer.step(closure)
    assert float(torchnmf.metrics.kl_div(chain(None), V).detach()) < before


# The defects of torchnmf 0.3.5, verified there; 1, 6, 7 and 8 are also tested in the native interface.


def test_defect_1_float32_divergences_do_not_cancel():
    V = torch.rand(1000, 1000) + 1e-3
    near = V * (1 + 1e-4 * torch.randn(1000, 1000))
    for beta in (0, 0.5, 1):
        exact = float(torchnmf.metrics.beta_div(near.double(), V.double(), beta))
        assert float(torchnmf.metrics.beta_div(near, V, beta)) == pytest.approx(exact, rel=1e-2)


def test_defect_2_the_level_does_not_matter():
    V = torch.rand(20, 12)
    for scale in (1e-6, 1e-8):
        model = torchnmf.nmf.NMF(V.shape, 4)
        model.fit(V * scale, 1)
        assert float(((model() / scale - V).norm() / V.norm()).detach()) < 0.5


def test_defect_3_an_empty_component_is_no_nan():
    W, H = torch.rand(12, 4), torch.rand(20, 4)
    W[:, 1] = 0
    model = torchnmf.nmf.NMF(W=W, H=H)
    model.fit(torch.rand(20, 12), 1)
    assert torch.isfinite(model()).all()


def test_defect_4_sparse_fit_leaves_frozen_templates_alone():
    W = torch.rand(12, 4)
    model = torchnmf.nmf.NMF(W=W, H=(20, 4), trainable_W=False)
    assert model.sparse_fit(torch.rand(20, 12), max_iter=5, sH=0.4) == 5
    assert torch.equal(model.W, W)


def test_defect_5_a_sparse_step_never_makes_it_worse():
    torch.manual_seed(0)
    V = torch.rand(100, 50)
    model = torchnmf.nmf.NMF(V.shape, 8)
    trainer = torchnmf.trainer.SparsityProj([model.W], 0.6)

    def closure():
        trainer.zero_grad()
        return torchnmf.metrics.beta_div(model(), V)

    before = float(closure().detach())
    for _ in range(5):
        after = float(trainer.step(closure))
        assert after <= before
        before = after


def test_defect_6_priors_may_be_tensors():
    model = torchnmf.plca.PLCA((20, 12), 4)
    model.fit(torch.rand(20, 12), W_alpha=torch.ones(12, 4), H_alpha=torch.full((20, 4), 1.1), Z_alpha=torch.ones(4))
    assert torch.isfinite(model()).all()


def test_defect_7_and_9_sparseness_and_dtype():
    assert float(torchnmf.metrics.sparseness(torch.eye(5)[0])) == pytest.approx(1)
    model = torchnmf.nmf.NMF(W=torch.rand(12, 4).double(), H=torch.rand(20, 4).double())
    model.fit(torch.rand(20, 12).double())
    assert model.W.dtype == torch.float64


def test_defect_8_counts_and_penalties():
    """The number of iterations is right, and the rule to stop sees the penalty."""
    V = torch.rand(20, 12)
    assert torchnmf.plca.PLCA(V.shape, 4).fit(V, tol=0, max_iter=13)[0] == 13
    torch.manual_seed(0)
    model = torchnmf.nmf.NMF(V.shape, 4)
    assert model.fit(V, 1, alpha=5.0, l1_ratio=1.0, max_iter=500) < 500

    def objective():
        return float((torchnmf.metrics.kl_div(model(), V) + 5 * (model.W.sum() + model.H.sum())).detach())

    stopped = objective()
    model.fit(V, 1, alpha=5.0, l1_ratio=1.0, max_iter=500, tol=0)
    assert objective() > 0.98 * stopped  # 12 % were left there
    sparse = torchnmf.nmf.NMF(V.shape, 4)
    assert sparse.fit(torch.where(V > 0.5, V, 0.0).to_sparse(), 1, max_iter=10, verbose=True) == 10
