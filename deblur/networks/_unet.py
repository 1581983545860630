"""A residual U-Net with a choice of four upsampling layers, each of which has been called deconvolution."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

UPS = ("transpose", "subpixel", "resize", "unpool")
SKIPS = ("add", "concat")
_EMBEDDING = 64


class UNet(nn.Module):
    """Encoder and decoder of residual blocks, conditioned on a few values per image.

    There are no normalization layers, so the output does not depend on the other images of a batch. Images may have any
    size: they are padded to the next multiple of `multiple` by replicating the last row and column, and the output is
    cropped.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    conditions : int
        Length of the vector `condition` per image (noise level, stage ...); 0 for none.
    widths : sequence of int
        Channels at each scale, finest first.
    depths : sequence of int
        Residual blocks of the encoder at each scale; the last entry is the bottom's.
    decoder_depth : int
        Residual blocks of the decoder at each scale.
    fold : int
        The finest scale works on ``fold`` x ``fold`` blocks of pixels as channels (Shi et al., CVPR 2016).
    up : {"subpixel", "transpose", "resize", "unpool"}
        Upsampling layer: 1x1 convolution and pixel shuffle (Shi et al., CVPR 2016); transposed convolution
        (Ronneberger et al., MICCAI 2015); bilinear interpolation and convolution (Odena et al., Distill 2016); or
        unpooling to the positions of the encoder's maxima (SegNet, Badrinarayanan et al., PAMI 2017).
    skip : {"add", "concat"}
        How the decoder merges the encoder's features of its scale: by a sum (LinkNet, Chaurasia and Culurciello, VCIP
        2017) or by concatenation (U-Net).

    Attributes
    ----------
    multiple : int
        Shifts of the input by multiples of so many pixels shift the output alike.

    Raises
    ------
    ValueError
        If `widths` and `depths` do not name the same scales, or `up` or `skip` is unknown.

    Examples
    --------
    >>> import torch
    >>> from deblur.networks import UNet
    >>> net = UNet(1, 1, conditions=1, widths=(8, 16), depths=(1, 1), decoder_depth=1)
    >>> net(torch.rand(2, 1, 37, 50), torch.rand(2, 1)).shape
    torch.Size([2, 1, 37, 50])
    """

    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        *,
        conditions: int = 0,
        widths: Sequence[int] = (32, 64, 128),
        depths: Sequence[int] = (2, 2, 4),
        decoder_depth: int = 2,
        fold: int = 2,
        up: str = "subpixel",
        skip: str = "add",
    ) -> None:
        super().__init__()
        if len(widths) != len(depths) or not widths:
            raise ValueError(f"widths and depths must name the same scales, got {tuple(widths)} and {tuple(depths)}")
        if up not in UPS:
            raise ValueError(f"up must be {', '.join(UPS)}, got {up!r}")
        if skip not in SKIPS:
            raise ValueError(f"skip must be {', '.join(SKIPS)}, got {skip!r}")
        self.multiple = fold * 2 ** (len(widths) - 1)
        self.fold = fold
        embedding = _EMBEDDING if conditions else 0
        self.embed = _Embedding(conditions, embedding) if conditions else None
        self.head = nn.Conv2d(in_channels * fold**2, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_Blocks(w, depth, embedding) for w, depth in zip(widths, depths, strict=True))
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(_PoolDown(a, b) if up == "unpool" else nn.Conv2d(a, b, 2, 2) for a, b in steps)
        self.up = nn.ModuleList(_UP[up](b, a) for a, b in steps)
        self.merge = nn.ModuleList(_Concat(a) if skip == "concat" else _Add() for a, _ in steps)
        self.decoder = nn.ModuleList(_Blocks(a, decoder_depth, embedding) for a, _ in steps)
        self.tail = nn.Conv2d(widths[0], out_channels * fold**2, 3, padding=1)

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        """Map images.

        Parameters
        ----------
        x : torch.Tensor
            Shape ``(batch, in_channels, height, width)``, on the scale [0, 1], any size.
        condition : torch.Tensor, optional
            Shape ``(batch, conditions)``; None if the network has no conditions.

        Returns
        -------
        torch.Tensor
            Shape ``(batch, out_channels, height, width)``.

        Raises
        ------
        ValueError
            If a shape does not fit.
        """
        self._check(x, condition)
        height, width = x.shape[-2:]
        tall, wide = ((size + self.multiple - 1) // self.multiple * self.multiple for size in (height, width))
        x = functional.pad(x, (0, wide - width, 0, tall - height), mode="replicate")
        embedded = None if self.embed is None else self.embed(condition)
        h = self.head(functional.pixel_unshuffle(x, self.fold))
        skips: list[tuple[torch.Tensor, torch.Tensor | None]] = []
        for blocks, down in zip(self.encoder, self.down, strict=False):
            h = blocks(h, embedded)
            smaller, indices = down(h) if isinstance(down, _PoolDown) else (down(h), None)
            skips.append((h, indices))
            h = smaller
        h = self.encoder[-1](h, embedded)
        for up, merge, blocks in reversed(list(zip(self.up, self.merge, self.decoder, strict=True))):
            skip, indices = skips.pop()
            h = blocks(merge(up(h, indices), skip), embedded)
        return functional.pixel_shuffle(self.tail(h), self.fold)[..., :height, :width]

    def _check(self, x: torch.Tensor, condition: torch.Tensor | None) -> None:
        channels = self.head.in_channels // self.fold**2
        if x.ndim != 4 or x.shape[1] != channels or not x.numel():
            raise ValueError(f"images must have shape (batch, {channels}, height, width), got {tuple(x.shape)}")
        expected = None if self.embed is None else (x.shape[0], self.embed.conditions)
        given = None if condition is None else tuple(condition.shape)
        if given != expected:
            raise ValueError(f"condition must have shape {expected}, got {given}")


class _Embedding(nn.Sequential):
    def __init__(self, conditions: int, size: int) -> None:
        super().__init__(nn.Linear(conditions, size), nn.ReLU(), nn.Linear(size, size))
        self.conditions = conditions


class _Blocks(nn.Module):
    """Residual blocks of two convolutions, the embedding added between them."""

    def __init__(self, width: int, depth: int, embedding: int) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.second = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.shift = nn.ModuleList(nn.Linear(embedding, width) for _ in range(depth if embedding else 0))

    def forward(self, x: torch.Tensor, embedded: torch.Tensor | None) -> torch.Tensor:
        for index, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            h = first(x)
            if embedded is not None:
                h = h + self.shift[index](embedded)[:, :, None, None]
            x = x + second(functional.relu(h))
        return x


class _PoolDown(nn.Module):
    def __init__(self, fine: int, coarse: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(fine, coarse, 1)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pooled, indices = functional.max_pool2d(x, 2, return_indices=True)
        return self.mix(pooled), indices


class _Transpose(nn.Module):
    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.spread = nn.ConvTranspose2d(coarse, fine, 2, 2)

    def forward(self, x: torch.Tensor, indices: torch.Tensor | None) -> torch.Tensor:
        return self.spread(x)


class _Subpixel(nn.Module):
    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(coarse, 4 * fine, 1)

    def forward(self, x: torch.Tensor, indices: torch.Tensor | None) -> torch.Tensor:
        return functional.pixel_shuffle(self.mix(x), 2)


class _Resize(nn.Module):
    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(coarse, fine, 3, padding=1)

    def forward(self, x: torch.Tensor, indices: torch.Tensor | None) -> torch.Tensor:
        return self.mix(functional.interpolate(x, scale_factor=2, mode="bilinear"))


class _Unpool(nn.Module):
    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(coarse, fine, 1)

    def forward(self, x: torch.Tensor, indices: torch.Tensor | None) -> torch.Tensor:
        if indices is None:
            raise ValueError("unpooling needs the indices of the maxima")
        return functional.max_unpool2d(self.mix(x), indices, [2, 2])


class _Add(nn.Module):
    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return x + skip


class _Concat(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.cat([x, skip], 1))


_UP = {"transpose": _Transpose, "subpixel": _Subpixel, "resize": _Resize, "unpool": _Unpool}
