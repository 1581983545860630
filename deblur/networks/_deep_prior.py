"""The two untrained generators of SelfDeblur, priors by their structure alone: one of images, one of kernels."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_SLOPE = 0.2  # of the rectifiers below zero


class Hourglass(nn.Sequential):
    """A generator of images: an encoder and decoder with narrow skip connections, from noise to [0, 1].

    Each scale halves the size by a convolution of stride 2, applies one more, runs the next scale, doubles the size by
    bilinear interpolation, and merges the skip connection; every 3x3 convolution reflects at the border and is
    followed by a normalization with the statistics of the image at hand and a leaky rectifier (Ulyanov et al., "Deep
    image prior", CVPR 2018). From the third scale on, a block compares all pairs of positions (Wang et al., "Non-local
    neural networks", CVPR 2018), as in Ren et al., "Neural blind deconvolution using deep priors", CVPR 2020; the
    widths there are those given here as defaults.

    It is never trained on a data set: its weights are fitted to a single image. The output has the size of the input,
    which must be at least ``2**scales + 1``.

    Parameters
    ----------
    in_channels : int
        Channels of the noise.
    width : int
        Channels at every scale.
    across : int
        Channels of the skip connection of each scale.
    scales : int
        How many times the size is halved.

    Examples
    --------
    >>> import torch
    >>> net = Hourglass()
    >>> sum(parameter.numel() for parameter in net.parameters())
    2365521
    >>> Hourglass(width=8, across=2, scales=3)(torch.rand(1, 8, 21, 34)).shape
    torch.Size([1, 1, 21, 34])
    """

    def __init__(self, in_channels: int = 8, *, width: int = 128, across: int = 16, scales: int = 5) -> None:
        super().__init__(
            _Scale(in_channels, width, across, range(scales)), nn.Conv2d(width, 1, kernel_size=1), nn.Sigmoid()
        )


class KernelGenerator(nn.Sequential):
    """A generator of kernels: one hidden layer, and a softmax that makes them positive and sum to 1.

    Ren et al., "Neural blind deconvolution using deep priors", CVPR 2020.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the kernel.
    inputs, hidden : int
        Numbers of inputs and of hidden units.

    Examples
    --------
    >>> import torch
    >>> net = KernelGenerator((21, 21))
    >>> sum(parameter.numel() for parameter in net.parameters())
    642441
    >>> kernel = net(torch.rand(200)).detach()
    >>> kernel.shape, round(float(kernel.sum()), 4)
    (torch.Size([21, 21]), 1.0)
    """

    def __init__(self, shape: tuple[int, int], *, inputs: int = 200, hidden: int = 1000) -> None:
        super().__init__(
            nn.Linear(inputs, hidden),
            nn.ReLU6(),
            nn.Linear(hidden, shape[0] * shape[1]),
            nn.Softmax(dim=-1),
            nn.Unflatten(-1, shape),
        )

    @torch.no_grad()
    def start_from(self, kernel: torch.Tensor, *, floor: float = 1e-3) -> None:
        """Set the weights so that the output is a given kernel whatever the input, and can still change in training.

        Parameters
        ----------
        kernel : torch.Tensor
            Not negative, of the shape of the output.
        floor : float
            Least value, as a fraction of the largest: a zero could never grow.
        """
        last = self[2]
        assert isinstance(last, nn.Linear)
        last.weight.zero_()
        last.bias.copy_(kernel.clamp_min(floor * kernel.max()).log().flatten())


class _Scale(nn.Module):
    """One scale of the hourglass, with all coarser scales inside."""

    def __init__(self, in_channels: int, width: int, across: int, scales: range) -> None:
        super().__init__()
        self.skip = _convolution(in_channels, across, 1)
        self.down = _convolution(in_channels, width, 3, stride=2)
        self.compare = _Comparison(width) if scales[0] >= 2 else nn.Identity()
        self.refine = _convolution(width, width, 3)
        self.coarser = _Scale(width, width, across, scales[1:]) if len(scales) > 1 else nn.Identity()
        self.merge = nn.Sequential(
            _normalization(across + width), *_convolution(across + width, width, 3), *_convolution(width, width, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep = self.coarser(self.refine(self.compare(self.down(x))))
        deep = functional.interpolate(deep, scale_factor=2, mode="bilinear")
        return self.merge(torch.cat([self.skip(x), deep[..., : x.shape[-2], : x.shape[-1]]], 1))


class _Comparison(nn.Module):
    """A non-local block: adds to each position a sum over all positions, weighted by their similarity; zero at first.

    Similarity is a product, not an exponential, so the sum over positions can be taken first: memory grows with the
    number of positions and not with its square.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(width, width // 2, 1)
        self.key = nn.Conv2d(width, width // 2, 1)
        self.value = nn.Conv2d(width, width // 2, 1)
        normalization = _normalization(width)
        nn.init.zeros_(normalization.weight)
        self.out = nn.Sequential(nn.Conv2d(width // 2, width, 1), normalization)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        query = self.query(x).flatten(2)
        key, value = (functional.max_pool2d(layer(x), 2).flatten(2) for layer in (self.key, self.value))
        attended = (value @ key.mT / key.shape[-1]) @ query
        return x + self.out(attended.unflatten(2, x.shape[2:]))


def _convolution(into: int, out: int, size: int, *, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(into, out, size, stride, padding=size // 2, padding_mode="reflect")
    return nn.Sequential(layer, _normalization(out), nn.LeakyReLU(_SLOPE))


def _normalization(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, track_running_stats=False)
