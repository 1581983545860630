"""Three-dimensional blurs of a microscope, from its optics."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from ._grid import Psf, Shape, choose_shape, finite, half_width
from ._kinds import kind
from ._optics import FIRST_DARK_RING
from ._radial import on_voxels, radial_profile, through_disk

DARK_POINTS = 2.0
"""The default shape ends at this dark point of the optical axis, and at the cone of light there."""


@kind({"born_wolf:wavelength=0.51,na=0.8,voxel_size=0.3x0.1x0.1,index=1": "microscope without aberrations"})
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
        Wavelength of the detected light in a vacuum, in micrometers (GFP: 0.51).
    na : float
        Numerical aperture of the objective, below `index`.
    voxel_size : float or sequence of float
        Distance of planes, rows and columns in the specimen, (z, y, x), in micrometers; one number if they are equal.
    shape : int or tuple of int, optional
        Size in voxels, (z, y, x). By default the smallest odd one that reaches the second dark point on the axis, and
        to the side the cone of light there. A smaller shape cuts the blur off, and rescales it to sum 1.
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

    return on_voxels(radial_profile(wavelength, na, phase, voxels, sizes), voxels, sizes)


@kind({"gibson_lanni:wavelength=0.51,na=1.4,voxel_size=0.2x0.06x0.06,depth=5": "with the aberrations of 5 µm of water"})
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

    where a star marks the design values of the objective: d `depth`, t_g `glass_thickness`, t_i* `working_distance`.
    Where nothing differs from its star and `depth` is 0, it is `born_wolf` up to terms of order (NA/n)⁴; there the
    first dark point on the axis is at λ / (n - c(n)).

    Parameters
    ----------
    wavelength : float
        Wavelength of the detected light in a vacuum, in micrometers (GFP: 0.51).
    na : float
        Numerical aperture of the objective, below the indices of immersion and glass.
    voxel_size : float or sequence of float
        Distance of planes, rows and columns, (z, y, x), in micrometers; one number if they are equal. Planes are
        counted by the movement of the stage.
    shape : int or tuple of int, optional
        Size in voxels, (z, y, x); by default as `born_wolf` chooses it, for the immersion medium.
    depth : float
        Distance of the point below the cover glass, in micrometers.
    specimen_index : float
        Refractive index of the medium around the point; below `na`, the light beyond the critical angle counts too.
    immersion_index, design_immersion_index : float, optional
        Refractive index of the immersion medium, actual and by design of the objective; equal if None.
    glass_index, design_glass_index : float, optional
        Refractive index of the cover glass, actual and by design.
    glass_thickness, design_glass_thickness : float, optional
        Thickness of the cover glass in micrometers, actual and by design.
    working_distance : float
        Thickness of the immersion medium by design of the objective, in micrometers.

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
    _check_optics(wavelength, na, immersion_index, "immersion_index")
    _check_optics(wavelength, na, design_immersion_index, "design_immersion_index")
    _check_optics(wavelength, na, glass_index, "glass_index")
    _check_optics(wavelength, na, design_glass_index, "design_glass_index")
    _positive(specimen_index, "specimen_index")
    _positive(glass_thickness, "glass_thickness")
    _positive(design_glass_thickness, "design_glass_thickness")
    _positive(working_distance, "working_distance")
    if finite(depth, "depth") < 0:
        raise ValueError(f"depth must not be negative, got {depth!r}")
    voxels = _voxels(voxel_size)
    sizes = _sizes(wavelength, na, immersion_index, voxels, shape)

    def phase(rho: np.ndarray, z: np.ndarray) -> np.ndarray:
        def c(n: float) -> np.ndarray:
            root = np.sqrt((n**2 - na**2 * rho**2).astype(complex))
            return root - n  # less the path on the axis, equal for all, which would cost digits

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

    profile = radial_profile(wavelength, na, phase, voxels, sizes, critical=specimen_index / na)
    return on_voxels(profile, voxels, sizes)


@kind({"confocal:wavelength=.51,excitation=.49,na=1.2,voxel_size=.2x.1x.1,pinhole=1": "confocal microscope"})
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
    """Confocal microscope: the intensity of the excitation times the light detected through the pinhole.

    Both are `born_wolf` patterns, of two wavelengths; the second is averaged over the pinhole. A wide pinhole leaves
    the first alone, a closed one makes the product.

    Parameters
    ----------
    wavelength : float
        Wavelength of the detected light in a vacuum, in micrometers (GFP: 0.51).
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
    >>> bool(narrow[5].sum() > 1.8 * wide[5].sum())  # optical sectioning
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
        return radial_profile(length, na, lambda rho, z: phase(rho, z) / length, voxels, sizes, beyond=beyond)

    exciting, emitted = of(excitation, 0.0), of(wavelength, radius)
    if radius > 0:
        emitted = through_disk(emitted, radius, exciting.x)
    return on_voxels(CubicSpline(exciting.x, exciting(exciting.x) * emitted(exciting.x)), voxels, sizes)


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
