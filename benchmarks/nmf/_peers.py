"""Data, and fits by this and other libraries, as functions of the number of iterations."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import numpy as np
import torch

import nmf

F, T, RANK, FRAMES, COMPONENTS = 1025, 2000, 32, 16, 8
SKLEARN_LOSS = {1.0: "kullback-leibler", 0.0: "itakura-saito", 2.0: "frobenius"}

Fit = Callable[[int], object]


def spectrogram(columns: int = T) -> np.ndarray:
    """Return a power spectrogram of decaying harmonic notes, times exponential noise as of a periodogram."""
    rng = np.random.default_rng(0)
    bins = np.arange(F)[:, None]
    pitch = 8 * 2 ** (rng.integers(0, 48, RANK) / 12)
    harmonics = sum(np.exp(-0.5 * ((bins - k * pitch) / 1.5) ** 2) / k for k in range(1, 16))
    W = harmonics + 0.01 * rng.random((F, RANK))
    onsets = (rng.random((RANK, columns)) < 0.02) * rng.random((RANK, columns))
    H = np.array([np.convolve(row, np.exp(-np.arange(60) / 15))[:columns] for row in onsets])
    return ((W @ H + 1e-3) * rng.exponential(size=(F, columns)) + 1e-6).astype(np.float32)


def start(V: np.ndarray, rank: int, frames: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random factors of the scale of V."""
    rng = np.random.default_rng(1)
    scale = np.sqrt(V.mean() / rank / max(frames, 1))
    W = scale * (0.1 + rng.random((len(V), rank, frames) if frames else (len(V), rank)))
    return W.astype(np.float32), (scale * (0.1 + rng.random((rank, V.shape[1])))).astype(np.float32)


def loss_of(V: np.ndarray, product: np.ndarray, beta: float) -> float:
    """Return the divergence of V from a product, from whichever library."""
    return float(nmf.beta_divergence(torch.from_numpy(V), torch.from_numpy(np.maximum(product, 1e-30)), beta))


def ours(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray, **options: object) -> Fit:
    """Return our fit, for exactly n iterations."""
    data = torch.from_numpy(V)

    def fit(n: int, **more: object) -> torch.nn.Module:
        kind = nmf.NMFD if W.ndim == 3 else nmf.NMF
        model = kind(W=torch.from_numpy(W), H=torch.from_numpy(H))
        model.fit(data, beta, **{"tol": 0, "max_iter": n, **options, **more})
        return model

    return fit


def sklearn_fit(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray, solver: str = "mu") -> Fit:
    """Return scikit-learn's, on the transpose, as it is used for audio."""
    from sklearn.decomposition import NMF

    X, A, B = np.ascontiguousarray(V.T), np.ascontiguousarray(H.T), np.ascontiguousarray(W.T)

    def fit(n: int) -> np.ndarray:
        loss = SKLEARN_LOSS[beta]
        model = NMF(W.shape[1], solver=solver, beta_loss=loss, init="custom", tol=1e-30, max_iter=n)
        return (model.fit_transform(X, W=A.copy(), H=B.copy()) @ model.components_).T

    return fit


def torchnmf_fit(V: np.ndarray, beta: float, W: np.ndarray, H: np.ndarray) -> Fit:
    """Return torchnmf's; its convolution has no activations whose templates end after the last frame."""
    import torchnmf.nmf

    convolutive = W.ndim == 3
    data = torch.from_numpy(V)[None] if convolutive else torch.from_numpy(np.ascontiguousarray(V.T))

    def fit(n: int) -> np.ndarray:
        if convolutive:
            activations = torch.from_numpy(H)[None, :, : T - FRAMES + 1]
            model = torchnmf.nmf.NMFD(W=torch.from_numpy(W), H=activations)
        else:
            model = torchnmf.nmf.NMF(W=torch.from_numpy(W), H=torch.from_numpy(np.ascontiguousarray(H.T)))
        model.fit(data, beta, tol=-1, max_iter=n)
        product = model().detach().numpy()
        return product[0] if convolutive else product.T

    return fit


def torchnmf_iterations_to(target: float, V: np.ndarray, W: np.ndarray, H: np.ndarray, most: int = 400) -> int:
    """Return how many iterations of torchnmf's NMFD reach a KL loss, in tens."""
    import torchnmf.nmf

    model = torchnmf.nmf.NMFD(W=torch.from_numpy(W), H=torch.from_numpy(H)[None, :, : T - FRAMES + 1])
    for n in range(10, most, 10):
        model.fit(torch.from_numpy(V)[None], 1.0, tol=-1, max_iter=10)
        if loss_of(V, model().detach().numpy()[0], 1.0) <= target:
            return n
    return most


def libnmfd_fit(V: np.ndarray, W: np.ndarray, H: np.ndarray) -> Fit:
    """Return libnmfd's KL fit."""

    def fit(n: int) -> np.ndarray:
        return libnmfd_components(V, W, H, n).sum(axis=0) * V.sum(dtype=float)

    return fit


def libnmfd_components(V: np.ndarray, W: np.ndarray, H: np.ndarray, n: int) -> np.ndarray:
    """Return the component spectrograms of libnmfd, which normalizes V, after n iterations."""
    with contextlib.redirect_stdout(io.StringIO()):
        from libnmfd.core import nmfconv
    nmfconv.tnrange = lambda count, **_: range(count)  # instead of a progress bar
    components = nmfconv.nmfd(
        V.astype(float),
        num_comp=W.shape[1],
        num_iter=n,
        num_template_frames=W.shape[2],
        init_W=[W[:, r].astype(float) for r in range(W.shape[1])],
        init_H=H.astype(float),
    )[2]
    return np.array(components)
