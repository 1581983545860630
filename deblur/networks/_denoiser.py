"""Denoisers: the learned priors of plug-and-play restoration."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ._unet import UNet

_TYPICAL = 0.03  # noise level at which the logarithmic feature is 0: the middle of the trained range


def noise_features(noise_level: torch.Tensor) -> torch.Tensor:
    """Return the noise level as two features, logarithmic and linear: shape ``(batch,)`` to ``(batch, 2)``."""
    return torch.stack([torch.log(noise_level.clamp_min(1e-4) / _TYPICAL), 10 * noise_level], dim=1)


def check_noise_levels(noise_level: torch.Tensor, images: torch.Tensor) -> None:
    """Raise `ValueError` unless there is one noise level per image of a batch."""
    if noise_level.shape != images.shape[:1]:
        shapes = f"{tuple(noise_level.shape)} for images {tuple(images.shape)}"
        raise ValueError(f"noise_level must have shape (batch,), one per image, got {shapes}")


class Denoiser(nn.Module):
    """A U-Net that removes white Gaussian noise of a known level: a learned prior (DRUNet, Zhang et al., PAMI 2021).

    It predicts the noise and subtracts it. Every block is conditioned on the noise level.

    Parameters
    ----------
    channels : int
        1 for gray, 3 for color.
    widths, depths, decoder_depth
        See `UNet`.

    Raises
    ------
    ValueError
        If `widths` and `depths` do not name the same scales.

    Examples
    --------
    >>> import torch
    >>> from deblur.networks import Denoiser
    >>> net = Denoiser(widths=(8, 16), depths=(1, 1), decoder_depth=1)
    >>> net(torch.rand(2, 1, 31, 40), torch.tensor([0.05, 0.1])).shape
    torch.Size([2, 1, 31, 40])
    """

    def __init__(
        self,
        channels: int = 1,
        *,
        widths: Sequence[int] = (32, 64, 128),
        depths: Sequence[int] = (2, 2, 4),
        decoder_depth: int = 2,
    ) -> None:
        super().__init__()
        self.unet = UNet(channels, channels, conditions=2, widths=widths, depths=depths, decoder_depth=decoder_depth)

    def forward(self, image: torch.Tensor, noise_level: torch.Tensor) -> torch.Tensor:
        """Denoise images.

        Parameters
        ----------
        image : torch.Tensor
            Shape ``(batch, channels, height, width)``, on the scale [0, 1], any size.
        noise_level : torch.Tensor
            Standard deviations on that scale, shape ``(batch,)``; trained from 0 to 50/255.

        Returns
        -------
        torch.Tensor
            Shape and dtype of `image`.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        check_noise_levels(noise_level, image)
        return image - self.unet(image, noise_features(noise_level)).to(image.dtype)
