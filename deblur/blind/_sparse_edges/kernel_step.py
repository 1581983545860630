"""The kernel step: the point-spread function between the gradients of two images."""

from __future__ import annotations

import torch

from deblur.blind._view import View, gradients
from deblur.operators import Convolution
from deblur.solvers.conjugate_gradients import conjugate_gradients, per_image_pairwise

_NUM_ITER = 12  # and the weight: by hand; 20 find no better kernels
_WEIGHT = 0.5


def fit_psf(slopes: torch.Tensor, view: View, start: torch.Tensor, *, weight: float = _WEIGHT) -> torch.Tensor:
    """Minimize ``sum |slopes * k - grad y|^2 + weight |k|^2`` over the kernel k, by conjugate gradients.

    The sum is over the pixels that depend neither on the padding nor on a clipped pixel: a valid convolution. The
    padding was filled in to fit the last kernel, and would keep the next one near it.

    Parameters
    ----------
    slopes : torch.Tensor
        Gradients of the scene in the image domain of the view, ``(2, height - 1, width - 1)``.
    view : View
        Blurred image.
    start : torch.Tensor
        Two odd axes.
    weight : float
        Of the penalty, at least 0.

    Returns
    -------
    torch.Tensor
        Of the shape of `start`; it may have negative values.
    """
    rows, columns = start.shape
    inner = (slice(rows // 2, -(rows // 2) or None), slice(columns // 2, -(columns // 2) or None))
    valid = (view.valid[:-1, :-1] & view.valid[1:, :-1] & view.valid[:-1, 1:])[inner].to(slopes)
    blurred = gradients(view.y)[(slice(None), *inner)]
    A = Convolution(start, tuple(slopes.shape[1:]), "valid").kernel_operator(slopes)
    residual = A.T((blurred - A(start)).mul_(valid)) - weight * start

    def gram(k: torch.Tensor) -> torch.Tensor:
        return A.T(A(k).mul_(valid)) + weight * k

    return conjugate_gradients(gram, start.clone(), residual, per_image_pairwise, max_iter=_NUM_ITER)
