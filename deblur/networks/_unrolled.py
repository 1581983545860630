"""Unrolled half-quadratic splitting: exact data steps, a learned prior between them, learned weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from deblur.solvers.fourier import corner, fourier, inverse_fourier, roughness
from deblur.solvers.framed import FILLING, FramedBlur

from ._denoiser import Denoiser, noise_features
from ._padding import SeamlessView, check_batch, grid_for
from ._unet import UNet

_LOWEST_NOISE = 1e-3  # lower levels are taken for this one: the data step would be ill-conditioned in float32
_FIRST, _MEMORY = 0.12, 8  # noise level of the prior in the first stage; channels handed from stage to stage
_BALANCES = (1.0, 0.25, 4.0)  # of the data steps' solutions that the prior sees, relative to the learned weight
_WIDER = ("head.weight", "embed.0.weight", "tail.weight", "tail.bias")  # than the denoiser's


class UnrolledHQS(nn.Module):
    """Restoration with a known PSF: K stages of a data step and a prior, trained end to end.

    A stage solves ``min |M K x - y|^2 + w |x - z|^2`` exactly, in Fourier space, with the scene past the image domain
    found by a few conjugate-gradient steps. A U-Net maps the solution, two more with a quarter and four times the
    weight, and its memory of the last stage to the next z. The first stage, which has no z, has a smoothness prior.
    Weights and the strength of the prior are powers of the noise level, learned per stage. The U-Net shares its weights
    across stages and is conditioned on the stage.

    The scheme is that of DPIR (Zhang et al., PAMI 2021) and USRNet (Zhang et al., CVPR 2020).

    Parameters
    ----------
    stages : int
        Number of stages.
    widths, depths, decoder_depth
        See `UNet`.

    Raises
    ------
    ValueError
        If `stages` is less than 1, or `widths` and `depths` do not name the same scales.

    Examples
    --------
    >>> import torch
    >>> from deblur.networks import UnrolledHQS
    >>> net = UnrolledHQS(2, widths=(8, 16), depths=(1, 1), decoder_depth=1)
    >>> psf = torch.ones(5, 5) / 25
    >>> net(torch.rand(2, 1, 40, 50), psf, torch.tensor([0.01, 0.02])).shape
    torch.Size([2, 1, 40, 50])
    """

    def __init__(
        self,
        stages: int = 5,
        *,
        widths: Sequence[int] = (32, 64, 128),
        depths: Sequence[int] = (2, 2, 4),
        decoder_depth: int = 2,
    ) -> None:
        super().__init__()
        if stages < 1:
            raise ValueError(f"stages must be at least 1, got {stages}")
        self.stages = stages
        self.unet = UNet(
            len(_BALANCES) + _MEMORY,
            1 + _MEMORY,
            conditions=2 + stages,
            widths=widths,
            depths=depths,
            decoder_depth=decoder_depth,
        )
        # In NumPy: with tensors on the device "meta", on which weights are loaded, torch would import its compiler.
        part = np.linspace(0, 1, stages, dtype=np.float32)
        # Logarithms of the prior's noise level and of the data step's weight: (intercept, slope) in that of the noise.
        level = np.stack([(1 - part) * np.float32(math.log(_FIRST)), part])
        weight = np.stack([np.float32(math.log(0.3)) - 2 * level[0], 2 - 2 * level[1]])
        weight[:, 0] = -2 * math.log(0.05), 2
        self.level, self.weight = (nn.Parameter(torch.from_numpy(each)) for each in (level, weight))
        self.gain = nn.Parameter(torch.ones(stages))

    @torch.no_grad()
    def start_from(self, denoiser: Denoiser) -> None:
        """Copy the weights of a denoiser, so that the first estimates are those of plug-and-play.

        Parameters
        ----------
        denoiser : Denoiser
            For gray images, of the same widths and depths.

        Raises
        ------
        ValueError
            If its channels, widths or depths differ.
        """
        mine, theirs = self.unet.state_dict(), denoiser.unet.state_dict()
        block = self.unet.fold**2
        own = {name: value.shape for name, value in mine.items() if name not in _WIDER}
        if len(theirs["tail.bias"]) != block or own != {n: v.shape for n, v in theirs.items() if n not in _WIDER}:
            raise ValueError("denoiser must be for gray images and have the widths and depths of this network")
        for name, value in theirs.items():
            if name in ("head.weight", "embed.0.weight"):
                mine[name].zero_()
                mine[name][:, : value.shape[1]] = value
            elif name in ("tail.weight", "tail.bias"):
                mine[name][:block] = value
            else:
                mine[name].copy_(value)

    def forward(
        self,
        y: torch.Tensor,
        psf: torch.Tensor,
        noise_level: torch.Tensor,
        boundary: str = "unknown",
        weights: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Restore images.

        Parameters
        ----------
        y : torch.Tensor
            Blurred images on the scale [0, 1], shape ``(batch, 1, height, width)``.
        psf : torch.Tensor
            One PSF, shape ``(rows, columns)``, or one per image, ``(batch, rows, columns)``.
        noise_level : torch.Tensor
            Standard deviations of the noise, shape ``(batch,)``.
        boundary : {"unknown", "circular"}
            The boundary condition: the scene goes on past the image, or is periodic.
        weights : torch.Tensor, optional
            1 for valid samples, 0 for saturated or dead ones, of the shape of `y`.

        Returns
        -------
        torch.Tensor
            Shape of `y`.

        Raises
        ------
        ValueError
            If a shape does not fit, or `boundary` is unknown to this network.
        """
        return self.estimates(y, psf, noise_level, boundary, weights)[-1]

    def estimates(
        self,
        y: torch.Tensor,
        psf: torch.Tensor,
        noise_level: torch.Tensor,
        boundary: str = "unknown",
        weights: torch.Tensor | None = None,
    ) -> list[torch.Tensor]:
        """Return each stage's estimate from `y`, `psf`, `noise_level`, `boundary` and `weights`; see `forward`."""
        check_batch(y, psf, noise_level)
        frame, grid = tuple(y.shape[-2:]), grid_for(y, psf, boundary)
        blur = FramedBlur(y, psf[:, None] if psf.ndim == 3 else psf, grid, weights)
        log_noise = noise_level.clamp_min(_LOWEST_NOISE).log()[:, None]
        levels = (self.level[0] + self.level[1] * log_noise).exp()
        pulls = (self.weight[0] + self.weight[1] * log_noise).exp()[..., None, None, None]
        view = SeamlessView(frame, grid)
        smoothness = roughness(None, grid, y).sqrt()
        memory = y.new_zeros(len(y), _MEMORY, *view.shape)
        estimates, z = [], None
        for stage in range(self.stages):
            weight = pulls[:, stage] * (smoothness if z is None else 1.0)
            target = 0.0 if z is None else fourier(z, grid)
            filled = blur.fill(weight, target, num_iter=FILLING[stage > 0])
            solutions = [inverse_fourier(blur.filtered(filled, b * weight, target), grid) for b in _BALANCES]
            features = torch.cat([view.pad(torch.cat(solutions, 1)), memory], 1)
            one_hot = functional.one_hot(torch.full((len(y),), stage, device=y.device), self.stages).to(y.dtype)
            answer = self.unet(features, torch.cat([noise_features(levels[:, stage]), one_hot], 1))
            correction, memory = answer[:, :1].to(y.dtype), answer[:, 1:]
            z = solutions[0] - self.gain[stage] * view.crop(correction)
            estimates.append(corner(z, frame))
        return estimates
