"""The kernel step: the point-spread function that takes one picture's gradients to another's."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F

from deblur.operators import Convolution
from deblur.psf import center, estimate_support
from deblur.solvers.conjugate_gradients import conjugate_gradients, per_image_pairwise

from ._view import View, gradients

_NUM_ITER = 20
_WEIGHT = 0.5


def fit_psf(x: torch.Tensor, view: View, start: torch.Tensor, *, weight: float = _WEIGHT) -> torch.Tensor:
    """Minimize ``sum |grad x * k - grad y|^2 + weight |k|^2`` over the kernel k, by conjugate gradients.

    The sum is over the pixels that depend on nothing outside the frame and on no clipped pixel: a valid convolution.
    What lies outside the frame was made up to fit the last kernel, and would keep the next one near it.

    Parameters
    ----------
    x : torch.Tensor
        The scene in the frame of the view.
    view : View
        What is seen.
    start : torch.Tensor
        Two odd axes.
    weight : float
        Of the penalty, at least 0.

    Returns
    -------
    torch.Tensor
        Of the shape of `start`; it may have negative values.
    """
    slopes, (rows, columns) = gradients(x), start.shape
    inner = (slice(rows // 2, -(rows // 2) or None), slice(columns // 2, -(columns // 2) or None))
    seen = (view.seen[:-1, :-1] & view.seen[1:, :-1] & view.seen[:-1, 1:])[inner].to(x)
    blurred = gradients(view.y)[(slice(None), *inner)]
    A = Convolution(start, tuple(slopes.shape[1:]), "valid").kernel_operator(slopes)
    residual = A.T((blurred - A(start)).mul_(seen)) - weight * start

    def gram(k: torch.Tensor) -> torch.Tensor:
        return A.T(A(k).mul_(seen)) + weight * k

    return conjugate_gradients(gram, start.clone(), residual, per_image_pairwise, max_iter=_NUM_ITER)


def cleaned(psf: torch.Tensor, *, threshold: float, least_part: float) -> torch.Tensor:
    """Remove what is negative, faint, or in a connected part that holds little of the light; scale to sum 1."""
    psf = psf.clamp_min(0)
    psf = torch.where(psf < threshold * psf.max(), 0, psf)
    if not float(psf.sum()) > 0:
        return delta(psf)
    values = (psf / psf.sum()).cpu().numpy()
    parts, count = scipy.ndimage.label(values > 0, structure=np.ones((3, 3)))
    light = scipy.ndimage.sum_labels(values, parts, np.arange(count + 1))
    kept = light >= min(least_part, float(light[1:].max()))
    kept[0] = False
    psf = psf * torch.from_numpy(kept[parts]).to(psf.device)
    return psf / psf.sum()


def centered(psf: torch.Tensor) -> torch.Tensor:
    """Move the centroid to the middle by whole pixels, keep the size, and scale to sum 1."""
    moved = center(psf)
    cut = tuple(
        slice(new // 2 - old // 2, new // 2 - old // 2 + old) for new, old in zip(moved.shape, psf.shape, strict=True)
    )
    return moved[cut] / moved[cut].sum()


def enlarged(psf: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bring a PSF to the grid of the next finer scale."""
    larger = F.interpolate(psf[None, None], shape, mode="bilinear", align_corners=False)[0, 0]
    return centered(larger.clamp_min(0))


def delta(like: torch.Tensor) -> torch.Tensor:
    """Return no blur."""
    psf = torch.zeros_like(like)
    psf[tuple(size // 2 for size in psf.shape)] = 1
    return psf


def trimmed(psf: torch.Tensor) -> torch.Tensor:
    """Leave out the rows and columns at the rim that hold nothing."""
    return psf[estimate_support(psf, energy=1)].contiguous()
