"""The image step of kernel estimation: a scene of which only the strong edges are left."""

from __future__ import annotations

import torch

from deblur._core.arrays import Shape
from deblur.blind._view import View
from deblur.solvers.fourier import corner, fourier, inverse_fourier, roughness
from deblur.solvers.framed import FramedBlur
from deblur.solvers.padding import padded_grid

_LAST_PENALTY = 5e3  # Xu, Zheng and Jia, CVPR 2013, go on to 1e5, which takes longer and finds no better kernels
KAPPA = 2.0
_PAGE_WEIGHT, _MOST_PAGE_PENALTY = 4e-3, 8.0  # by hand: Lai et al.'s scenes of text and lights, 01 and 03


def grid_for(frame: Shape, kernel_shape: Shape) -> Shape:
    """Return the shape of a padded grid for a kernel of odd size, with room of half a kernel for the scene to close."""
    return padded_grid(frame, kernel_shape, [k // 2 for k in kernel_shape])


def scene_of_edges(
    view: View, psf: torch.Tensor, filled: torch.Tensor, sparsity: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Estimate a scene with few edges whose blur explains the view.

    Half-quadratic splitting of ``|M K x - y|^2 + sparsity |grad x|_0`` (Xu, Zheng and Jia, CVPR 2013, eq. 4), where
    the padding and clipped pixels are replaced in every step by the blurred scene. Where the view has a background, few
    pixels differ from it: ``|x - background|_0`` is penalized likewise (Pan et al., CVPR 2014).

    Parameters
    ----------
    view : View
        Blurred image.
    psf : torch.Tensor
        Two axes, odd.
    filled : torch.Tensor
        The view continued over its padded grid: the starting point.
    sparsity : float
        Above 0: squared gradients below it are no edge.

    Returns
    -------
    scene, filled : torch.Tensor
        On the padded grid.
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
        weight = torch.add(blur.power, laplacian, alpha=penalty)
        if view.background is not None:
            near = min(penalty, _MOST_PAGE_PENALTY)
            differs = (x - view.background).square_() >= _PAGE_WEIGHT / near
            spectrum.add_(fourier(torch.where(differs, x, view.background), grid), alpha=near)
            weight += near
        spectrum.div_(weight)
        x = inverse_fourier(spectrum, grid)
        filled = inverse_fourier(spectrum.mul_(blur.kernel), grid)
        shown = corner(filled, frame)
        torch.where(view.valid, view.y, shown, out=shown)
        penalty *= KAPPA
    return x, filled
