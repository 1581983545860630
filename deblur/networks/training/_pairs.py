"""Blurred and noisy crops, with the PSF and the noise level as a user would know them."""

from __future__ import annotations

import numpy as np
import torch

from deblur import psf as psfs
from deblur.operators import Convolution
from deblur.solvers.padding import ROOM

from ._images import Photographs
from ._recipe import Batch

_GRIDS = (128, 160)  # padded grid for PSFs of up to 23 pixels, and for larger ones, which leave a smaller image
_NOISE = (0.002, 0.1)
_NOISE_LEVEL_ERROR = 0.08  # relative standard error of an estimated noise level
_SIZES = (7, 11, 15, 19, 23, 27, 31, 37, 41)


def random_psf(largest: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a PSF of at most ``largest`` x ``largest`` pixels: camera shake (two in three), line, disk or Gaussian."""
    kind, reach = rng.random(), largest - 3.0
    if kind < 0.67:
        seed, tremor = int(rng.integers(2**31)), rng.uniform(0.5, 2.5)
        psf = psfs.camera_shake(reach * rng.uniform(0.5, 1.0), seed=seed, tremor=tremor)
        psf = _soften(psf, rng.uniform(0.3, 0.8)) if rng.random() < 0.5 else psf
    elif kind < 0.8:
        psf = psfs.motion(reach * rng.uniform(0.3, 1.0), angle=rng.uniform(0, 180))
    elif kind < 0.9:
        psf = psfs.disk(reach / 2 * rng.uniform(0.2, 0.8))
    else:
        sigmas = reach / 6 * rng.uniform(0.2, 1.0, size=2)
        psf = psfs.gaussian(tuple(sigmas), angle=rng.uniform(0, 180))
    psf = _middle(psf, largest)
    return psf / psf.sum()


def blurred_batch(photographs: Photographs, count: int, rng: np.random.Generator) -> Batch:
    """Draw blurred crops of one shape, with PSFs of one size.

    A quarter of the batches is circular on the whole crop; the others are the valid part, smaller by the PSF. One crop
    in five is in linear light. Half of the batches are rounded to 8 bits, one in ten has Poisson noise, and one in four
    an inaccurate PSF.
    """
    largest = int(rng.choice(_SIZES))
    is_circular = rng.random() < 0.25
    grid = _GRIDS[largest > 23]
    sharp = torch.from_numpy(np.stack([_crop(photographs, grid, rng) for _ in range(count)]))
    kernels = torch.from_numpy(np.stack([random_psf(largest, rng) for _ in range(count)])).float()
    sharp, blurred = observe(sharp, kernels, is_circular=is_circular)
    levels = np.exp(rng.uniform(np.log(_NOISE[0]), np.log(_NOISE[1]), count)).astype(np.float32)
    noise = torch.from_numpy(rng.standard_normal(blurred.shape, np.float32))
    scale = torch.from_numpy(levels)[:, None, None]
    if rng.random() < 0.1:
        light = blurred.clamp_min(0)
        scale = scale * (light / light.mean((-2, -1), keepdim=True).clamp_min(0.02)).sqrt()
    blurred = blurred + scale * noise
    if rng.random() < 0.5:
        blurred = (blurred.clamp(0, 1) * 255).round() / 255
    if rng.random() < 0.25:
        kernels = _estimated(kernels, rng)
    levels *= np.exp(_NOISE_LEVEL_ERROR * rng.standard_normal(count, np.float32))
    return {
        "sharp": sharp[:, None],
        "blurred": blurred[:, None],
        "psf": kernels,
        "noise_level": torch.from_numpy(levels),
        "is_circular": torch.tensor(is_circular),
    }


def observe(sharp: torch.Tensor, kernels: torch.Tensor, *, is_circular: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Blur ``(batch, size, size)`` by one PSF per image; return the observed part, sharp and blurred.

    With an unknown border that is the part which nothing from outside reaches, less the room that the restoration's
    padded grid adds: the grid then has the size of the crop.
    """
    if is_circular:
        return sharp, Convolution(kernels, sharp.shape[-2:], "circular", method="fft")(sharp)
    kernel_size = kernels.shape[-1]
    blurred = Convolution(kernels, sharp.shape[-2:], "valid", method="fft")(sharp)
    frame = sharp.shape[-1] - (kernel_size - 1) - min(kernel_size, ROOM)
    # The sample of x under the first valid sample of y is the one that the PSF's center, k // 2, reaches.
    first = kernel_size - 1 - kernel_size // 2 + (blurred.shape[-1] - frame) // 2
    return sharp[..., first : first + frame, first : first + frame].contiguous(), _central(blurred, frame)


def _estimated(kernels: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Perturb PSFs as estimates are: often softer, values off by some percent, faint ones lost, 8 bits."""
    if rng.random() < 0.5:
        soft = torch.from_numpy(psfs.gaussian(rng.uniform(0.25, 0.5), 5)).float()
        kernels = Convolution(soft, kernels.shape[-2:], "zero")(kernels)
    factor = torch.from_numpy(1 + rng.uniform(0.02, 0.1) * rng.standard_normal(kernels.shape)).float()
    peak = kernels.amax((-2, -1), keepdim=True)
    kernels = (kernels * factor.clamp_min(0) / peak * 255).round()
    kernels = torch.where(kernels < 255 * rng.uniform(0, 0.04), 0.0, kernels)
    return kernels / kernels.sum((-2, -1), keepdim=True)


def _crop(photographs: Photographs, size: int, rng: np.random.Generator) -> np.ndarray:
    crop = photographs.crop(size, rng)
    return np.clip(crop, 0, 1) ** np.float32(2.2) if rng.random() < 0.2 else crop


def _soften(psf: np.ndarray, sigma: float) -> np.ndarray:
    soft = psfs.gaussian(sigma, 5)
    return np.maximum(Convolution(soft, psf.shape, "full")(psf), 0.0)  # rounding in the transform gives -1e-17


def _middle(psf: np.ndarray, size: int) -> np.ndarray:
    """Pad or crop a PSF to a square, keeping its center."""
    out = np.zeros((size, size))
    taken, put = [], []
    for k in psf.shape:
        low = min(k // 2, size // 2)
        high = min(k - k // 2, size - size // 2)
        taken.append(slice(k // 2 - low, k // 2 + high))
        put.append(slice(size // 2 - low, size // 2 + high))
    out[tuple(put)] = psf[tuple(taken)]
    return out


def _central(x: torch.Tensor, size: int) -> torch.Tensor:
    start = [(extent - size) // 2 for extent in x.shape[-2:]]
    return x[..., start[0] : start[0] + size, start[1] : start[1] + size].contiguous()
