"""Where the light of a point-spread function is: in the middle, away from it, or in the corners.

All functions take non-negative float64 arrays of one to three axes and write into none.
"""

from __future__ import annotations

import numpy as np

_LOST = 0.0005
"""Share of the light on either side that is outside the support along an axis: together 99.9 % are within."""

_LEAST_GAP = 2
"""Least distance of the center from the support, in pixels, that is an error: conventions differ by one pixel."""


def light_along(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the sum over all other axes."""
    return values.sum(axis=tuple(other for other in range(values.ndim) if other != axis))


def from_corner(values: np.ndarray) -> np.ndarray | None:
    """Return a PSF whose center is index 0 of every axis, as an FFT wants it, with it on k//2; None for any other.

    Its light is in the corners and around the origin, and the middle is dark. Rolled by half its size, the light is
    in one piece around the center.
    """
    middle, origin = _middle(values.shape, 4), _middle(values.shape, 8)
    light = (values - np.quantile(values, 0.25)).clip(min=0)  # an offset is none
    total = float(light.sum())
    if total <= 0 or float(light[middle].sum()) > 0.1 * total:
        return None
    rolled = np.fft.fftshift(light)
    within = float(rolled[middle].sum())
    if within < 0.25 * total or float(light[middle].sum()) > within / 4:
        return None
    if float(rolled[origin].sum()) / total < rolled[origin].size / values.size:
        return None
    wraps = [_wraps(light_along(light, axis)) for axis in range(values.ndim) if values.shape[axis] > 1]
    if not all(fits for fits, _ in wraps) or not any(both for _, both in wraps):
        return None
    return np.fft.fftshift(values)


def distance_of_light(values: np.ndarray) -> tuple[int, ...]:
    """Return by how many whole pixels the light is away from the center along each axis; zeros if it surrounds it.

    Examples
    --------
    >>> distance_of_light(np.array([[0.0] * 9, [1.0, 1.0, 1.0] + [0.0] * 6, [0.0] * 9]))
    (0, -3)
    >>> distance_of_light(np.array([1.0, 1.0, 1.0, 1.0, 0.0]))
    (0,)
    """
    centroids, away = [], False
    for axis, size in enumerate(values.shape):
        light = light_along(values, axis)
        below = np.cumsum(light) / light.sum()
        first, last = int(np.searchsorted(below, _LOST)), int(np.searchsorted(below, 1 - _LOST))
        center = size // 2
        away |= max(first - center, center - last) >= _LEAST_GAP
        centroids.append(float(light @ np.arange(size)) / float(light.sum()) - center)
    return tuple(round(centroid) if away else 0 for centroid in centroids)


def without_dark_rim(values: np.ndarray) -> tuple[slice, ...]:
    """Return the smallest box about the center k//2 outside of which all values are exactly 0.

    Examples
    --------
    >>> without_dark_rim(np.array([0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0]))
    (slice(2, 5, None),)
    """
    box = []
    for axis, size in enumerate(values.shape):
        others = tuple(other for other in range(values.ndim) if other != axis)
        occupied = np.flatnonzero(values.any(axis=others))
        center = size // 2
        half = max(center - int(occupied[0]), int(occupied[-1]) - center, 0) if occupied.size else 0
        box.append(slice(max(center - half, 0), min(center + half + 1, size)))
    return tuple(box)


def _middle(shape: tuple[int, ...], parts: int) -> tuple[slice, ...]:
    """Return the voxels nearer to the center than one of `parts` of the size."""
    halves = [-(-size // parts) - 1 for size in shape]
    return tuple(slice(size // 2 - half, size // 2 + half + 1) for size, half in zip(shape, halves, strict=True))


def _wraps(light: np.ndarray) -> tuple[bool, bool]:
    """Return whether the light along an axis may be that of an origin at 0, and whether it is at both ends."""
    rolled = np.fft.fftshift(light)
    offsets = np.arange(len(light)) - len(light) // 2
    total = float(light.sum())
    mean = float(rolled @ offsets) / total
    spread = float(np.sqrt(max(float(rolled @ offsets**2) / total - mean**2, 0.0)))
    fits = abs(mean) <= max(0.25, 0.5 * spread) and light[0] >= 0.2 * light.max()
    half = len(light) // 2
    return bool(fits), bool(min(light[: half + 1].sum(), light[half + 1 :].sum()) >= 0.1 * total)
