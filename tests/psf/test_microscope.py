"""Microscopes: dark points where the books have them, and the integral computed another way."""

import math

import numpy as np
import pytest
import scipy.integrate
import scipy.optimize
import scipy.signal
from scipy.special import j0

from deblur import psf
from deblur.psf._radial import radial_profile, through_disk

WAVELENGTH = 0.51


def intensity(phase, na, r, z):
    """The pupil integral by an adaptive rule."""
    k = 2 * np.pi / WAVELENGTH

    def part(rho, of):
        return rho * j0(k * na * r * rho) * of(np.exp(1j * phase(rho, z)))

    return sum(scipy.integrate.quad(part, 0, 1, args=(of,), limit=500)[0] ** 2 for of in (np.real, np.imag))


def test_born_wolf_in_focus_is_the_airy_pattern():
    blur = psf.born_wolf(WAVELENGTH, 0.9, (0.2, 0.05, 0.05), (1, 61, 61), index=1.0)[0]
    radius = 1.2196698912665045 / 2 * WAVELENGTH / 0.9
    np.testing.assert_allclose(blur, psf.airy(radius / 0.05, 61), atol=1e-6 * blur.max())


def test_born_wolf_is_first_dark_where_the_books_say():
    na, index = 0.8, 1.33
    radius, length = 0.61 * WAVELENGTH / na, 2 * index * WAVELENGTH / na**2
    fine = psf.born_wolf(WAVELENGTH, na, (length / 32, radius / 32, radius / 32), (81, 91, 91), index=index)
    axis, row = fine[40:, 45, 45], fine[40, 45, 45:]
    assert abs(scipy.signal.argrelmin(axis)[0][0] - 32) <= 1
    assert abs(scipy.signal.argrelmin(row)[0][0] - 32) <= 1
    assert axis[32] < 1e-3 * axis[0]
    assert row[32] < 1e-3 * row[0]


def test_gibson_lanni_without_mismatch_is_first_dark_where_high_apertures_are():
    na, index = 1.3, 1.515
    length = WAVELENGTH / (index - math.sqrt(index**2 - na**2))
    axis = psf.gibson_lanni(WAVELENGTH, na, (length / 32, 0.02, 0.02), (81, 3, 3))[40:, 1, 1]
    assert abs(scipy.signal.argrelmin(axis)[0][0] - 32) <= 1


def test_gibson_lanni_without_mismatch_tends_to_born_wolf():
    differences = []
    for na in (0.1, 0.2, 0.4):
        voxels = (0.2 * WAVELENGTH / na**2, 0.1 * WAVELENGTH / na, 0.1 * WAVELENGTH / na)
        same = {"wavelength": WAVELENGTH, "na": na, "voxel_size": voxels, "shape": (21, 31, 31)}
        plain = psf.born_wolf(**same)
        differences.append(np.abs(psf.gibson_lanni(**same) - plain).max() / plain.max())
    assert differences[0] < 2e-3
    assert differences[0] < differences[1] / 3 < differences[2] / 9  # as the square of the aperture


@pytest.mark.parametrize(
    ("na", "optics"),
    [
        (0.8, {}),
        (1.2, {"depth": 8.0}),
        (1.4, {"depth": 2.0}),  # light beyond the critical angle
        (1.2, {"immersion_index": 1.518, "design_immersion_index": 1.515}),
        (1.0, {"glass_thickness": 175.0, "design_glass_thickness": 170.0, "glass_index": 1.52}),
    ],
)
def test_gibson_lanni_is_the_integral_of_its_phase(na, optics):
    n_s, n_i, n_g = 1.33, optics.get("immersion_index", 1.515), optics.get("glass_index", 1.515)
    n_i0, n_g0 = optics.get("design_immersion_index", n_i), n_g
    t_g, t_g0, t_i0, d = optics.get("glass_thickness", 170.0), 170.0, 150.0, optics.get("depth", 0.0)
    k = 2 * np.pi / WAVELENGTH

    def phase(rho, z):
        def leg(n, t):
            return t * np.sqrt(complex(n**2 - (na * rho) ** 2))

        t_i = z + n_i * (t_g0 / n_g0 - t_g / n_g + t_i0 / n_i0 - d / n_s)
        return k * (leg(n_s, d) + leg(n_g, t_g) - leg(n_g0, t_g0) + leg(n_i, t_i) - leg(n_i0, t_i0))

    scan = np.linspace(-6, 6, 241)
    axis = [intensity(phase, na, 0.0, z) for z in scan]
    best = scan[int(np.argmax(axis))]
    near = {"bounds": (best - 0.05, best + 0.05), "options": {"xatol": 1e-8}}
    focus = scipy.optimize.minimize_scalar(lambda z: -intensity(phase, na, 0.0, z), method="bounded", **near).x

    voxel = 1e-3  # so small that a pixel is a point
    planes = psf.gibson_lanni(WAVELENGTH, na, (0.25, voxel, voxel), (9, 1, 601), **optics)[:, 0]
    expected = np.array(
        [[intensity(phase, na, abs(x) * voxel, focus + 0.25 * z) for x in (0, 100, 250, 299)] for z in range(-4, 5)]
    )
    found = planes[:, [300, 400, 550, 599]]
    np.testing.assert_allclose(found / found[4, 0], expected / expected[4, 0], atol=1e-4)
    assert found[:, 0].argmax() == 4


def test_a_depth_makes_the_planes_above_and_below_differ():
    even = psf.gibson_lanni(WAVELENGTH, 1.2, (0.2, 0.1, 0.1), (15, 21, 21))
    deep = psf.gibson_lanni(WAVELENGTH, 1.2, (0.2, 0.1, 0.1), (15, 21, 21), depth=10)
    np.testing.assert_allclose(even, even[::-1], atol=1e-9)
    assert np.abs(deep - deep[::-1]).max() > 0.1 * deep.max()
    assert deep[:, 10, 10].argmax() == 7


def test_confocal_between_its_limits():
    optics = {"wavelength": 0.52, "na": 1.2, "voxel_size": (0.15, 0.04, 0.04), "shape": (15, 41, 41)}
    exciting = psf.born_wolf(**{**optics, "wavelength": 0.488})
    closed = psf.confocal(**optics, excitation=0.488, pinhole=0)
    product = psf.normalize(exciting * psf.born_wolf(**optics))
    np.testing.assert_allclose(closed, product, atol=2e-2 * product.max())  # a product of pixels is not one of points
    opened = psf.confocal(**optics, excitation=0.488, pinhole=40)
    np.testing.assert_allclose(opened, exciting, atol=5e-2 * exciting.max())
    one = psf.confocal(**optics, excitation=0.488)
    assert opened[7].sum() < one[7].sum() < closed[7].sum()


def test_pinhole_averages_over_its_disk():
    def phase(rho, z):
        return np.multiply.outer(rho**2, z)

    profile = radial_profile(0.5, 1.0, phase, (1.0, 0.1, 0.1), (3, 21, 21), beyond=0.4)
    averaged = through_disk(profile, 0.4, np.linspace(0, 1.4, 8))
    points = np.random.default_rng(0).uniform(-0.4, 0.4, (400_000, 2))
    points = points[np.hypot(*points.T) < 0.4]
    for r in (0.0, 0.6):
        expected = profile(np.hypot(points[:, 0] + r, points[:, 1])).mean(0)
        np.testing.assert_allclose(averaged(r), expected, rtol=5e-3)


def test_values_are_integrated_over_pixels():
    optics = {"wavelength": WAVELENGTH, "na": 1.0}
    fine = psf.gibson_lanni(**optics, voxel_size=(0.3, 0.05, 0.05), shape=(3, 45, 45), depth=3)
    coarse = psf.gibson_lanni(**optics, voxel_size=(0.3, 0.25, 0.25), shape=(3, 9, 9), depth=3)
    blocks = fine.reshape(3, 9, 5, 9, 5).sum((2, 4))
    np.testing.assert_allclose(blocks, coarse, atol=1e-5 * coarse.max())


@pytest.mark.parametrize("make", [psf.born_wolf, psf.gibson_lanni, lambda *a: psf.confocal(*a, excitation=0.488)])
def test_shape_sum_and_center(make):
    blur = make(WAVELENGTH, 0.6, (0.5, 0.2, 0.2))
    assert blur.dtype == np.float64
    assert blur.min() >= 0
    assert all(size % 2 for size in blur.shape)
    np.testing.assert_allclose(blur.sum(), 1)
    assert np.unravel_index(blur.argmax(), blur.shape) == tuple(size // 2 for size in blur.shape)
    np.testing.assert_allclose(blur, blur.swapaxes(1, 2), rtol=1e-12)
    assert make(WAVELENGTH, 0.6, 0.3, 8).shape == (8, 8, 8)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: psf.born_wolf(-1, 0.5, 0.1), "wavelength must be above 0"),
        (lambda: psf.born_wolf(0.5, 1.6, 0.1), r"na must be below index, 1\.515"),
        (lambda: psf.gibson_lanni(0.5, 1.5, 0.1, glass_index=1.45), "na must be below glass_index"),
        (lambda: psf.gibson_lanni(0.5, 1.2, 0.1, depth=-1), "depth must not be negative"),
        (lambda: psf.gibson_lanni(0.5, 1.2, (0.1, 0.1)), "voxel_size must be one number, or three"),
        (lambda: psf.gibson_lanni(0.5, 1.2, 0.0), "voxel_size must be above 0"),
        (lambda: psf.gibson_lanni(0.5, 1.2, 0.1, working_distance=0), "working_distance must be above 0"),
        (lambda: psf.confocal(0.5, 1.2, 0.1, excitation=0.4, pinhole=-1), "pinhole must be between"),
        (lambda: psf.born_wolf(0.5, 0.01, 0.001), "too large"),
    ],
)
def test_bad_optics(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_spec():
    spec = "gibson-lanni:wavelength=0.51,na=1.2,voxel_size=0.3x0.1x0.1,shape=5x9x9,depth=2"
    np.testing.assert_array_equal(psf.parse(spec), psf.gibson_lanni(0.51, 1.2, (0.3, 0.1, 0.1), (5, 9, 9), depth=2))
    with pytest.raises(ValueError, match="excitation is missing"):
        psf.parse("confocal:wavelength=0.51,na=1.2,voxel_size=0.1")
