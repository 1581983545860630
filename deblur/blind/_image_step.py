"""The image step of kernel estimation: the blurred scene, sharpened until nothing is left but its strong edges."""

from __future__ import annotations

import torch

from deblur._core.arrays import Shape
from deblur.solvers.fourier import corner, fourier, inverse_fourier, roughness
from deblur.solvers.framed import FramedBlur
from deblur.solvers.padding import padded_grid

from ._view import View

_LAST_PENALTY = 1e5


def grid_for(frame: Shape, kernel_shape: Shape) -> Shape:
    """Return the shape of a padded grid for a kernel of odd size, with room of half a kernel for the scene to close."""
    return padded_grid(frame, kernel_shape, [k // 2 for k in kernel_shape])


def edges_of(view: View, psf: torch.Tensor, filled: torch.Tensor, sparsity: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Estimate a scene with few edges whose blur shows the view.

    Half-quadratic splitting of ``|M K x - y|^2 + sparsity |grad x|_0`` (Xu, Zheng and Jia, CVPR 2013, eq. 4), where
    what the frame does not show, and clipped pixels, are filled anew in every step with what the scene would show.

    Parameters
    ----------
    view : View
        What is seen.
    psf : torch.Tensor
        Two axes, odd.
    filled : torch.Tensor
        The view continued over its torus, where it starts.
    sparsity : float
        Above 0: squared gradients below it are no edge.

    Returns
    -------
    scene, filled : torch.Tensor
        On the torus.
    """
    grid, frame = tuple(filled.shape), tuple(view.y.shape)
    blur = FramedBlur(view.y, psf, grid)
    laplacian = roughness(None, grid, filled).sqrt_()
    x, penalty = filled, 2 * sparsity
    while penalty < _LAST_PENALTY:
        across, down = x.roll(-1, 1).sub_(x), x.roll(-1, 0).sub_(x)
        edge = torch.addcmul(across.square(), down, down) >= sparsity / penalty
        across.mul_(edge), down.mul_(edge)
        rough = (across.roll(1, 1).sub_(across)).add_(down.roll(1, 0)).sub_(down)
        spectrum = fourier(filled, grid).mul_(blur.conjugate).add_(fourier(rough, grid), alpha=penalty)
        spectrum.div_(torch.add(blur.power, laplacian, alpha=penalty))
        x = inverse_fourier(spectrum, grid)
        filled = inverse_fourier(spectrum.mul_(blur.kernel), grid)
        shown = corner(filled, frame)
        torch.where(view.seen, view.y, shown, out=shown)
        penalty *= 2
    return x, filled
