"""Blurs of a lens, each value the exact integral of the blur over its pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import j1, ndtr, ndtri, owens_t

from ._grid import Psf, Shape, choose_shape, direction, extent, finite, half_width, mirror, offsets
from ._kinds import kind

GAUSSIAN_LOSS = 1e-4
"""Fraction of the light that the default shape of a Gaussian may cut off per axis."""

FIRST_DARK_RING = 3.8317059702075125
"""The first zero of J1."""

AIRY_REACH = 64.02354017718918
"""Where J0² + J1² = 0.01, the share of an Airy pattern outside the circle v (Born and Wolf, section 8.5.2)."""

TINY = 1e-3
"""Least width in pixels: a thinner blur is indistinguishable from no blur, and the formulas divide by the width."""


@kind(
    {
        "gaussian:sigma=2": "soft; sigma=4x1,angle=30 is elliptic",
        "gaussian:sigma=3x1x1": "3-D, for stacks: planes x rows x columns",
    }
)
def gaussian(sigma: float | Sequence[float], shape: Shape = None, *, angle: float = 0.0) -> Psf:
    """Gaussian blur: isotropic, elliptic and rotated, or of a 3-D stack.

    Every value is the integral of the density over its pixel, in closed form (error functions; for a rotated ellipse,
    Owen's T function), so that narrow blurs are right too.

    Parameters
    ----------
    sigma : float or sequence of float
        Standard deviation in pixels. One number makes a round 2-D blur; a sequence has one number per axis, in the
        order of the array's axes: (row, column), or (plane, row, column). 0 means no blur along that axis.
    shape : int or tuple of int, optional
        Size in pixels, one for every axis or one each. By default the smallest odd size that cuts at most 0.01 % of
        the light off each axis. A smaller shape cuts the blur off, and rescales it to sum 1.
    angle : float
        Degrees by which a 2-D ellipse is turned, counter-clockwise on screen.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, centered on index k//2 of every axis.

    Raises
    ------
    TypeError, ValueError
        If `sigma` is not between 0 and 1e6, `shape` does not match it, or `angle` is not 0 for other than two axes.

    References
    ----------
    D. B. Owen, "Tables for computing bivariate normal probabilities", Ann. Math. Statist. 27 (1956).

    Examples
    --------
    >>> from deblur import psf
    >>> psf.gaussian(1.5).shape
    (13, 13)
    >>> psf.gaussian((4, 1)).shape, psf.gaussian((4, 1), angle=90).shape
    ((33, 9), (9, 33))
    >>> psf.gaussian((1, 2, 2)).shape
    (9, 17, 17)
    """
    sigmas = (sigma, sigma) if not isinstance(sigma, Sequence | np.ndarray) else tuple(sigma)
    if not 1 <= len(sigmas) <= 3:
        raise ValueError(f"sigma must be one number, or one for each of 1 to 3 axes, got {sigma!r}")
    widths = [max(extent(width, "sigma"), TINY) for width in sigmas]
    if finite(angle, "angle") != 0 and len(widths) != 2:
        raise ValueError(f"angle turns a 2-D Gaussian; sigma has {len(widths)} axes, so angle must be 0")

    shown = widths  # the standard deviations along the array's axes
    covariance = 0.0
    if angle != 0:
        row, column = direction(angle)
        shown = [math.hypot(widths[0] * column, widths[1] * row), math.hypot(widths[0] * row, widths[1] * column)]
        covariance = (widths[1] ** 2 - widths[0] ** 2) * row * column

    quantile = -ndtri(GAUSSIAN_LOSS / 2)
    sizes = choose_shape([half_width(quantile * width) for width in shown], shape)
    if covariance != 0:
        spread = shown[0] * shown[1]
        unexplained = (widths[0] * widths[1] / spread) ** 2  # 1 - correlation², without cancellation
        psf = _correlated_gaussian(shown, covariance / spread, unexplained, sizes)
    else:
        psf = np.ones(())
        for size, width in zip(sizes, shown, strict=True):
            psf = psf[..., None] * _gaussian_axis(size, width)
    return psf / psf.sum()


@kind({"disk:radius=4": "out of focus"})
def disk(radius: float, shape: Shape = None) -> Psf:
    """Disk of even light: a lens out of focus, in geometric optics.

    Every value is the exact area of the disk inside its pixel, so the rim is smooth and `radius` counts to a fraction
    of a pixel.

    Parameters
    ----------
    radius : float
        In pixels, from the center of the central pixel. Up to 0.5 the disk lies in that pixel: no blur.
    shape : int or tuple of int, optional
        Size in pixels, one for both axes or one each. By default the smallest odd size that holds the whole disk.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, centered on index k//2 of every axis.

    Raises
    ------
    TypeError, ValueError
        If `radius` is not between 0 and 1e6, or the disk does not fit into `shape`.

    Examples
    --------
    >>> from deblur import psf
    >>> (psf.disk(1) * 3.14159265).round(3)
    array([[0.079, 0.457, 0.079],
           [0.457, 1.   , 0.457],
           [0.079, 0.457, 0.079]])
    """
    radius = max(extent(radius, "radius"), TINY)
    half = half_width(radius)
    sizes = choose_shape((half, half), shape, f"a disk of radius {radius:g}")
    edges = np.clip(np.arange(max(sizes) // 2 + 2) - 0.5, -radius, radius)
    area = _disk_area(edges[:, None], edges[None, :], radius)
    psf = mirror(np.diff(np.diff(area, axis=0), axis=1).clip(min=0), sizes)
    return psf / psf.sum()


@kind({"airy:radius=6": "perfect lens; radius of the first dark ring"})
def airy(radius: float, shape: Shape = None) -> Psf:
    """Airy pattern: a perfect lens with a round pupil, limited by diffraction alone.

    The intensity at distance r is (2 J1(v) / v)² with v = 3.8317 r / `radius`, integrated over every pixel.

    Parameters
    ----------
    radius : float
        Radius of the first dark ring in pixels. It is 1.22 λ N / p for a camera (wavelength λ, f-number N, pixel
        pitch p) and 0.61 λ / (NA p) for a microscope (numerical aperture NA, pixel size p in the specimen), λ and p
        in the same unit.
    shape : int or tuple of int, optional
        Size in pixels, one for both axes or one each. By default the smallest odd size that holds a circle with 99 %
        of the light: the rings fade slowly, and that circle is 17 times as wide as the first dark ring. A smaller
        shape cuts the pattern off, and rescales it to sum 1.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, centered on index k//2 of every axis.

    Raises
    ------
    TypeError, ValueError
        If `radius` is not between 0.05 and 1e6, or `shape` is not one or two positive sizes.

    References
    ----------
    M. Born and E. Wolf, Principles of Optics, section 8.5.2.

    Examples
    --------
    Green light through a lens at f/16 on pixels of 4 µm:

    >>> from deblur import psf
    >>> radius = 1.22 * 0.55 * 16 / 4
    >>> psf.airy(radius, shape=9)[4].round(3)
    array([0.002, 0.001, 0.016, 0.099, 0.163, 0.099, 0.016, 0.001, 0.002])
    """
    if extent(radius, "radius") < 0.05:
        raise ValueError(f"radius must be at least 0.05 pixels, got {radius!r}")
    v_per_pixel = FIRST_DARK_RING / radius
    half = half_width(AIRY_REACH / v_per_pixel)
    sizes = choose_shape((half, half), shape)

    # Gauss-Legendre points in every pixel: as many make every value right to 1e-10.
    nodes, weights = np.polynomial.legendre.leggauss(4 + math.ceil(4 / radius))
    points = np.arange(max(sizes) // 2 + 1)[:, None] + nodes / 2
    corner = np.zeros((len(points), len(points)))
    for row_points, row_weight in zip(points.T, weights, strict=True):
        for column_points, column_weight in zip(points.T, weights, strict=True):
            v = np.hypot(row_points[:, None], column_points) * v_per_pixel
            v = np.maximum(v, 1e-8)  # the limit at the center, 1, without 0 / 0
            corner += row_weight * column_weight * (2 * j1(v) / v) ** 2
    psf = mirror(corner, sizes)
    return psf / psf.sum()


def _gaussian_axis(size: int, sigma: float) -> Psf:
    # The distance from the center only, with both ends on the side where the normal integral is small: exactly
    # symmetric, and accurate far out.
    distance = np.abs(offsets(size))
    return ndtr(-(distance - 0.5) / sigma) - ndtr(-(distance + 0.5) / sigma)


def _correlated_gaussian(sigma: Sequence[float], correlation: float, unexplained: float, shape: tuple[int, ...]) -> Psf:
    # Owen's formula gives the probability below and left of a pixel corner; corners are at half pixels, never at 0.
    rows, columns = ((np.arange(size + 1) - size // 2 - 0.5) / width for size, width in zip(shape, sigma, strict=True))
    row, column = rows[:, None], columns[None, :]
    slope = math.sqrt(unexplained)
    below = (
        (ndtr(row) + ndtr(column)) / 2
        - owens_t(row, (column / row - correlation) / slope)
        - owens_t(column, (row / column - correlation) / slope)
        - np.where(row * column < 0, 0.5, 0.0)
    )
    return np.diff(np.diff(below, axis=0), axis=1).clip(min=0)


def _disk_area(x: Psf, y: Psf, radius: float) -> Psf:
    # Area of the disk inside [0, x] × [0, y], for x and y up to `radius`; odd in both, so -0.5 works as an edge.
    def arc(t: Psf) -> Psf:
        return np.sqrt((radius - t) * (radius + t))  # and not r² - t², whose rounding may leave less than 0

    def below_arc(t: Psf) -> Psf:
        return (t * arc(t) + radius**2 * np.arcsin(t / radius)) / 2

    sign, x, y = np.sign(x) * np.sign(y), np.abs(x), np.abs(y)
    flat = np.minimum(x, arc(y))  # up to here the height is y, from here on the arc
    return sign * (y * flat + below_arc(x) - below_arc(flat))
