"""Planes at half their size: the color differences of large pictures whose files have them so."""

from __future__ import annotations

import torch
from torch.nn import functional

_HAT = (0.5, 1.0, 0.5)


def halved(y: torch.Tensor) -> torch.Tensor:
    """Average ``(planes, 1, height, width)`` over squares of two pixels; odd borders are continued."""
    odd = [0, y.shape[-1] % 2, 0, y.shape[-2] % 2]
    return functional.avg_pool2d(functional.pad(y, odd, mode="replicate"), 2)


def halved_psf(psf: torch.Tensor) -> torch.Tensor:
    """Return the PSFs ``(planes, rows, columns)`` of halved planes, of odd sizes: each sample goes to its neighbors.

    Examples
    --------
    >>> import torch
    >>> halved_psf(torch.tensor([[[0.0, 0.0, 1.0, 0.0, 0.0]]]))
    tensor([[[0., 1., 0.]]])
    >>> halved_psf(torch.tensor([[[0.5, 0.0, 0.5]]]))
    tensor([[[0.2500, 0.5000, 0.2500]]])
    """
    hat = torch.tensor(_HAT).to(psf)
    # So that the middle of the PSF falls on one of the samples that are kept.
    rows, columns = (2 - (side // 2 + 1) % 2 for side in psf.shape[-2:])
    kernel = (hat[:, None] * hat)[None, None]
    return functional.conv2d(psf[:, None], kernel, stride=2, padding=(rows, columns))[:, 0]


def doubled(x: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bring restored planes back to twice their size, and cut them to `shape`."""
    larger = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return larger[..., : shape[0], : shape[1]]
