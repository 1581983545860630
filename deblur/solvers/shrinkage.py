"""Shrinkage: the proximal map of a power of the modulus."""

from __future__ import annotations

import torch
import torch.nn.functional as F

_NEWTON_STEPS = 3  # to the rounding of double precision, for any exponent


def shrinkage(modulus: torch.Tensor, threshold: float, exponent: float) -> torch.Tensor:
    r"""Return the factor that turns a vector of this modulus into the minimizer below.

    .. math::

        \arg\min_z\ \tfrac12 |z - v|^2 + \theta\, |z|^p

    For p = 1 that is soft thresholding. For p < 1 the minimizer is 0 up to a modulus at which it jumps to
    :math:`x_0 = (2 \theta (1 - p))^{1 / (2 - p)}`; from there on it solves :math:`x - |v| + \theta p x^{p - 1} = 0`
    (Zuo et al., ICCV 2013). In units of :math:`x_0` only p is left in the equation, and Newton's method starts from a
    curve that touches the root at the jump and lies above it beyond: it falls to the root and never passes it.

    Parameters
    ----------
    modulus : torch.Tensor
        |v|, at least 0.
    threshold : float
        θ, positive.
    exponent : float
        p, above 0 and at most 1.
    """
    p = exponent
    if p == 1:
        return modulus.reciprocal().mul_(-threshold).add_(1).clamp_min_(0)
    jump = (2 - p) / (2 * (1 - p))  # in units of x_0, as all that follows
    scaled = modulus / (2 * (1 - p) * threshold) ** (1 / (2 - p))
    kept = F.threshold(scaled, jump, 0.0)  # several times as fast as torch.where
    scaled = scaled.clamp_min_(jump)
    x = scaled.reciprocal().mul_(jump * (1 - jump)).add_(scaled)
    for _ in range(_NEWTON_STEPS):
        power = x.log().mul_(p - 1).exp_()  # x ** (p - 1), five times as fast as pow
        slope = x.reciprocal_().mul_(power).mul_(-p / 2).add_(1)
        x = power.mul_(-p * jump).add_(scaled).div_(slope)
    return x.mul_(kept).div_(scaled.square_())
