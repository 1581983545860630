import numpy as np
import pytest
import scipy.sparse

pytest.importorskip("sklearn", reason="the extra sklearn")

from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nmf.sklearn import NMF


@parametrize_with_checks([NMF(n_components=2, max_iter=50)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("beta_loss", ["frobenius", "kullback-leibler", "itakura-saito", 1.5])
@pytest.mark.parametrize("init", ["random", "nndsvda", "nndsvdar"])
def test_fits_and_inverts(init, beta_loss, rng):
    X = rng.random((30, 3)) @ rng.random((3, 8)) + 0.01
    model = NMF(3, init=init, beta_loss=beta_loss, random_state=0)
    H = model.fit_transform(X)
    assert H.shape == (30, 3)
    np.testing.assert_allclose(model.inverse_transform(H), X, rtol=0.35)
    np.testing.assert_array_equal(model.transform(X), H)  # which is not so in scikit-learn's multiplicative updates
    assert NMF(3, init="nndsvd", random_state=0).fit(X).reconstruction_err_ < 0.1  # with zeros, for coordinate descent


def test_sparse_input_and_grid_search(rng):
    X = rng.random((30, 8)) * (rng.random((30, 8)) > 0.5)
    dense = NMF(2, beta_loss="kullback-leibler", random_state=0).fit(X)
    sparse = NMF(2, beta_loss="kullback-leibler", random_state=0).fit(scipy.sparse.csr_matrix(X))
    np.testing.assert_allclose(sparse.components_, dense.components_, rtol=1e-6, atol=1e-9)
    pipeline = make_pipeline(MinMaxScaler(clip=True), NMF(random_state=0, max_iter=20))
    search = GridSearchCV(
        pipeline, {"nmf__n_components": [1, 2]}, scoring=lambda model, X, y=None: -model[-1].reconstruction_err_
    )
    assert search.fit(X).best_params_["nmf__n_components"] == 2
    assert list(pipeline.fit(X)[-1].get_feature_names_out()) == [f"nmf{i}" for i in range(8)]
    with pytest.raises(ValueError, match="init must be one of"):
        NMF(2, init="zeros").fit(X)


def test_drops_into_librosa(rng):
    decompose = pytest.importorskip("librosa.decompose", reason="the extra audio")
    S = rng.random((12, 40))
    components, activations = decompose.decompose(S, transformer=NMF(3, random_state=0), fit=True)
    assert components.shape == (12, 3)
    assert activations.shape == (3, 40)
    assert np.abs(components @ activations - S).mean() < 0.25
