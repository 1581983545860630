"""The Z-module of the seed system: a small denoiser of dilated convolutions, one per noise level or stage."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

_DILATIONS = (1, 2, 3, 4, 3, 2, 1)
_SKIPS = {4: 2, 5: 1}


class DilatedDenoiser(nn.Module):
    """Seven convolutions with dilations 1, 2, 3, 4, 3, 2, 1 that predict the noise (IRCNN, Zhang et al., CVPR 2017).

    It is not conditioned on the noise level: one is trained per level. At 64 channels it has 186,497 parameters.

    Parameters
    ----------
    width : int
        Channels of the hidden layers.
    skips : bool
        Whether the second layer's output is added to the fourth's, and the first's to the fifth's, as in `UDN`.

    Raises
    ------
    ValueError
        If `width` is less than 1.

    Examples
    --------
    >>> import torch
    >>> from deblur.networks import DilatedDenoiser
    >>> DilatedDenoiser()(torch.rand(2, 1, 40, 33)).shape
    torch.Size([2, 1, 40, 33])
    """

    def __init__(self, width: int = 64, *, skips: bool = False) -> None:
        super().__init__()
        if width < 1:
            raise ValueError(f"width must be at least 1, got {width}")
        sizes = [1, *[width] * (len(_DILATIONS) - 1), 1]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, 3, padding=d, dilation=d)
            for a, b, d in zip(*zip(*pairwise(sizes), strict=True), _DILATIONS, strict=True)
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(width, eps=1e-4, momentum=0.05) for _ in _DILATIONS[1:-1])
        self.skips = skips

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Denoise `image`, shape ``(batch, 1, height, width)`` on the scale [0, 1], any size; the shape stays."""
        outputs = [self.convolutions[0](image).relu()]
        for layer, norm in zip(self.convolutions[1:-1], self.norms, strict=True):
            x = outputs[-1]
            if self.skips and len(outputs) in _SKIPS:
                x = x + outputs[_SKIPS[len(outputs)] - 1]
            outputs.append(norm(layer(x)).relu())
        return image - self.convolutions[-1](outputs[-1]).to(image.dtype)
