"""Operations on estimated point-spread functions: clean, center, enlarge, trim and compare."""

from __future__ import annotations

import math

import numpy as np
import scipy.ndimage
import torch
import torch.nn.functional as F

from deblur.psf import center, estimate_support, pad_to

_FAINT = 0.05  # of the largest value: fainter ones join parts that no path joins; by hand
_POINT = 0.1  # square pixels: the variance of a pixel, of kernels that have none along an axis


def cleaned(psf: torch.Tensor, *, threshold: float, least_part: float) -> torch.Tensor:
    """Clear negative and faint values and connected parts of small sum; scale to sum 1."""
    psf = psf.clamp_min(0)
    psf = torch.where(psf < threshold * psf.max(), 0, psf)
    if not float(psf.sum()) > 0:
        return delta(psf)
    parts, light = _connected(psf)
    kept = light >= min(least_part, float(light[1:].max()))
    kept[0] = False
    psf = psf * torch.from_numpy(kept[parts]).to(psf.device)
    return psf / psf.sum()


def centered(psf: torch.Tensor) -> torch.Tensor:
    """Move the centroid to the middle by whole pixels, keep the size, and scale to sum 1."""
    moved = center(psf)
    cut = tuple(
        slice(new // 2 - old // 2, new // 2 - old // 2 + old) for new, old in zip(moved.shape, psf.shape, strict=True)
    )
    return moved[cut] / moved[cut].sum()


def enlarged(psf: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bring a PSF to the grid of the next finer scale, or of a coarser one."""
    larger = F.interpolate(psf[None, None], shape, mode="bilinear", align_corners=False)[0, 0]
    if not float(larger.sum()) > 0:  # a thin PSF may fall between the samples of a coarser grid
        larger = F.interpolate(psf[None, None], shape, mode="area")[0, 0]
    return centered(larger.clamp_min(0))


def fitted_to(psf: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Pad or crop a kernel to a shape, about its middle, and scale to sum 1."""
    for axis, size in enumerate(shape):
        excess = psf.shape[axis] - size
        if excess > 0:
            psf = psf.narrow(axis, excess // 2, size)
    return pad_to(psf, shape) / psf.sum()


def delta(like: torch.Tensor) -> torch.Tensor:
    """Return the kernel that blurs nothing: one pixel."""
    psf = torch.zeros_like(like)
    psf[tuple(size // 2 for size in psf.shape)] = 1
    return psf


def trimmed(psf: torch.Tensor) -> torch.Tensor:
    """Crop the zero rows and columns at the border."""
    return psf[estimate_support(psf, energy=1)].contiguous()


def spread(psf: torch.Tensor) -> float:
    """Return the root mean square distance of a kernel's weight from its centroid, in pixels."""
    return math.sqrt(float(_moments(psf)[1].trace()))


def likeness_to_gaussian(psf: torch.Tensor) -> float:
    """Return the similarity of a kernel to the Gaussian of the same centroid and covariance, 0 to 1.

    Examples
    --------
    >>> import torch
    >>> from deblur.psf import camera_shake, gaussian
    >>> blob, shake = (torch.from_numpy(each).float() for each in (gaussian(3.0), camera_shake(27, seed=3)))
    >>> likeness_to_gaussian(blob) > 0.97, likeness_to_gaussian(shake) < 0.9
    (True, True)
    """
    offsets, covariance = _moments(psf)
    covariance += _POINT * torch.eye(2, dtype=psf.dtype, device=psf.device)
    exponents = (offsets @ torch.linalg.inv(covariance) * offsets).sum(1)
    return similarity(psf, torch.exp(-exponents / 2).reshape(psf.shape))


def least_width(psf: torch.Tensor) -> float:
    """Return the standard deviation of a kernel's weight across its longest direction, in pixels."""
    return math.sqrt(max(0.0, float(torch.linalg.eigvalsh(_moments(psf)[1])[0])))


def stroke_width(psf: torch.Tensor) -> float:
    """Return the width of a path in pixels: the area that its weight takes up, by the length of a straight one."""
    area = 1 / float((psf / psf.sum()).square().sum())
    return area / (math.sqrt(12) * max(spread(psf), math.sqrt(_POINT)))


def largest_part(psf: torch.Tensor) -> float:
    """Return the share of a kernel's weight in its largest connected part, faint values left out, 0 to 1.

    Examples
    --------
    >>> import torch
    >>> largest_part(torch.tensor([[2.0, 1.0, 0.01, 1.0]]))
    0.75
    """
    return float(_connected(torch.where(psf > _FAINT * psf.max(), psf, 0))[1].max())


def _connected(psf: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return which connected part each value belongs to, 0 for none, and the share of the sum that each part has."""
    values = (psf / psf.sum()).cpu().numpy()
    parts, count = scipy.ndimage.label(values > 0, structure=np.ones((3, 3)))
    return parts, scipy.ndimage.sum_labels(values, parts, np.arange(count + 1))


def _moments(psf: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the place of each pixel relative to the centroid, and the covariance of the weight."""
    places = torch.cartesian_prod(*(torch.arange(side).to(psf) for side in psf.shape))
    light = psf.flatten() / psf.sum()
    offsets = places - light @ places
    return offsets, offsets.T @ (light[:, None] * offsets)


def similarity(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the greatest normalized correlation of two kernels over all shifts (Hu and Yang, ECCV 2012)."""
    grid = tuple(m + n - 1 for m, n in zip(a.shape, b.shape, strict=True))
    spectrum = torch.fft.rfft2(a, s=grid) * torch.fft.rfft2(b, s=grid).conj()
    return float(torch.fft.irfft2(spectrum, s=grid).max() / (a.norm() * b.norm()))
