"""Half spectra of real images: regularizers, inner products, and smooth continuation over a padded grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from deblur._core.arrays import Shape, as_float_tensor
from deblur.operators import Convolution


def fourier(x: torch.Tensor, grid: Shape) -> torch.Tensor:
    """Return the half spectrum of x, zero-padded to the grid, over its last axes."""
    return torch.fft.rfftn(x, s=grid, dim=tuple(range(-len(grid), 0)))


def inverse_fourier(spectrum: torch.Tensor, grid: Shape) -> torch.Tensor:
    """Return the real array on the grid with this half spectrum."""
    return torch.fft.irfftn(spectrum, s=grid, dim=tuple(range(-len(grid), 0)))


def transfer_function(kernel: Any, grid: Shape, like: torch.Tensor) -> torch.Tensor:
    """Return the half spectrum of a kernel centered on the origin of a periodic grid."""
    return Convolution(kernel, grid, "circular").transfer_function(like.dtype).to(like.device)


def squared_modulus(spectrum: torch.Tensor) -> torch.Tensor:
    """Return ``|spectrum|**2`` without the square root that abs takes."""
    return torch.addcmul(spectrum.real.square(), spectrum.imag, spectrum.imag)


def roughness(regularizer: Any, grid: Shape, like: torch.Tensor) -> torch.Tensor:
    """Return the squared modulus of a regularizer's spectrum: the Laplacian's (2 ndim, neighbors -1) if None."""
    if regularizer is None:
        total = torch.zeros((), dtype=like.dtype, device=like.device)
        for axis, size in zip(range(-len(grid), 0), grid, strict=True):
            count = size // 2 + 1 if axis == -1 else size
            angle = 2 * torch.pi / size * torch.arange(count, dtype=torch.float64)
            total = total + (2 - 2 * angle.cos()).to(like).reshape(-1, *[1] * (-axis - 1))
        return total.square()
    kernel = as_float_tensor(regularizer, "regularizer")[0]
    if kernel.ndim != len(grid):
        raise ValueError(f"regularizer must have {len(grid)} axes, as the psf has, got {kernel.ndim}")
    return squared_modulus(transfer_function(kernel, grid, like))


def inner(a: torch.Tensor, b: torch.Tensor, grid: Shape) -> torch.Tensor:
    """Return the inner product of the two real images with these half spectra, times their size, per image.

    By Parseval; every column of a half spectrum counts twice but the first, and the last of an even size.
    """
    single = [0] if grid[-1] % 2 else [0, -1]
    total = 2 * _dot(a, b, len(grid))
    for column in single:
        total = total - _dot(a[..., column], b[..., column], len(grid) - 1)
    return total.reshape(*total.shape, *[1] * len(grid))


def _dot(a: torch.Tensor, b: torch.Tensor, ndim: int) -> torch.Tensor:
    a, b = (torch.view_as_real(s.contiguous()).flatten(s.ndim - ndim) for s in (a, b))
    return torch.linalg.vecdot(a, b)


def continue_smoothly(y: torch.Tensor, grid: Shape) -> torch.Tensor:
    """Fill a padded grid from the image in its corner: blend from the last sample to the first along each axis."""
    filled = y.new_empty((*y.shape[: y.ndim - len(grid)], *grid))
    done = list(y.shape[y.ndim - len(grid) :])
    corner(filled, done).copy_(y)
    for axis, size in zip(range(-len(grid), 0), grid, strict=True):
        known = y.shape[axis]
        if size > known:
            part = corner(filled, done)
            weight = torch.arange(1, size - known + 1, dtype=y.dtype, device=y.device) / (size - known + 1)
            weight = weight.reshape(-1, *[1] * (-axis - 1))
            first, last = part.narrow(axis, 0, 1), part.narrow(axis, -1, 1)
            done[axis] = size
            corner(filled, done).narrow(axis, known, size - known).copy_(last + weight * (first - last))
    return filled


def corner(x: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """View the first corner of the last axes of x."""
    for axis, size in zip(range(-len(shape), 0), shape, strict=True):
        x = x.narrow(axis, 0, size)
    return x


def clear_outside_(x: torch.Tensor, frame: Shape) -> torch.Tensor:
    """Set the padding around the image in the first corner to zero, in place."""
    for axis, size in zip(range(-len(frame), 0), frame, strict=True):
        x.narrow(axis, size, x.shape[axis] - size).zero_()
    return x
