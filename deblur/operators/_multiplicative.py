"""The multiplicative-update rule that Richardson-Lucy and non-negative matrix factorization share."""

from __future__ import annotations

import torch


def multiplicative_step(
    x: torch.Tensor, numerator: torch.Tensor, denominator: torch.Tensor, *, margin: float
) -> torch.Tensor:
    """Return ``x * numerator / denominator`` where that is stable, and ``x`` where the data carry no information.

    Both terms get the same small positive `margin` added: entries that hardly affect the data (a denominator near 0,
    as in the halo of a scene around its image) then keep their values instead of becoming NaN or noise.
    The step is a convex combination of the plain step and no step, so an objective with a separable convex
    majorizer still never increases, and fixed points are unchanged.

    Parameters
    ----------
    x, numerator, denominator : torch.Tensor
        Same shape, non-negative. For a Kullback-Leibler objective and ``y = A x``: ``A.T(y / A(x))`` and
        ``A.T(1)`` (Lee and Seung, NIPS 2000, eq. 5).
    margin : float
        Positive; a thousandth of the largest denominator is a good choice.

    Returns
    -------
    torch.Tensor
        Non-negative, of the shape of `x`.

    Raises
    ------
    ValueError
        If `margin` is not positive.

    Examples
    --------
    >>> import torch
    >>> from deblur.operators import multiplicative_step
    >>> x, seen = torch.tensor([2.0, 2.0]), torch.tensor([1.0, 0.0])
    >>> multiplicative_step(x, 3 * seen, seen, margin=0.0001)
    tensor([5.9996, 2.0000])
    """
    if not margin > 0:
        raise ValueError(f"margin must be positive, got {margin}")
    ratio = numerator.clamp_min(0).add_(margin).div_(denominator.clamp_min(0).add_(margin))
    return ratio.mul_(x)
