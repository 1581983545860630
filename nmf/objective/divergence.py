"""The beta-divergence of a model from data, and the sparseness of a factor."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def accumulator(device: torch.device) -> torch.dtype:
    """Return the precision of sums over many entries: float64, or float32 on MPS, which has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def divergence_terms(V: Tensor, product: Tensor, beta: float) -> Tensor:
    """Return the beta-divergence of each entry from a positive product, computed without cancellation.

    Each term is a function of the ratio r of data to model, and vanishes at r = 1 together with its slope. As r is
    rounded once and r - 1 is exact near 1, errors are of the order of eps |r - 1|; the textbook formula, a difference
    of sums, loses all digits there.
    """
    if beta == 2:
        return (V - product).square() * 0.5
    r = (V / product).clamp_min_(torch.finfo(product.dtype).tiny)  # 0 log 0 is 0 with any finite logarithm
    log = r.log()
    if beta == 1:
        return log.mul_(r).sub_(r.sub_(1)).mul_(product)
    if beta == 0:
        return r.sub_(1).sub_(log)
    # v**b - b v l**(b - 1) + (b - 1) l**b is l**b (r**b - 1 - b (r - 1)).
    terms = torch.expm1(log.mul_(beta)).sub_(r.sub_(1), alpha=beta)
    return terms.mul_(product.pow(beta)).div_(beta * (beta - 1))


class _Terms(torch.autograd.Function):
    """`divergence_terms` with derivatives that do not cancel either."""

    @staticmethod
    def forward(V: Tensor, product: Tensor, beta: float) -> Tensor:
        return divergence_terms(V, product, beta)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, float], output: Tensor) -> None:
        ctx.save_for_backward(inputs[0], inputs[1])
        ctx.beta = inputs[2]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        (grad,), (V, product), beta = grads, ctx.saved_tensors, ctx.beta
        of_V = of_product = None
        if ctx.needs_input_grad[1]:
            of_product = grad * product.pow(beta - 2) * (product - V)
        if ctx.needs_input_grad[0]:
            log = torch.log(V / product)
            of_V = grad * (log if beta == 1 else product.pow(beta - 1) * torch.expm1((beta - 1) * log) / (beta - 1))
        return of_V, of_product, None


def beta_divergence(V: Tensor, product: Tensor, beta: float = 1.0, *, weights: Tensor | None = None) -> Tensor:
    r"""Return the beta-divergence between data and model, summed over all entries.

    .. math::

        d_\beta(v | \lambda) = \frac{v^\beta + (\beta - 1) \lambda^\beta - \beta v \lambda^{\beta - 1}}
        {\beta (\beta - 1)}

    and its limits: Itakura-Saito at β = 0, Kullback-Leibler at 1, half the squared Euclidean distance at 2 (Févotte and
    Idier, Neural Computation 2011, eq. 2.1). Each entry is computed from the relative difference, and the sum is
    taken in float64 (float32 on MPS), so that float32 data close to their model lose no digits.

    Parameters
    ----------
    V : torch.Tensor
        Non-negative data, of any shape.
    product : torch.Tensor
        Positive model, of the same shape. Differentiable in it.
    beta : float
        Any real number.
    weights : torch.Tensor, optional
        Non-negative weight of each entry, broadcastable to V; entries of weight 0 are ignored, even where V is NaN.

    Returns
    -------
    torch.Tensor
        A scalar, at least 0; infinite if V holds zeros and β <= 0, or the model does and β <= 1.

    Raises
    ------
    ValueError
        If the shapes differ.

    Examples
    --------
    >>> import torch
    >>> from nmf import beta_divergence
    >>> V = torch.tensor([1.0, 2.0])
    >>> beta_divergence(V, torch.tensor([1.0, 1.0]), beta=2)
    tensor(0.5000, dtype=torch.float64)
    >>> round(float(beta_divergence(V, V * 1.0001, beta=1)) * 1e8, 1)
    1.5
    """
    if V.shape != product.shape:
        raise ValueError(f"V and product must have one shape, got {tuple(V.shape)} and {tuple(product.shape)}")
    both_zero = (V == 0) & (product == 0)
    if bool(both_zero.any()) and beta > 0:  # the limit is 0, where the formula gives 0 / 0
        V, product = torch.where(both_zero, 1.0, V), torch.where(both_zero, 1.0, product)
    terms: Tensor = _Terms.apply(V, product, beta)  # type: ignore[no-untyped-call]
    if weights is not None:
        terms = torch.where(weights > 0, terms * weights, 0.0)
    return total(terms, 0)


def total(terms: Tensor, axes: int) -> Tensor:
    """Sum over all but the first `axes` axes.

    The last axis is summed in the precision of `terms`, where torch adds pairwise and faster, the others in that of
    `accumulator`.
    """
    rows, dtype = terms.sum(-1), accumulator(terms.device)
    return rows.flatten(axes).sum(-1, dtype=dtype) if rows.ndim > axes else rows.to(dtype)


def sparseness(x: Tensor, dim: int | tuple[int, ...] | None = None) -> Tensor:
    r"""Return Hoyer's sparseness, from 0 (all entries equal) to 1 (a single nonzero entry).

    .. math:: (\sqrt n - |x|_1 / |x|_2) / (\sqrt n - 1)

    (Hoyer, JMLR 2004, eq. 4).

    Parameters
    ----------
    x : torch.Tensor
        Any shape, with at least two entries along `dim`.
    dim : int or tuple of int, optional
        The axes that make up one vector; all if None.

    Raises
    ------
    ValueError
        If there is only one entry along `dim`.

    Examples
    --------
    >>> import torch
    >>> from nmf import sparseness
    >>> sparseness(torch.tensor([[0.0, 3.0], [1.0, 1.0]]), dim=1).round(decimals=4)
    tensor([1., 0.])
    """
    axes = tuple(range(x.ndim)) if dim is None else (dim,) if isinstance(dim, int) else dim
    count = math.prod(x.shape[axis] for axis in axes)
    if count < 2:
        raise ValueError(f"sparseness needs at least two entries, got shape {tuple(x.shape)} along {dim}")
    l1 = torch.linalg.vector_norm(x, 1, dim=axes)
    ratio = l1 / torch.linalg.vector_norm(x, dim=axes)
    return ((count**0.5 - ratio) / (count**0.5 - 1)).clamp(0, 1)
