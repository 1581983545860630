"""Input validation of all non-blind methods: channel axis, weights, noise level, point-spread function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from deblur._core.arrays import FAINTEST, Array, as_float_tensor
from deblur.psf import validate

_GAINS = 1e-12, 1e12  # within: results are those of a PSF of sum 1, scaled


def channel_first(image: Array, channel_axis: int | None) -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
    """Return an image with its channel axis moved to the front, and the function that undoes it for a result."""
    y, give_back = as_float_tensor(image, "image")
    if channel_axis is None:
        return y, lambda x: give_back(x.contiguous())
    if not -y.ndim <= channel_axis < y.ndim:
        raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(y.shape)}")
    return y.movedim(channel_axis, 0), lambda x: give_back(x.movedim(0, channel_axis).contiguous())


def checked_noise_level(given: Any, y: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Return a given noise level as a tensor that broadcasts over `axes`, one value per image."""
    try:
        level = torch.as_tensor(given, dtype=y.dtype, device=y.device)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"noise_level must be a number, or one per image, got {given!r}") from None
    batch = tuple(y.shape[: y.ndim - len(axes)])
    if level.ndim > len(batch) or any(
        size not in (1, images) for size, images in zip(reversed(level.shape), reversed(batch), strict=False)
    ):
        raise ValueError(f"noise_level of shape {tuple(level.shape)} must be one number, or one per image: {batch}")
    if not bool(torch.isfinite(level).all()) or bool((level < 0).any()):
        raise ValueError(f"noise_level must be finite and not negative, got {given}")
    return level.reshape(*level.shape, *(1 for _ in axes)) if level.ndim else level


def checked_psf(psf: Array, ndim: int | None) -> tuple[torch.Tensor, int]:
    """Return a valid PSF as a tensor, and its number of spatial axes."""
    kernel = as_float_tensor(psf, "psf")[0]
    n = kernel.ndim if ndim is None else ndim
    if not 1 <= n <= min(3, kernel.ndim):
        raise ValueError(f"ndim must be 1 to {min(3, kernel.ndim)}, the number of spatial axes, got {n}")
    for one in kernel.reshape(-1, *kernel.shape[kernel.ndim - n :]):
        validate(one)
    return kernel, n


def used_shape(kernel: torch.Tensor, n: int) -> tuple[int, ...]:
    """Return the spatial shape of the PSFs of a batch without what is zero around them, about their center.

    Examples
    --------
    >>> import torch
    >>> used_shape(torch.nn.functional.pad(torch.ones(3, 4), (3, 2, 5, 6)), 2)
    (5, 5)
    """
    shape = []
    for axis in range(-n, 0):
        size, center = kernel.shape[axis], kernel.shape[axis] // 2
        used = kernel.movedim(axis, -1).reshape(-1, size).any(0).nonzero()
        reach = int((used - center).abs().max())
        shape.append(min(size, center + reach + 1) - max(0, center - reach))
    return tuple(shape)


def check_fit(kernel: torch.Tensor, y: torch.Tensor, n: int) -> None:
    """Raise `ValueError` unless each PSF fits into its image."""
    frame, kernel_shape = y.shape[y.ndim - n :], kernel.shape[kernel.ndim - n :]
    if any(k > size for k, size in zip(kernel_shape, frame, strict=True)):
        raise ValueError(
            f"psf is larger than the image: {_times(kernel_shape)} against {_times(frame)} along the last {n} axes; "
            "crop it, or for colour give channel_axis"
        )
    lead, batch = tuple(kernel.shape[: kernel.ndim - n]), tuple(y.shape[: y.ndim - n])
    if lead and batch[len(batch) - len(lead) :] != lead:
        raise ValueError(f"psf has a batch of {lead} kernels, image a batch of {batch}: one psf for each image")


def check_gain(gain: torch.Tensor, y: torch.Tensor) -> None:
    """Raise `ValueError` where the sum of the PSF, or the scene's brightness with it, exceeds the numeric range."""
    gain, y = gain.detach(), y.detach()
    least, most, brightest = float(gain.min()), float(gain.max()), float(torch.linalg.vector_norm(y, torch.inf))
    dark = 0 < brightest / most < FAINTEST
    bright = brightest / least > torch.finfo(y.dtype).max ** 0.4
    if dark or bright or not _GAINS[0] <= least <= most <= _GAINS[1]:
        raise ValueError(
            f"psf has a sum of {most if dark else least:.3g} beside an image of values up to {brightest:.3g}, too far "
            "from 1 to compute with; psf.normalize makes it 1"
        )


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
