"""Blurs with rotational symmetry about the optical axis: radial profiles per plane, integrated over the pixels.

The pupil integral is done by Gauss-Legendre quadrature, the pixels by a spline through the radius.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar
from scipy.special import j0

from ._grid import Psf, offsets

Phase = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``phase(pupil radii 0 to 1, positions in micrometers)``: radians, complex where light is evanescent."""

SAMPLES = 64
"""Samples of the radius per wavelength / NA: a cubic spline through them is exact to 1e-5 of the peak."""


def radial_profile(
    wavelength: float,
    na: float,
    phase: Phase,
    voxels: Sequence[float],
    sizes: Sequence[int],
    *,
    beyond: float = 0.0,
    critical: float = 1.0,
) -> CubicSpline:
    """Return the intensity along the radius, a spline with one value per plane, to the corner and `beyond`.

    `critical` is the pupil radius beyond which light is evanescent; the phase has a square root there.
    """
    corner = math.hypot(*(voxel * (size // 2 + 0.5) for voxel, size in zip(voxels[1:], sizes[1:], strict=True)))
    count = max(8, math.ceil((corner + beyond) * na / wavelength * SAMPLES) + 1)
    radii, z = np.linspace(0, corner + beyond, count), voxels[0] * offsets(sizes[0])

    # A rule of N points integrates N radians of phase to rounding.
    ends = phase(np.linspace(0, 1, 65), z[[0, -1]]).real
    turns = 2 * math.pi * na / wavelength * radii[-1] + np.abs(np.diff(ends, axis=0)).sum(0).max()
    rho, weights = _pupil(64 + math.ceil(turns), critical)

    def axis(z: np.ndarray) -> np.ndarray:
        return np.abs(weights @ np.exp(1j * phase(rho, z))) ** 2

    waves = j0(2 * math.pi * na / wavelength * np.multiply.outer(radii, rho)) * weights
    intensity = np.abs(waves @ np.exp(1j * phase(rho, z + _focus(axis, wavelength / na**2)))) ** 2
    return CubicSpline(radii, intensity)


def _pupil(count: int, critical: float) -> tuple[Psf, Psf]:
    """Return nodes from 0 to 1, and weights of a quadrature rule for the integral of f(rho) rho over them."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    t, weights = (nodes + 1) / 2, weights / 2
    if critical >= 1:
        return t, weights * t
    inner, outer = critical * np.sin(t * np.pi / 2), critical + (1 - critical) * t**2  # both make the root smooth
    slopes = critical * np.cos(t * np.pi / 2) * np.pi / 2, 2 * (1 - critical) * t
    rho = np.concatenate([inner, outer])
    return rho, np.concatenate([slope * weights for slope in slopes]) * rho


def _focus(axis: Callable[[np.ndarray], np.ndarray], unit: float) -> float:
    """Find the brightest point of the axis; without aberrations that is 0."""
    reach, step = 8 * unit, unit / 4
    while True:  # aberrations move it by some fraction of the depth
        z = np.arange(-reach, reach + step, step)
        best = int(axis(z).argmax())
        if 4 <= best < len(z) - 4 or reach > 1000 * unit:
            break
        reach *= 2
    found = minimize_scalar(
        lambda at: -float(axis(np.array([at]))[0]), bounds=(z[best] - step, z[best] + step), method="bounded"
    )
    return 0.0 if abs(found.x) < 1e-4 * unit else float(found.x)


def through_disk(emitted: CubicSpline, radius: float, radii: Psf) -> CubicSpline:
    """Average over a disk about every radius: a sum over rings, weighted by the area of each within the disk."""
    edges = emitted.x[emitted.x <= radii[-1] + radius + emitted.x[1]]
    weights = np.diff(_overlap(edges, radius, radii[:, None]), axis=1)
    return CubicSpline(radii, weights @ emitted((edges[1:] + edges[:-1]) / 2))


def _overlap(a: Psf, b: float, distance: Psf) -> Psf:
    """Return the common area of disks of radii a and b, as a fraction of the area of b."""
    d, tiny = np.maximum(distance, 1e-12 * b), 1e-300
    at_a = np.arccos(((d**2 + a**2 - b**2) / np.maximum(2 * d * a, tiny)).clip(-1, 1))
    at_b = np.arccos(((d**2 + b**2 - a**2) / (2 * d * b)).clip(-1, 1))
    return (a**2 * (at_a - np.sin(2 * at_a) / 2) + b**2 * (at_b - np.sin(2 * at_b) / 2)) / (math.pi * b**2)


def on_voxels(profile: CubicSpline, voxels: Sequence[float], sizes: Sequence[int]) -> Psf:
    """Integrate a radial profile over the pixels of every plane."""
    pixels = [np.arange(size // 2 + 1) for size in sizes[1:]]
    finest = max(voxels[1:]) / (profile.x[1] * SAMPLES)  # pixels in units of wavelength / NA
    nodes, weights = np.polynomial.legendre.leggauss(3 + math.ceil(4 * finest))
    quarter = np.zeros((sizes[0], len(pixels[0]), len(pixels[1])))
    for row_node, row_weight in zip(nodes / 2, weights, strict=True):
        for column_node, column_weight in zip(nodes / 2, weights, strict=True):
            y, x = (pixels[0] + row_node) * voxels[1], (pixels[1] + column_node) * voxels[2]
            values = profile(np.hypot(y[:, None], x)).clip(min=0)
            quarter += row_weight * column_weight * np.moveaxis(values, -1, 0)
    rows, columns = (np.abs(offsets(size)) for size in sizes[1:])
    psf: Psf = quarter[:, rows[:, None], columns]
    return psf / psf.sum()
