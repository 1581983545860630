"""The unrolled network of the seed system, "Deep Prior inside an Unrolled and Adaptive Deconvolution Model" (2020)."""

from __future__ import annotations

import math

import torch
from torch import nn

from deblur.solvers.fourier import continue_smoothly, corner, fourier, inverse_fourier
from deblur.solvers.framed import FramedBlur

from ._dilated import DilatedDenoiser
from ._padding import SeamlessView, check_batch, grid_for

_FIRST, _LAST = 49 / 255, 5 / 255
_LOWEST_NOISE = 1e-3
_BORDER_ITERATIONS = 3


class UDN(nn.Module):
    """Half-quadratic splitting with fixed weights and one dilated denoiser per layer.

    Layer i solves ``min |K x - y|^2 + (s / s_i)^2 |x - z|^2`` with s the noise level and s_i from 49/255 down to 5/255,
    then denoises. The published network is circular; here the scene may also go on past the image.

    Parameters
    ----------
    depth : int
        Number of layers; the published ones have 8 and 10.
    width : int
        Channels of each denoiser.

    Raises
    ------
    ValueError
        If `depth` is less than 1.

    Examples
    --------
    >>> import torch
    >>> from deblur.networks import UDN
    >>> net = UDN(2, width=8)
    >>> net(torch.rand(2, 1, 40, 50), torch.ones(5, 5) / 25, torch.tensor([0.01, 0.02])).shape
    torch.Size([2, 1, 40, 50])
    """

    levels: torch.Tensor

    def __init__(self, depth: int = 8, *, width: int = 64) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        self.layers = nn.ModuleList(DilatedDenoiser(width, skips=True) for _ in range(depth))
        levels = torch.logspace(math.log10(_FIRST), math.log10(_LAST), depth, dtype=torch.float32, device="cpu")
        self.register_buffer("levels", levels, persistent=False)

    def forward(
        self,
        y: torch.Tensor,
        psf: torch.Tensor,
        noise_level: torch.Tensor,
        boundary: str = "unknown",
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Restore images; `y`, `psf`, `noise_level`, `boundary` and `weights` are those of `UnrolledHQS.forward`."""
        return self.estimates(y, psf, noise_level, boundary, weights)[-1]

    def estimates(
        self,
        y: torch.Tensor,
        psf: torch.Tensor,
        noise_level: torch.Tensor,
        boundary: str = "unknown",
        weights: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """Return each layer's estimate from `y`, `psf`, `noise_level`, `boundary` and `weights`; see `forward`."""
        check_batch(y, psf, noise_level)
        frame, grid = tuple(y.shape[-2:]), grid_for(y, psf, boundary)
        blur = FramedBlur(y, psf[:, None] if psf.ndim == 3 else psf, grid, weights)
        view = SeamlessView(frame, grid)
        noise = noise_level.clamp_min(_LOWEST_NOISE)[:, None, None, None]
        z, estimates = continue_smoothly(y, grid), []
        for layer, level in zip(self.layers, self.levels, strict=True):
            weight, target = (noise / level).square(), fourier(z, grid)
            filled = blur.fill(weight, target, num_iter=_BORDER_ITERATIONS)
            x = inverse_fourier(blur.filtered(filled, weight, target), grid)
            z = view.crop(layer(view.pad(x)))
            estimates.append(corner(z, frame))
        return estimates
