import numpy as np
import pytest
import torch

import nmf
from nmf import initialize


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_random_factors_have_the_scale_of_the_data(scale, rng):
    V = scale * rng.random((3, 20, 30))
    W, H = initialize.random(V, 4, seed=0)
    assert W.shape == (3, 20, 4)
    np.testing.assert_allclose((W @ H).mean((1, 2)), V.mean((1, 2)), rtol=0.3)


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_nndsvd_is_scikit_learns(fill, rng):
    pytest.importorskip("sklearn", reason="the extra sklearn")
    from sklearn.decomposition._nmf import _initialize_nmf

    V = rng.random((12, 15))
    W, H = initialize.nndsvd(V, 4, fill=fill)
    A, B = _initialize_nmf(V, 4, init="nndsvd" if fill == "zero" else "nndsvda", random_state=0)
    np.testing.assert_allclose(W @ H, A @ B, atol=1e-3)


def test_nndsvd_of_a_large_matrix_is_truncated_and_seeded(rng):
    V = torch.from_numpy(rng.random((200, 3)) @ rng.random((3, 150)))
    W, H = initialize.nndsvd(V, 3, fill="random", seed=0)
    again, _ = initialize.nndsvd(V, 3, fill="random", seed=0)
    assert torch.equal(W, again)
    assert (W > 0).all()
    start = nmf.beta_divergence(V, W @ H, 2)
    blind = nmf.beta_divergence(V, torch.full_like(V, float(V.mean())), 2)
    assert start < 3 * blind
    with pytest.raises(ValueError, match="rank must be at most 150"):
        initialize.nndsvd(V, 151)
    with pytest.raises(ValueError, match="fill must be"):
        initialize.nndsvd(V, 2, fill="ones")


def test_kmeans_finds_the_clusters(rng):
    centers = rng.random((10, 3)) ** 4
    labels = rng.integers(0, 3, 60)
    V = centers[:, labels] * (1 + 0.05 * rng.random((10, 60)))
    W, H = initialize.kmeans(V, 3, seed=0)
    cosines = (centers / np.linalg.norm(centers, axis=0)).T @ (W / np.linalg.norm(W, axis=0))
    assert (cosines.max(1) > 0.99).all()
    assert len({(label, top) for label, top in zip(labels, H.argmax(0), strict=True)}) == 3
    with pytest.raises(ValueError, match="at least 61 columns"):
        initialize.kmeans(V, 61)
