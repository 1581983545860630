"""The padded grid on which a network's data steps are exact, and the view of it that its convolutions get."""

from __future__ import annotations

import torch
from torch.nn import functional

from deblur._core.arrays import Shape
from deblur.solvers.padding import ROOM, padded_grid

from ._denoiser import check_noise_levels

_SEAM = 8  # pixels of the periodic continuation that a network sees around a circular image


def check_batch(y: torch.Tensor, psf: torch.Tensor, noise_level: torch.Tensor) -> None:
    """Raise `ValueError` unless these are gray images, one PSF or one per image, and one noise level per image."""
    if y.ndim != 4 or y.shape[1] != 1:
        raise ValueError(f"y must have shape (batch, 1, height, width), got {tuple(y.shape)}")
    if psf.ndim != 2 and not (psf.ndim == 3 and len(psf) in (1, len(y))):
        raise ValueError(f"psf must have 2 axes, or 3, the first for one per image, got {tuple(psf.shape)}")
    check_noise_levels(noise_level, y)


def grid_for(y: torch.Tensor, psf: torch.Tensor, boundary: str) -> Shape:
    """Return the shape of the image itself for a circular blur, else that of the padded grid."""
    frame = tuple(y.shape[-2:])
    if boundary == "circular":
        return frame
    if boundary != "unknown":
        raise ValueError(f"boundary must be unknown or circular, got {boundary!r}")
    return padded_grid(frame, psf.shape[-2:], ROOM)


class SeamlessView:
    """A view of a periodic grid for convolutions, whose own padding then falls outside the image domain.

    A padded grid is rolled so that the image is in its center; a circular image, which fills its grid, is continued
    periodically.
    """

    def __init__(self, frame: Shape, grid: Shape) -> None:
        self._is_circular = frame == grid
        self._shift = tuple((g - f) // 2 for f, g in zip(frame, grid, strict=True))
        self._seam = min(_SEAM, *frame)
        self.shape = tuple(g + 2 * self._seam for g in grid) if self._is_circular else grid

    def pad(self, x: torch.Tensor) -> torch.Tensor:
        """Return the view of a grid `x`."""
        if self._is_circular:
            return functional.pad(x, (self._seam,) * 4, mode="circular")
        return x.roll(self._shift, (-2, -1))

    def crop(self, x: torch.Tensor) -> torch.Tensor:
        """Return the grid of a view `x`."""
        if self._is_circular:
            return x[..., self._seam : -self._seam, self._seam : -self._seam]
        return x.roll(tuple(-s for s in self._shift), (-2, -1))
