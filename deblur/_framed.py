"""The blur of a scene that goes on past the frame of its picture, on a torus where convolution is a product."""

from __future__ import annotations

import torch

from deblur.nonblind._spectral import (
    clear_outside_,
    continue_smoothly,
    corner,
    fourier,
    inner,
    inverse_fourier,
    squared_modulus,
    transfer_function,
)

Shape = tuple[int, ...]


class FramedBlur:
    """``y = M K x``: a circular blur K on a torus, of which the picture y shows the frame M in the first corner.

    Parameters
    ----------
    y : torch.Tensor
        Pictures, shape ``(*batch, *frame)``.
    psf : torch.Tensor
        Shape ``(*psf_batch, *taps)``, broadcastable over the batch.
    grid : tuple of int
        Shape of the torus; equal to the frame for a blur that is circular on the frame itself.

    Attributes
    ----------
    kernel, power : torch.Tensor
        Half spectrum of the PSF, and its squared modulus.
    """

    def __init__(self, y: torch.Tensor, psf: torch.Tensor, grid: Shape) -> None:
        self.y, self.grid = y, grid
        self.frame: Shape = tuple(y.shape[y.ndim - len(grid) :])
        self.kernel = transfer_function(psf, grid, y)
        self.conjugate = self.kernel.conj().resolve_conj()
        self.power = squared_modulus(self.kernel)

    def filtered(self, filled: torch.Tensor, weight: torch.Tensor, towards: torch.Tensor | float = 0.0) -> torch.Tensor:
        """Return the half spectrum of the x that minimizes ``|K x - filled|^2 + weight |x - towards|^2``, in one step.

        All are half spectra, `filled` that of a picture of the whole torus.
        """
        return (self.conjugate * filled + weight * towards) / (self.power + weight)

    @torch.no_grad()
    def fill(
        self, weight: torch.Tensor, towards: torch.Tensor | float = 0.0, *, num_iter: int, tolerance: float = 1e-4
    ) -> torch.Tensor:
        """Return the half spectrum of the picture continued over the torus by what the best scene would show there.

        The scene minimizes ``|M K x - y|^2 + weight |x - towards|^2``, found by conjugate gradients with the filter of
        the torus as the preconditioner: the border is all that the filter gets wrong. With this continuation
        `filtered` gives the same minimum.
        """
        if self.frame == self.grid:
            return fourier(self.y, self.grid)
        if isinstance(towards, torch.Tensor):
            beyond = inverse_fourier(self.kernel * towards, self.grid)
        else:
            beyond = continue_smoothly(self.y, self.grid)
        x = self.filtered(self._with_y(beyond), weight, towards)
        right = fourier(self.y, self.grid).mul_(self.conjugate) + weight * towards
        x = self._conjugate_gradients(right, x, weight, num_iter, tolerance)
        return self._with_y(inverse_fourier(self.kernel * x, self.grid))

    def _with_y(self, beyond: torch.Tensor) -> torch.Tensor:
        corner(beyond, self.frame).copy_(self.y)
        return fourier(beyond, self.grid)

    def _gram(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        seen = clear_outside_(inverse_fourier(x * self.kernel, self.grid), self.frame)
        return fourier(seen, self.grid).mul_(self.conjugate).add_(x * weight)

    def _conjugate_gradients(
        self, right: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, num_iter: int, tolerance: float
    ) -> torch.Tensor:
        preconditioner = (self.power + weight).reciprocal_()
        tiny = torch.finfo(preconditioner.dtype).tiny
        enough = tolerance**2 * inner(right, right * preconditioner, self.grid)
        residual = right.sub_(self._gram(x, weight))
        direction = residual * preconditioner
        energy = inner(residual, direction, self.grid)
        for _ in range(num_iter):
            if bool((energy <= enough).all()):
                break
            image = self._gram(direction, weight)
            step = energy / inner(direction, image, self.grid).clamp_min(tiny)
            step = torch.where(energy > enough, step, 0)  # an image that is done does not change with its batch
            x = x.add_(direction * step)
            residual = residual.sub_(image.mul_(step))
            z = residual * preconditioner
            previous, energy = energy, inner(residual, z, self.grid)
            direction = direction.mul_(energy / previous.clamp_min(tiny)).add_(z)
        return x
