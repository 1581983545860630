"""Restoration with a candidate kernel, and how well the two explain the blurred image."""

from __future__ import annotations

import torch

from deblur.solvers.conjugate_gradients import conjugate_gradients, per_image_pairwise
from deblur.solvers.fourier import continue_smoothly, corner, fourier, inverse_fourier
from deblur.solvers.framed import FramedBlur

from .image_step import grid_for

_EXPONENT = 0.8  # Levin et al., SIGGRAPH 2007
_NUM_ITER = 25  # per round; it and the next by hand
_SMALLEST = 0.01  # gradients below it weigh the same


def sharpen(
    y: torch.Tensor, valid: torch.Tensor, psf: torch.Tensor, prior: float, *, rounds: int = 4
) -> tuple[torch.Tensor, float, float]:
    """Minimize ``|M (K x - y)|^2 + prior sum |grad x|^0.8`` by iteratively reweighted least squares.

    Return x in the image domain, the minimum per pixel, and its first term; `valid` is false at clipped pixels.

    Levin et al., "Image and depth from a conventional camera with a coded aperture", SIGGRAPH 2007.
    """
    frame = tuple(y.shape[-2:])
    grid = grid_for(frame, tuple(psf.shape))
    blur = FramedBlur(y, psf, grid)
    valid = valid.to(y)

    def gram(x: torch.Tensor) -> torch.Tensor:
        image = inverse_fourier(fourier(blur.shown(x) * valid, grid).mul_(blur.conjugate), grid)
        for axis, weight in zip((-1, -2), weights, strict=True):
            slope = (x.roll(-1, axis).sub_(x)).mul_(weight)
            image += slope.roll(1, axis).sub_(slope)
        return image

    x = continue_smoothly(y, grid)
    right = inverse_fourier(fourier(y * valid, grid).mul_(blur.conjugate), grid)
    weights = [torch.full_like(x, prior)] * 2
    for turn in range(rounds):
        if turn:
            weights = [
                (x.roll(-1, axis).sub_(x)).abs_().clamp_min_(_SMALLEST).pow_(_EXPONENT - 2).mul_(prior * _EXPONENT / 2)
                for axis in (-1, -2)
            ]
        x = conjugate_gradients(gram, x, right - gram(x), per_image_pairwise, max_iter=_NUM_ITER)
    return corner(x, frame), *_energy(x, y, valid, blur, prior)


def _energy(
    x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, blur: FramedBlur, prior: float
) -> tuple[float, float]:
    """Return the minimized function per pixel of the image domain, and its first term."""
    blurred, x = blur.shown(x), corner(x, blur.frame)
    slopes = sum(float(x.diff(dim=axis).abs_().pow_(_EXPONENT).sum()) for axis in (-1, -2))
    misfit = float((blurred - y).mul_(valid).square_().sum())
    return (misfit + prior * slopes) / x.numel(), misfit / x.numel()
