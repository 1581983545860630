"""Three-dimensional blurs of a microscope, from its optics.

All are round about the optical axis, so each is computed along a radius, plane by plane, and then integrated over
the pixels: the pupil integral by Gauss-Legendre quadrature, the pixels by a spline through the radius.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar
from scipy.special import j0

from ._grid import Psf, Shape, choose_shape, finite, half_width, offsets
from ._optics import FIRST_DARK_RING

Phase = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``phase(pupil radii 0 to 1, positions in micrometers)``: radians, complex where light is evanescent."""

DARK_POINTS = 2.0
"""The default shape ends at this dark point of the optical axis, and at the cone of light there."""

SAMPLES = 64
"""Of the radius for each wavelength / NA: a cubic spline through them is right to 1e-5 of the peak."""


def born_wolf(
    wavelength: float, na: float, voxel_size: float | Sequence[float], shape: Shape = None, *, index: float = 1.515
) -> Psf:
    r"""Widefield microscope without aberrations, in the paraxial approximation.

    .. math::

        h(r, z) = \left| \int_0^1 J_0(k\,\mathrm{NA}\,r\rho)\;
        e^{-i k \mathrm{NA}^2 z \rho^2 / 2n}\;\rho\,d\rho \right|^2, \qquad k = 2\pi / \lambda

    In focus this is the Airy pattern, first dark at 0.61 λ/NA; along the axis it is first dark at 2 n λ/NA².

    Parameters
    ----------
    wavelength : float
        Of the light that is detected, in a vacuum, in micrometers (GFP: 0.51).
    na : float
        Numerical aperture of the objective, below `index`.
    voxel_size : float or sequence of float
        Distance of planes, rows and columns in the specimen, (z, y, x), in micrometers; one number if they are equal.
    shape : int or tuple of int, optional
        Size in voxels, (z, y, x). By default the smallest odd one that reaches the second dark point on the axis, and
        to the side the cone of light there. What a shape cuts off is shared out again: the sum is 1.
    index : float
        Refractive index of the immersion medium, and of the specimen.

    Returns
    -------
    numpy.ndarray
        float64, three axes (z, y, x), non-negative, sum 1, centered on index k//2. Each value is integrated over
        its pixel and taken at its plane.

    Raises
    ------
    TypeError, ValueError
        If a length or an index is not positive, or `na` is not below `index`.

    See Also
    --------
    gibson_lanni : Without the paraxial approximation, and with the aberrations of a real preparation.

    References
    ----------
    M. Born and E. Wolf, Principles of Optics, section 8.8.

    Examples
    --------
    >>> from deblur import psf
    >>> psf.born_wolf(0.51, 0.8, (0.25, 0.1, 0.1), (5, 9, 9), index=1.0)[:, 4, 4].round(3)
    array([0.013, 0.017, 0.018, 0.017, 0.013])
    """
    _check_optics(wavelength, na, index)
    voxels = _voxels(voxel_size)
    sizes = _sizes(wavelength, na, index, voxels, shape)

    def phase(rho: np.ndarray, z: np.ndarray) -> np.ndarray:
        return -math.pi / wavelength * na**2 / index * np.multiply.outer(rho**2, z)

    return _on_voxels(_radial(wavelength, na, phase, voxels, sizes), voxels, sizes)


def gibson_lanni(
    wavelength: float,
    na: float,
    voxel_size: float | Sequence[float],
    shape: Shape = None,
    *,
    depth: float = 0.0,
    specimen_index: float = 1.33,
    immersion_index: float = 1.515,
    design_immersion_index: float | None = None,
    glass_index: float = 1.515,
    design_glass_index: float | None = None,
    glass_thickness: float = 170.0,
    design_glass_thickness: float | None = None,
    working_distance: float = 150.0,
) -> Psf:
    r"""Widefield microscope, with the aberrations of specimen, cover glass and immersion medium.

    As `born_wolf`, with the phase k times the optical path difference of Gibson and Lanni, without approximation for
    high apertures. With :math:`c(n) = \sqrt{n^2 - \mathrm{NA}^2\rho^2}`,

    .. math::

        W = d\,c(n_s) + t_g\,c(n_g) - t_g^*\,c(n_g^*) + t_i\,c(n_i) - t_i^*\,c(n_i^*), \qquad
        t_i = z + n_i\,(t_g^*/n_g^* - t_g/n_g + t_i^*/n_i^* - d/n_s),

    where a star marks what the objective was made for: d `depth`, t_g `glass_thickness`, t_i* `working_distance`.
    Where nothing differs from its star and `depth` is 0, it is `born_wolf` up to terms of order (NA/n)⁴; there the
    first dark point on the axis is at λ / (n - c(n)).

    Parameters
    ----------
    wavelength : float
        Of the light that is detected, in a vacuum, in micrometers (GFP: 0.51).
    na : float
        Numerical aperture of the objective, below the indices of immersion and glass.
    voxel_size : float or sequence of float
        Distance of planes, rows and columns, (z, y, x), in micrometers; one number if they are equal. Planes are
        counted by the movement of the stage.
    shape : int or tuple of int, optional
        Size in voxels, (z, y, x); by default as `born_wolf` chooses it, for the immersion medium.
    depth : float
        Of the point below the cover glass, in micrometers.
    specimen_index : float
        Refractive index of what the point lies in; below `na`, the light beyond the critical angle counts too.
    immersion_index, design_immersion_index : float, optional
        Refractive index of the immersion medium, and that the objective was made for; the same if None.
    glass_index, design_glass_index : float, optional
        Of the cover glass.
    glass_thickness, design_glass_thickness : float, optional
        Of the cover glass, in micrometers.
    working_distance : float
        Thickness of the immersion medium that the objective was made for, in micrometers.

    Returns
    -------
    numpy.ndarray
        float64, three axes (z, y, x), non-negative, sum 1. The brightest point of the axis is on index k//2: where
        aberrations move the focus, the planes are counted from there. Each value is integrated over its pixel and
        taken at its plane.

    Raises
    ------
    TypeError, ValueError
        If a length or an index is not positive, `depth` is negative, or `na` is not below the indices.

    References
    ----------
    S. F. Gibson and F. Lanni, "Experimental test of an analytical model of aberration in an oil-immersion objective
    lens", J. Opt. Soc. Am. A 8 (1991), eq. 5.

    Examples
    --------
    An oil objective looks 5 µm into water: the light is not the same above and below.

    >>> from deblur import psf
    >>> blur = psf.gibson_lanni(0.51, 1.2, (0.3, 0.1, 0.1), (7, 31, 31), depth=5)
    >>> blur[:, 15, 15].round(4)
    array([0.0011, 0.0032, 0.0127, 0.0187, 0.0139, 0.0067, 0.0037])
    """
    design_immersion_index = immersion_index if design_immersion_index is None else design_immersion_index
    design_glass_index = glass_index if design_glass_index is None else design_glass_index
    design_glass_thickness = glass_thickness if design_glass_thickness is None else design_glass_thickness
    for name, index in [
        ("immersion_index", immersion_index),
        ("design_immersion_index", design_immersion_index),
        ("glass_index", glass_index),
        ("design_glass_index", design_glass_index),
    ]:
        _check_optics(wavelength, na, index, name)
    for name, value in [
        ("specimen_index", specimen_index),
        ("glass_thickness", glass_thickness),
        ("design_glass_thickness", design_glass_thickness),
        ("working_distance", working_distance),
    ]:
        _positive(value, name)
    if finite(depth, "depth") < 0:
        raise ValueError(f"depth must not be negative, got {depth!r}")
    voxels = _voxels(voxel_size)
    sizes = _sizes(wavelength, na, immersion_index, voxels, shape)

    def phase(rho: np.ndarray, z: np.ndarray) -> np.ndarray:
        def c(n: float) -> np.ndarray:
            root = np.sqrt((n**2 - na**2 * rho**2).astype(complex))
            return root - n  # the path of the axis is the same for all, and huge

        ratio = design_glass_thickness / design_glass_index - glass_thickness / glass_index
        at_focus = immersion_index * (ratio + working_distance / design_immersion_index - depth / specimen_index)
        aberration = (
            depth * c(specimen_index)
            + glass_thickness * c(glass_index)
            - design_glass_thickness * c(design_glass_index)
            + at_focus * c(immersion_index)
            - working_distance * c(design_immersion_index)
        )
        return 2 * math.pi / wavelength * (np.multiply.outer(c(immersion_index), z) + aberration[:, None])

    profile = _radial(wavelength, na, phase, voxels, sizes, critical=specimen_index / na)
    return _on_voxels(profile, voxels, sizes)


def confocal(
    wavelength: float,
    na: float,
    voxel_size: float | Sequence[float],
    shape: Shape = None,
    *,
    excitation: float,
    pinhole: float = 1.0,
    index: float = 1.515,
) -> Psf:
    """Confocal microscope: the light that excites, times that which comes back through the pinhole.

    Both are `born_wolf` patterns, of two wavelengths; the second is averaged over the pinhole. A wide pinhole leaves
    the first alone, a closed one makes the product.

    Parameters
    ----------
    wavelength : float
        Of the light that is detected, in a vacuum, in micrometers (GFP: 0.51).
    na : float
        Numerical aperture of the objective, below `index`.
    voxel_size : float or sequence of float
        Distance of planes, rows and columns, (z, y, x), in micrometers; one number if they are equal.
    shape : int or tuple of int, optional
        Size in voxels, (z, y, x); by default as `born_wolf` chooses it.
    excitation : float
        Wavelength of the laser, in micrometers (GFP: 0.488).
    pinhole : float
        Diameter of the pinhole in Airy units of 1.22 `wavelength` / `na`; 0 for a point.
    index : float
        Refractive index of the immersion medium, and of the specimen.

    Returns
    -------
    numpy.ndarray
        float64, three axes (z, y, x), non-negative, sum 1, centered on index k//2.

    Raises
    ------
    TypeError, ValueError
        If a length or an index is not positive, `pinhole` is not between 0 and 100, or `na` is not below `index`.

    References
    ----------
    T. Wilson, "Resolution and optical sectioning in the confocal microscope", J. Microscopy 244 (2011).

    Examples
    --------
    >>> from deblur import psf
    >>> optics = {"wavelength": 0.51, "na": 1.2, "voxel_size": (0.2, 0.05, 0.05), "shape": (11, 21, 21)}
    >>> wide, narrow = psf.born_wolf(**optics), psf.confocal(**optics, excitation=0.488)
    >>> bool(narrow[5].sum() > 1.8 * wide[5].sum())  # it sees one plane more than others
    True
    """
    _check_optics(wavelength, na, index)
    _positive(excitation, "excitation")
    if not 0 <= finite(pinhole, "pinhole") <= 100:
        raise ValueError(f"pinhole must be between 0 and 100 Airy units, got {pinhole!r}")
    voxels = _voxels(voxel_size)
    sizes = _sizes(wavelength, na, index, voxels, shape)
    radius = pinhole * FIRST_DARK_RING / (2 * math.pi) * wavelength / na  # half of 1.22 wavelength / na

    def phase(rho: np.ndarray, z: np.ndarray) -> np.ndarray:  # in wavelengths
        return -math.pi * na**2 / index * np.multiply.outer(rho**2, z)

    def of(length: float, beyond: float) -> CubicSpline:
        return _radial(length, na, lambda rho, z: phase(rho, z) / length, voxels, sizes, beyond=beyond)

    exciting, emitted = of(excitation, 0.0), of(wavelength, radius)
    if radius > 0:
        emitted = _through_disk(emitted, radius, exciting.x)
    return _on_voxels(CubicSpline(exciting.x, exciting(exciting.x) * emitted(exciting.x)), voxels, sizes)


def _positive(value: float, name: str) -> None:
    if finite(value, name) <= 0:
        raise ValueError(f"{name} must be above 0, got {value!r}")


def _check_optics(wavelength: float, na: float, index: float, name: str = "index") -> None:
    for what, value in [("wavelength", wavelength), ("na", na), (name, index)]:
        _positive(value, what)
    if na >= index:
        raise ValueError(f"na must be below {name}, {index:g}, got {na!r}")


def _voxels(voxel_size: float | Sequence[float]) -> tuple[float, ...]:
    voxels = tuple(voxel_size) if isinstance(voxel_size, Sequence | np.ndarray) else (voxel_size,) * 3
    if len(voxels) != 3:
        raise ValueError(f"voxel_size must be one number, or three (z, y, x), got {voxel_size!r}")
    for size in voxels:
        _positive(size, "voxel_size")
    return tuple(float(size) for size in voxels)


def _sizes(wavelength: float, na: float, index: float, voxels: Sequence[float], shape: Shape) -> tuple[int, ...]:
    along = DARK_POINTS * 2 * index * wavelength / na**2
    aside = along * na / math.sqrt(index**2 - na**2) + FIRST_DARK_RING / (2 * math.pi) * wavelength / na
    reach = [along, aside, aside]
    return choose_shape([half_width(r / voxel) for r, voxel in zip(reach, voxels, strict=True)], shape)


def _radial(
    wavelength: float,
    na: float,
    phase: Phase,
    voxels: Sequence[float],
    sizes: Sequence[int],
    *,
    beyond: float = 0.0,
    critical: float = 1.0,
) -> CubicSpline:
    """Return the intensity along the radius, a spline with one value a plane, as far as the voxels go and `beyond`.

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
    """Return radii from 0 to 1, and what the value at each weighs in the integral over them times the radius."""
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


def _through_disk(emitted: CubicSpline, radius: float, radii: Psf) -> CubicSpline:
    """Average over a disk about every radius: rings about the axis, each as far as it lies in the disk."""
    edges = emitted.x[emitted.x <= radii[-1] + radius + emitted.x[1]]
    weights = np.diff(_overlap(edges, radius, radii[:, None]), axis=1)
    return CubicSpline(radii, weights @ emitted((edges[1:] + edges[:-1]) / 2))


def _overlap(a: Psf, b: float, distance: Psf) -> Psf:
    """Return the area that disks of radii a and b have in common, as a part of that of b."""
    d, tiny = np.maximum(distance, 1e-12 * b), 1e-300
    at_a = np.arccos(((d**2 + a**2 - b**2) / np.maximum(2 * d * a, tiny)).clip(-1, 1))
    at_b = np.arccos(((d**2 + b**2 - a**2) / (2 * d * b)).clip(-1, 1))
    return (a**2 * (at_a - np.sin(2 * at_a) / 2) + b**2 * (at_b - np.sin(2 * at_b) / 2)) / (math.pi * b**2)


def _on_voxels(profile: CubicSpline, voxels: Sequence[float], sizes: Sequence[int]) -> Psf:
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
