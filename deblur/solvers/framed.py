"""The blur of a scene that extends beyond the image domain, on a padded grid where convolution is a product."""

from __future__ import annotations

import torch

from deblur._core.arrays import Shape
from deblur.solvers.conjugate_gradients import conjugate_gradients, per_image, small_residual
from deblur.solvers.fourier import (
    continue_smoothly,
    corner,
    fourier,
    inverse_fourier,
    squared_modulus,
    transfer_function,
)

FILLING = (100, 5)
"""Iterations of `FramedBlur.fill` at the start of a restoration, and from an estimate on."""


class FramedBlur:
    """The blur ``y = M K x``: circular (K) on a padded grid, cropped (M) to the image domain in its first corner.

    Parameters
    ----------
    y : torch.Tensor
        Images, shape ``(*batch, *frame)``.
    psf : torch.Tensor
        Shape ``(*psf_batch, *kernel_shape)``, broadcastable over the batch.
    grid : tuple of int
        Shape of the padded grid; that of the image for a circular blur.
    weights : torch.Tensor, optional
        1 where y is valid and 0 elsewhere, of the shape of y; all valid if None.

    Attributes
    ----------
    kernel, power : torch.Tensor
        Half spectrum of the PSF, and its squared modulus.
    """

    def __init__(self, y: torch.Tensor, psf: torch.Tensor, grid: Shape, weights: torch.Tensor | None = None) -> None:
        self.y, self.grid, self._weights = y, grid, weights
        self.frame: Shape = tuple(y.shape[y.ndim - len(grid) :])
        self.kernel = transfer_function(psf, grid, y)
        self.conjugate = self.kernel.conj().resolve_conj()
        self.power = squared_modulus(self.kernel)

    def shown(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``M K x``: the blurred image of a scene on the padded grid."""
        return corner(inverse_fourier(self.kernel * fourier(x, self.grid), self.grid), self.frame)

    def filtered(self, filled: torch.Tensor, weight: torch.Tensor, towards: torch.Tensor | float = 0.0) -> torch.Tensor:
        """Return the half spectrum of the x that minimizes ``|K x - filled|^2 + weight |x - towards|^2``, in one step.

        All are half spectra, `filled` that of an image of the whole padded grid.
        """
        return (self.conjugate * filled + weight * towards) / (self.power + weight)

    @torch.no_grad()
    def fill(
        self, weight: torch.Tensor, towards: torch.Tensor | float = 0.0, *, num_iter: int, tolerance: float = 1e-6
    ) -> torch.Tensor:
        """Return the half spectrum of the image, continued over the padded grid by the blur of the best scene.

        With this continuation `filtered` gives the scene that minimizes ``|M K x - y|^2 + weight |x - towards|^2``.
        For a continued image v, the minimum over the padded grid of ``|K x - v|^2 + weight |x - towards|^2`` is the
        quadratic form ``(v - K towards)^T Q (v - K towards)``, where Q multiplies the spectrum by
        ``weight / (|K|^2 + weight)``. Conjugate gradients minimize it over the padding and invalid samples.
        """
        if self.frame == self.grid and self._weights is None:
            return fourier(self.y, self.grid)
        share = weight / (self.power + weight)
        if isinstance(towards, torch.Tensor):
            expected = inverse_fourier(self.kernel * towards, self.grid)
            v = torch.zeros_like(expected)
        else:
            expected, v = self.y.new_zeros(()), self._hidden(continue_smoothly(self.y, self.grid))
        seen = self.y - (corner(expected, self.frame) if expected.ndim else expected)
        corner(v, self.frame).add_(seen if self._weights is None else self._weights * seen)
        residual = self._hidden(self._multiply(share, v)).neg_()
        enough = tolerance**2 * per_image(residual, residual)
        v = conjugate_gradients(
            lambda direction: self._hidden(self._multiply(share, direction)),
            v,
            residual,
            per_image,
            max_iter=num_iter,
            stop=small_residual(enough),
        )
        return fourier(v.add_(expected), self.grid)

    def _multiply(self, spectrum: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        return inverse_fourier(fourier(x, self.grid).mul_(spectrum), self.grid)

    def _hidden(self, x: torch.Tensor) -> torch.Tensor:
        """Set the valid samples to zero, in place."""
        frame = corner(x, self.frame)
        if self._weights is None:
            frame.zero_()
        else:
            frame.mul_(1 - self._weights)
        return x
