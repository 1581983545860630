"""Measured point-spread functions: images of small beads, detected, aligned and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.ndimage
from scipy.interpolate import CubicSpline

from deblur._core.arrays import ArrayT, as_float_tensor

from ._adjust import normalize, validate
from ._grid import as_sizes

_LEAST_CORRELATION = 0.9
"""Least correlation of a bead with the median of all; clusters of beads and dirt have less."""

_CENTERING_STEPS = 20
"""Most iterations of the centroid, which converges in a few."""


class Beads(NamedTuple):
    """A point-spread function measured from beads.

    Attributes
    ----------
    psf : numpy.ndarray or torch.Tensor
        Mean of the beads used, non-negative, sum 1, its centroid on index k//2 of every axis.
    positions : numpy.ndarray
        Positions of the beads used, to a fraction of a voxel, shape ``(beads, axes)``.
    found : int
        Number of bright spots detected, including those rejected: near the border, near another, or unlike the rest.
    """

    psf: Any
    positions: np.ndarray
    found: int


def from_beads(image: ArrayT, shape: int | Sequence[int], *, threshold: float = 0.2, symmetrize: bool = False) -> Beads:
    """Measure a point-spread function from a picture or a stack of beads.

    Bright spots are detected, and kept if their window lies within the image and overlaps no other. The background of
    each, the median along the border of its window, is subtracted, and each is moved by cubic splines until its
    centroid is on the center. Beads that correlate with the median by less than 0.9 are left out.

    The result includes the size of the beads: use beads well below the resolution.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Two axes (y, x) or three (z, y, x).
    shape : int or tuple of int
        Size of the point-spread function, and of the window around each bead, which may overlap no other.
    threshold : float
        Least height of a bead above the background, as a fraction of the brightest one's; between 0 and 1.
    symmetrize : bool
        Whether to average about the optical axis, see `radially_averaged`.

    Returns
    -------
    Beads
        The point-spread function, and the positions of the beads.

    Raises
    ------
    TypeError, ValueError
        If the arguments do not fit, or no bead can be used; the message gives the reason.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((80, 90)); x[20, 20] = x[50, 30] = x[40, 70] = 1
    >>> y = Convolution(psf.gaussian(2.0), x.shape, "zero")(x) + 0.1
    >>> beads = psf.from_beads(y, 17)
    >>> beads.psf.shape, len(beads.positions), bool(abs(beads.psf - psf.gaussian(2.0, 17)).max() < 1e-4)
    ((17, 17), 3, True)
    """
    tensor, to_input_kind = as_float_tensor(image, "image")
    values = tensor.detach().cpu().double().numpy()
    if values.ndim not in (2, 3):
        raise ValueError(f"image must have 2 axes, or 3 for a stack, got shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("image has values that are NaN or infinite")
    sizes = as_sizes(shape, values.ndim)
    if any(size < 3 or size > extent for size, extent in zip(sizes, values.shape, strict=True)):
        raise ValueError(f"shape must be between 3 and the size of the image, {values.shape}, got {sizes}")
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must be between 0 and 1, got {threshold!r}")

    spots = _spots(values, sizes, threshold)
    alone = [spot for spot in spots if _is_alone(spot, spots, sizes, values.shape)]
    if not alone:
        raise ValueError(
            f"image has {len(spots)} bright spots, none alone in a window of {' x '.join(map(str, sizes))}: "
            "take a smaller shape"
        )
    windows, positions = zip(*(_centered(values, spot, sizes) for spot in alone), strict=True)
    correlation = _correlations(np.stack(windows))
    kept = correlation >= min(_LEAST_CORRELATION, correlation.max())
    mean = np.mean([window / window.sum() for window in np.stack(windows)[kept]], axis=0)
    mean = mean.clip(min=0)
    psf = normalize(radially_averaged(mean) if symmetrize else mean)
    return Beads(to_input_kind(tensor.new_tensor(psf)), np.stack(positions)[kept], len(spots))


def radially_averaged(psf: ArrayT) -> ArrayT:
    """Average a point-spread function about the optical axis: its last two axes, around their centers k//2.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Two axes (y, x) or three (z, y, x), of square pixels.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the same kind, shape and sum, each value the mean over the part of its circle that is within the array.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises, and if there are not two or three axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> blur = psf.radially_averaged(psf.gaussian((2.0, 1.0), 15))
    >>> bool(np.allclose(blur, blur.T)), round(float(blur.sum()), 6)
    (True, 1.0)
    """
    validate(psf)
    tensor, to_input_kind = as_float_tensor(psf, "psf")
    values = tensor.detach().cpu().double().numpy()
    if values.ndim not in (2, 3):
        raise ValueError(f"psf must have 2 or 3 axes, got shape {values.shape}")
    rows, columns = values.shape[-2:]
    y, x = np.arange(rows) - rows // 2, np.arange(columns) - columns // 2
    distance = np.hypot(y[:, None], x)
    radii = np.arange(0, distance.max() + 1, 0.5)
    angles = 2 * np.pi * (np.arange(64) + 0.5) / 64
    at = np.stack([np.outer(radii, np.sin(angles)) + rows // 2, np.outer(radii, np.cos(angles)) + columns // 2])
    edge = np.array([rows - 1, columns - 1]).reshape(2, 1, 1)
    inside = np.all((at >= 0) & (at <= edge), axis=0)
    planes = values.reshape(-1, rows, columns)
    sampled = np.stack([scipy.ndimage.map_coordinates(plane, at, order=3, mode="nearest") for plane in planes])
    seen = np.any(inside, axis=1)
    profile = (sampled * inside).sum(-1)[:, seen] / inside.sum(1)[seen]
    averaged = CubicSpline(radii[seen], profile, axis=1)(distance.clip(max=radii[seen][-1])).clip(min=0)
    return to_input_kind(tensor.new_tensor(averaged.reshape(values.shape) * (values.sum() / averaged.sum())))


def _spots(values: np.ndarray, sizes: tuple[int, ...], threshold: float) -> np.ndarray:
    """Find local maxima after a slight blur that suppresses noise."""
    from skimage.feature import peak_local_max

    smooth = scipy.ndimage.gaussian_filter(values, 1.0)
    floor = float(np.median(smooth))
    height = floor + threshold * (float(smooth.max()) - floor)
    return peak_local_max(smooth, min_distance=max(1, min(sizes) // 6), threshold_abs=height, exclude_border=False)


def _is_alone(spot: np.ndarray, spots: np.ndarray, sizes: tuple[int, ...], extent: tuple[int, ...]) -> bool:
    half = np.array(sizes) // 2
    if np.any(spot < half) or np.any(spot - half + sizes > extent):
        return False
    near: np.ndarray = np.abs(spots - spot) < np.array(sizes)
    return int(near.all(1).sum()) == 1  # itself: windows must not overlap


def _centered(values: np.ndarray, spot: np.ndarray, sizes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return a window with the centroid of its bead on the center, the background subtracted; and the position."""
    center = np.array(sizes) // 2
    grid = np.indices(sizes).reshape(len(sizes), -1) - center[:, None]
    # The window moves with the estimate: the centroid in a fixed window would be biased by what it cuts off.
    position = spot.astype(float)
    for _ in range(_CENTERING_STEPS):
        window = scipy.ndimage.map_coordinates(values, grid + position[:, None], order=3, mode="nearest")
        light = (window - _background(window.reshape(sizes))).clip(min=0)
        offset = (grid * light).sum(1) / light.sum()
        position = position + offset
        if np.abs(offset).max() < 1e-3:
            break
    window = scipy.ndimage.map_coordinates(values, grid + position[:, None], order=3, mode="nearest").reshape(sizes)
    return window - _background(window), position


def _background(window: np.ndarray) -> float:
    border = np.ones(window.shape, bool)
    border[tuple(slice(1, -1) for _ in window.shape)] = False
    return float(np.median(window[border]))


def _correlations(windows: np.ndarray) -> np.ndarray:
    """Correlate each window with the median of all."""
    flat = windows.reshape(len(windows), -1)
    flat = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    typical = np.median(flat, axis=0)
    return flat @ typical / np.linalg.norm(typical)
