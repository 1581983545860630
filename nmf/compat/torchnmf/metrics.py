"""Divergences; the model comes first, as in torch's losses."""

from __future__ import annotations

import torch
from torch import Tensor

from nmf.objective import divergence

__all__ = ["beta_div", "euclidean", "is_div", "kl_div", "sparseness"]


def beta_div(input: Tensor, target: Tensor, beta: float = 2) -> Tensor:
    """Return the beta-divergence of `target` from the model `input`; zeros count as 1e-7 of the mean.

    Parameters
    ----------
    input : torch.Tensor
        The model, non-negative, any shape.
    target : torch.Tensor
        The data, of the same shape.
    beta : float
        2 Euclidean, 1 Kullback-Leibler, 0 Itakura-Saito; any number.

    Returns
    -------
    torch.Tensor
        One number, in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import beta_div
    >>> beta_div(torch.tensor([1.0, 1.0]), torch.tensor([1.0, 2.0]))
    tensor(0.5000)
    """
    if beta != 2:
        eps = torch.finfo(torch.float32).eps
        floor = eps * float(target.detach().mean() or 1)
        input = input.clamp_min(floor)
        target = target.clamp_min(floor) if beta <= 0 else target
    return divergence.beta_divergence(target, input, beta).to(input.dtype)


def kl_div(input: Tensor, target: Tensor) -> Tensor:
    """Return the generalized Kullback-Leibler divergence: `beta_div` with β = 1.

    Parameters
    ----------
    input : torch.Tensor
        The model, non-negative, any shape.
    target : torch.Tensor
        The data, of the same shape.

    Returns
    -------
    torch.Tensor
        One number, in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import kl_div
    >>> kl_div(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor(0.3069)
    """
    return beta_div(input, target, 1)


def is_div(input: Tensor, target: Tensor) -> Tensor:
    """Return the Itakura-Saito divergence: `beta_div` with β = 0.

    Parameters
    ----------
    input : torch.Tensor
        The model, non-negative, any shape.
    target : torch.Tensor
        The data, of the same shape.

    Returns
    -------
    torch.Tensor
        One number, in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import is_div
    >>> is_div(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor(0.1931)
    """
    return beta_div(input, target, 0)


def euclidean(input: Tensor, target: Tensor) -> Tensor:
    """Return half the squared Euclidean distance: `beta_div` with β = 2.

    Parameters
    ----------
    input : torch.Tensor
        The model, non-negative, any shape.
    target : torch.Tensor
        The data, of the same shape.

    Returns
    -------
    torch.Tensor
        One number, in the dtype of `input`.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import euclidean
    >>> euclidean(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 1.0]))
    tensor(0.5000)
    """
    return beta_div(input, target, 2)


def sparseness(x: Tensor) -> Tensor:
    """Return Hoyer's sparseness, 0 for equal entries and 1 for a single one that is not zero.

    Parameters
    ----------
    x : torch.Tensor
        Any shape; all entries count together.

    Returns
    -------
    torch.Tensor
        One number, 0 to 1.

    Raises
    ------
    ValueError
        If there are fewer than two entries.

    Examples
    --------
    >>> import torch
    >>> from nmf.compat.torchnmf.metrics import sparseness
    >>> sparseness(torch.tensor([0.0, 3.0])), sparseness(torch.ones(5))
    (tensor(1.0000), tensor(0.))
    """
    return divergence.sparseness(x)
