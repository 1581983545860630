"""A scikit-learn estimator; needs ``scikit-learn``."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import torch

from deblur._core.extras import needs_extra

from . import initialize
from .devices import to_device
from .models import nmf as models

with needs_extra("sklearn", "nmf.sklearn"):
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import check_is_fitted, check_non_negative, validate_data

_BETA = {"frobenius": 2.0, "kullback-leibler": 1.0, "itakura-saito": 0.0}
_FILL = {"nndsvd": "zero", "nndsvda": "mean", "nndsvdar": "random"}


class NMF(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Non-negative matrix factorization with scikit-learn's interface: ``X = transform(X) @ components_``.

    In the layout of scikit-learn, samples are rows: X is the transpose of the V of `nmf.NMF`. ``fit_transform`` and
    ``fit`` followed by ``transform`` give the same activations.

    Parameters
    ----------
    n_components : int, optional
        Rank; the number of features if None.
    init : {"nndsvda", "nndsvd", "nndsvdar", "random"}, optional
        Initialization; by default `nndsvda` if there are enough samples and features, else `random`.
    solver, gamma : str or float
        As of `nmf.NMF.fit`.
    beta_loss : float or {"frobenius", "kullback-leibler", "itakura-saito"}
        The divergence.
    l1_W, l2_W, l1_H, l2_H : float
        Penalties, named as in `nmf.NMF.fit`: W are the components, H the activations.
    tol : float
        Stop when the objective fell by less than this fraction of itself in ten iterations.
    max_iter : int
        Largest number of iterations.
    random_state : int, numpy.random.RandomState, optional
        Of the initialization.
    device : str
        Where to compute: ``"cpu"``, ``"cuda"``, ``"mps"``, or ``"auto"`` for the accelerator of this machine.

    Attributes
    ----------
    components_ : numpy.ndarray
        Shape ``(n_components, n_features)``.
    n_components_, n_features_in_, n_iter_ : int
        Number of components, of features and of iterations.
    reconstruction_err_ : float
        The final divergence, with the penalties.

    Raises
    ------
    ValueError
        From the methods: if X is negative or not finite, has another number of features than at `fit`, or `init` is
        unknown.
    NotFittedError
        From the methods, before `fit`.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.sklearn import NMF
    >>> X = np.random.default_rng(0).random((20, 6))
    >>> model = NMF(n_components=2, random_state=0).fit(X)
    >>> model.components_.shape, model.transform(X).shape
    ((2, 6), (20, 2))
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        init: str | None = None,
        solver: str = "auto",
        gamma: str | float | None = None,
        beta_loss: str | float = "frobenius",
        l1_W: float = 0.0,
        l2_W: float = 0.0,
        l1_H: float = 0.0,
        l2_H: float = 0.0,
        tol: float = 1e-5,
        max_iter: int = 500,
        random_state: Any = None,
        device: str = "cpu",
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.solver = solver
        self.gamma = gamma
        self.beta_loss = beta_loss
        self.l1_W = l1_W
        self.l2_W = l2_W
        self.l1_H = l1_H
        self.l2_H = l2_H
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any = None) -> NMF:
        """Learn the components of X.

        Parameters
        ----------
        X : numpy.ndarray or sparse matrix
            Non-negative, ``(n_samples, n_features)``.
        y : None
            Ignored.
        """
        V = self._data(X, reset=True)
        rank = V.shape[0] if self.n_components is None else self.n_components
        W, H = self._start(V, rank)
        module = models.NMF(W=W, H=H)
        result = module.fit(
            V,
            self._beta,
            solver=self.solver,
            gamma=self.gamma,
            l1_W=self.l1_W,
            l2_W=self.l2_W,
            l1_H=self.l1_H,
            l2_H=self.l2_H,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        self.components_ = module.W.detach().cpu().numpy().T.copy()
        self.n_components_, self.n_iter_ = rank, result.n_iter
        self.reconstruction_err_ = float(result.history[-1])
        return self

    def fit_transform(self, X: Any, y: Any = None) -> np.ndarray:
        """Learn the components of X, and return the activations as `transform` does; y is ignored."""
        return self.fit(X).transform(X)

    def transform(self, X: Any) -> np.ndarray:
        """Return the activations of X, ``(n_samples, n_components)``."""
        check_is_fitted(self)
        V = self._data(X, reset=False)
        W = torch.from_numpy(self.components_.T.copy()).to(V.dtype)
        module = models.NMF(W=W, H=torch.ones(self.n_components_, 1), device=V.device)
        H = module.transform(
            V, self._beta, solver=self.solver, gamma=self.gamma, l1_H=self.l1_H, l2_H=self.l2_H, tol=1e-2 * self.tol
        )
        return H.cpu().numpy().T.copy()

    def inverse_transform(self, X: np.ndarray) -> np.ndarray:
        """Return the data that the activations X represent, ``(n_samples, n_features)``."""
        check_is_fitted(self)
        return X @ self.components_

    @property
    def _beta(self) -> float:
        return _BETA[self.beta_loss] if isinstance(self.beta_loss, str) else float(self.beta_loss)

    @property
    def _n_features_out(self) -> int:
        return int(self.components_.shape[0])

    def _data(self, X: Any, *, reset: bool) -> torch.Tensor:
        # librosa.decompose passes a view, and scikit-learn everything it can think of.
        X = validate_data(self, X, accept_sparse=("csr", "csc"), dtype=[np.float64, np.float32], reset=reset)
        check_non_negative(X, "NMF")
        if scipy.sparse.issparse(X):
            coo = X.T.tocoo()
            indices = torch.from_numpy(np.vstack(coo.coords).astype(np.int64))
            values = torch.from_numpy(np.array(coo.data))
            return to_device(torch.sparse_coo_tensor(indices, values, coo.shape), self.device).coalesce()
        return to_device(torch.from_numpy(np.array(X.T, order="C")), self.device)

    def _start(self, V: torch.Tensor, rank: int) -> tuple[torch.Tensor, torch.Tensor]:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        init = self.init or ("nndsvda" if rank <= min(V.shape) else "random")
        if init != "random" and init not in _FILL:
            raise ValueError(f"init must be one of random, {', '.join(_FILL)}, got {init!r}")
        dense = V.to_dense() if V.is_sparse else V
        if init == "random":
            return initialize.random(dense, rank, seed=seed)
        return initialize.nndsvd(dense, rank, fill=_FILL[init], seed=seed)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
