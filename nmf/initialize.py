"""Initialization: functions from data to factors, for ``nmf.NMF(W=..., H=...)``."""

from __future__ import annotations

import torch
from torch import Tensor

from .arrays import ArrayT, as_tensor, in_kind_of
from .validation import check_values


def random(V: ArrayT, rank: int, *, seed: int | None = None) -> tuple[ArrayT, ArrayT]:
    """Draw half-normal factors whose product has about the mean of V.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative data, ``(..., F, T)``.
    rank : int
        Number of components.
    seed : int, optional
        Of the random numbers.

    Returns
    -------
    W, H : numpy.ndarray or torch.Tensor
        ``(..., F, R)`` and ``(..., R, T)``, the kind of V.

    Raises
    ------
    ValueError
        If V is negative, not finite or has fewer than two axes, or `rank` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.initialize import random
    >>> W, H = random(np.ones((6, 9)), 2, seed=0)
    >>> W.shape, H.shape
    ((6, 2), (2, 9))
    """
    data: Tensor = _data(V, rank)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    shapes = (*data.shape[:-1], rank), (*data.shape[:-2], rank, data.shape[-1])
    W, H = (torch.randn(shape, generator=generator).abs_().to(data) for shape in shapes)
    mean = torch.nanmean(data, (-2, -1), keepdim=True)
    scale = (mean / (W.mean((-2, -1), keepdim=True) * H.mean((-2, -1), keepdim=True) * rank)).sqrt()
    return in_kind_of(V, W * scale), in_kind_of(V, H * scale)


def nndsvd(V: ArrayT, rank: int, *, fill: str = "mean", seed: int | None = None) -> tuple[ArrayT, ArrayT]:
    """Take the positive or negative parts of the leading singular vectors (Boutsidis and Gallopoulos, 2008).

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative data, ``(..., F, T)``.
    rank : int
        Number of components, at most min(F, T).
    fill : {"mean", "zero", "random"}
        Replacement of zeros, which multiplicative steps cannot leave: the mean of V (NNDSVDa), nothing (NNDSVD, for
        coordinate descent), or small random numbers (NNDSVDar).
    seed : int, optional
        Of the truncated decomposition, which is randomized for large V, and of a random fill.

    Returns
    -------
    W, H : numpy.ndarray or torch.Tensor
        ``(..., F, R)`` and ``(..., R, T)``, the kind of V.

    Raises
    ------
    ValueError
        If `rank` is too large, or `fill` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.initialize import nndsvd
    >>> V = np.outer([1.0, 2.0], [1.0, 0.0, 3.0])
    >>> W, H = nndsvd(V, 1, fill="zero")
    >>> np.allclose(W @ H, V)
    True
    """
    data = _data(V, rank)
    if rank > min(data.shape[-2:]):
        raise ValueError(f"rank must be at most {min(data.shape[-2:])}, the smaller side of V, got {rank}")
    if fill not in ("mean", "zero", "random"):
        raise ValueError(f"fill must be mean, zero or random, got {fill!r}")
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        if min(data.shape[-2:]) > 4 * rank + 20:
            U, S, right = torch.svd_lowrank(data, q=rank + 10, niter=4)
            left, right = U[..., :rank], right[..., :rank].mT
        else:
            U, S, Vh = torch.linalg.svd(data, full_matrices=False)
            left, right = U[..., :rank], Vh[..., :rank, :]
        parts = []
        for sign in (1, -1):
            u, v = (sign * left).clamp_min(0), (sign * right).clamp_min(0)
            norm_u, norm_v = u.norm(dim=-2), v.norm(dim=-1)
            parts.append((u, v, norm_u, norm_v))
        (u, v, a, b), (u2, v2, a2, b2) = parts
        first = a * b >= a2 * b2
        u, v = torch.where(first[..., None, :], u, u2), torch.where(first[..., None], v, v2)
        a, b = torch.where(first, a, a2), torch.where(first, b, b2)
        size = (S[..., :rank] * a * b).sqrt()
        tiny = torch.finfo(data.dtype).tiny
        W, H = u * (size / a.clamp_min(tiny))[..., None, :], v * (size / b.clamp_min(tiny))[..., None]
        if fill != "zero":
            mean = data.mean((-2, -1), keepdim=True)
            W, H = (torch.where(x > 0, x, mean if fill == "mean" else mean * torch.rand_like(x) / 100) for x in (W, H))
    return in_kind_of(V, W), in_kind_of(V, H)


def kmeans(V: ArrayT, rank: int, *, num_iter: int = 20, seed: int | None = None) -> tuple[ArrayT, ArrayT]:
    """Take the centers of clusters of the columns as templates, and soft memberships as activations.

    The centers are those of spherical k-means, on columns of unit norm, started by k-means++.

    Parameters
    ----------
    V : numpy.ndarray or torch.Tensor
        Non-negative data, ``(F, T)``, at least `rank` columns.
    rank : int
        Number of components.
    num_iter : int
        Rounds of k-means.
    seed : int, optional
        Of the choice of the first centers.

    Returns
    -------
    W, H : numpy.ndarray or torch.Tensor
        ``(F, R)`` and ``(R, T)``, the kind of V.

    Raises
    ------
    ValueError
        If V is negative, not finite, not a matrix or has fewer than `rank` columns, or `rank` is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> from nmf.initialize import kmeans
    >>> W, H = kmeans(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]), 2, seed=0)
    >>> sorted(W.argmax(0).tolist())
    [0, 1]
    """
    data = _data(V, rank)
    if data.ndim != 2 or rank > data.shape[1]:
        raise ValueError(f"kmeans takes one matrix with at least {rank} columns, got shape {tuple(data.shape)}")
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    norms = data.norm(dim=0)
    units = data / norms.clamp_min(torch.finfo(data.dtype).tiny)
    centers = _spread_centers(units, norms, rank, generator)
    for _ in range(num_iter):
        nearest = (centers.mT @ units).argmax(0)
        sums = torch.zeros_like(centers).index_add_(1, nearest, data)
        length = sums.norm(dim=0)
        centers = torch.where(length > 0, sums / length.clamp_min(torch.finfo(data.dtype).tiny), centers)
    H = (centers.mT @ data).clamp_min(0)
    H = H * torch.nn.functional.one_hot((centers.mT @ units).argmax(0), rank).mT.to(H).add(0.1)
    return in_kind_of(V, centers + 1e-3 * centers.mean()), in_kind_of(V, H + 1e-3 * H.mean())


def _spread_centers(units: Tensor, norms: Tensor, rank: int, generator: torch.Generator | None) -> Tensor:
    """Choose columns that are far apart (k-means++)."""
    chosen: list[Tensor] = []
    far = norms.double().cpu()
    for _ in range(rank):
        weight = far if bool(far.sum() > 0) else torch.ones_like(far)
        index = int(torch.multinomial(weight, 1, generator=generator))
        chosen.append(units[:, index])
        distance = (1 - chosen[-1] @ units).clamp_min(0).double().cpu()
        far = torch.minimum(far, distance * norms.double().cpu())
    return torch.stack(chosen, dim=1)


def _data(V: ArrayT, rank: int) -> Tensor:
    data = as_tensor(V, "V").detach()
    check_values(data, "V")
    if data.ndim < 2:
        raise ValueError(f"V must be (..., F, T), got shape {tuple(data.shape)}")
    if rank < 1:
        raise ValueError(f"rank must be at least 1, got {rank}")
    return data
