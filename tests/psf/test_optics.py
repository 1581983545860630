from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import j0, j1, jn_zeros
from scipy.stats import norm

from deblur import psf
from deblur.psf import _optics

AIRY_ZERO = float(jn_zeros(1, 1)[0])
ROUND_BLURS = [psf.gaussian, psf.disk, psf.airy]


def positions(kernel: np.ndarray) -> list[np.ndarray]:
    return list(np.meshgrid(*(np.arange(size) - size // 2 for size in kernel.shape), indexing="ij"))


def supersample(density: Callable, shape: tuple[int, int], per_axis: int) -> np.ndarray:
    """Mean of `density(row, column)` over a fine grid of points inside every pixel, scaled to sum 1."""
    rows, columns = ((np.arange(size * per_axis) + 0.5) / per_axis - 0.5 - size // 2 for size in shape)
    fine = density(rows[:, None], columns[None, :]).astype(float)
    coarse = fine.reshape(shape[0], per_axis, shape[1], per_axis).sum(axis=(1, 3))
    return coarse / coarse.sum()


@pytest.mark.parametrize("blur", ROUND_BLURS)
@settings(max_examples=40)
@given(width=st.floats(0.05, 6), rows=st.integers(16, 21), columns=st.integers(16, 21))
def test_round_blurs_have_sum_one_and_every_symmetry(blur, width, rows, columns):
    kernel = blur(width, shape=(rows, columns))
    assert kernel.shape == (rows, columns)
    assert kernel.dtype == np.float64
    assert kernel.min() >= 0
    assert abs(kernel.sum() - 1) < 1e-14
    assert kernel[rows // 2, columns // 2] >= kernel.max() - 1e-15
    odd = kernel[1 - rows % 2 :, 1 - columns % 2 :]  # an even axis has one pixel more before the center than after
    np.testing.assert_array_equal(odd, odd[::-1])
    np.testing.assert_array_equal(odd, odd[:, ::-1])
    square = blur(width, shape=17)
    np.testing.assert_allclose(square, square.T, rtol=0, atol=1e-15)


@pytest.mark.parametrize("blur", ROUND_BLURS)
def test_default_shape_is_odd_and_square(blur):
    for width in (0.1, 0.5, 1, 2.3):
        rows, columns = blur(width).shape
        assert rows == columns
        assert rows % 2 == 1


@pytest.mark.parametrize("blur", [psf.gaussian, psf.disk])
def test_no_width_is_no_blur(blur):
    np.testing.assert_array_equal(blur(0), [[1.0]])


def test_gaussian_is_the_normal_integral_over_each_pixel():
    edges = np.arange(-4.5, 5)
    expected = np.diff(norm.cdf(edges, scale=0.3))
    np.testing.assert_allclose(psf.gaussian(0.3, shape=9), np.outer(expected, expected), atol=1e-15)


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.7])
def test_gaussian_default_shape_is_the_smallest_that_cuts_at_most_a_ten_thousandth(sigma):
    half = psf.gaussian(sigma).shape[0] // 2
    assert 2 * norm.cdf(-(half + 0.5) / sigma) <= 1e-4 < 2 * norm.cdf(-(half - 0.5) / sigma)


def test_gaussian_stack_and_line_are_products_of_axes():
    def axis(sigma: float, size: int) -> np.ndarray:
        return psf.gaussian((sigma,), shape=size)

    expected = np.einsum("i,j,k->ijk", axis(1, 5), axis(2, 9), axis(3, 8))
    np.testing.assert_allclose(psf.gaussian((1, 2, 3), shape=(5, 9, 8)), expected, rtol=1e-12)
    assert psf.gaussian((1, 2, 0)).shape == (9, 17, 1)


@pytest.mark.parametrize(("sigma", "angle"), [((3, 1), 30), ((0.6, 2), -70), ((0.15, 1.5), 45), ((2, 2.5), 200)])
def test_rotated_gaussian_matches_dense_supersampling(sigma, angle):
    turn = np.exp(1j * np.radians(angle))

    def density(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        point = (column - 1j * row) / turn  # up on screen is minus row
        return np.exp(-((point.real / sigma[1]) ** 2) / 2 - (point.imag / sigma[0]) ** 2 / 2)

    kernel = psf.gaussian(sigma, shape=(15, 16), angle=angle)
    np.testing.assert_allclose(kernel, supersample(density, (15, 16), 120), atol=2e-5)


@settings(max_examples=40)
@given(sigma=st.tuples(st.floats(1, 3), st.floats(1, 3)), angle=st.floats(-360, 360))
def test_gaussian_has_the_covariance_asked_for(sigma, angle):
    kernel = psf.gaussian(sigma, shape=51, angle=angle)
    row, column = positions(kernel)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    pixel = 1 / 12  # Sheppard's correction: the variance of the pixel itself
    rows, columns, both = ((kernel * moment).sum() for moment in (row**2, column**2, row * column))
    assert rows == pytest.approx((sigma[0] * c) ** 2 + (sigma[1] * s) ** 2 + pixel, rel=1e-6)
    assert columns == pytest.approx((sigma[0] * s) ** 2 + (sigma[1] * c) ** 2 + pixel, rel=1e-6)
    assert both == pytest.approx((sigma[0] ** 2 - sigma[1] ** 2) * s * c, abs=1e-6)


@settings(max_examples=40)
@given(sigma=st.tuples(st.floats(0, 4), st.floats(0, 4)), angle=st.floats(-200, 200))
def test_rotated_gaussian_keeps_the_symmetries_of_an_ellipse(sigma, angle):
    kernel = psf.gaussian(sigma, shape=25, angle=angle)
    assert kernel.min() >= 0
    assert abs(kernel.sum() - 1) < 1e-14
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-14)
    np.testing.assert_allclose(kernel[::-1], psf.gaussian(sigma, shape=25, angle=-angle), atol=1e-12)
    np.testing.assert_allclose(kernel, psf.gaussian(sigma[::-1], shape=25, angle=angle + 90), atol=1e-9)


@pytest.mark.parametrize("radius", [0.3, 0.5, 0.9, 2.0, 3.37, 7.5])
def test_disk_matches_dense_supersampling(radius):
    kernel = psf.disk(radius)
    dense = supersample(lambda row, column: row**2 + column**2 <= radius**2, kernel.shape, 400)
    np.testing.assert_allclose(kernel, dense, atol=2e-4 / max(1, radius))


@settings(max_examples=40)
@given(radius=st.floats(0.71, 20))
def test_disk_is_flat_inside_and_ends_at_its_rim(radius):
    kernel = psf.disk(radius)
    row, column = np.abs(positions(kernel))
    inside = np.hypot(row + 0.5, column + 0.5) <= radius
    np.testing.assert_allclose(kernel[inside], 1 / (math.pi * radius**2), rtol=1e-9)
    outside = np.hypot(np.maximum(row - 0.5, 0), np.maximum(column - 0.5, 0)) >= radius
    np.testing.assert_allclose(kernel[outside], 0, atol=1e-15)
    assert kernel[0].sum() > 0  # no empty border


@pytest.mark.parametrize("radius", [0.4, 1.0, 3.3])
def test_airy_matches_dense_supersampling(radius):
    def density(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        v = np.hypot(row, column) * AIRY_ZERO / radius
        return (2 * j1(v) / v) ** 2

    np.testing.assert_allclose(psf.airy(radius, shape=(11, 8)), supersample(density, (11, 8), 150), atol=2e-5)


def test_airy_has_the_transfer_function_of_a_round_pupil():
    radius = 4.0
    kernel = psf.airy(radius, shape=601)
    cutoff = 1.2196699 / radius  # cycles a pixel
    frequency = np.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.28, 0.35, 0.45])
    shift = np.exp(-2j * np.pi * np.outer(frequency, np.arange(601) - 300))
    measured = (shift @ kernel.sum(axis=0)).real / np.sinc(frequency)  # the pixel's own transfer function taken off
    nu = np.minimum(frequency / cutoff, 1)
    expected = 2 / np.pi * (np.arccos(nu) - nu * np.sqrt(1 - nu**2))
    np.testing.assert_allclose(measured, expected, atol=0.006)  # 0.4 % of the light lies outside


def test_airy_default_shape_holds_99_percent():
    wide = psf.airy(2.0, shape=1201)
    half = psf.airy(2.0).shape[0] // 2
    row, column = positions(wide)
    inside = np.hypot(row, column) <= half + 0.5
    assert wide[inside].sum() == pytest.approx(0.99, abs=2e-3)


def test_airy_constants_are_roots():
    assert abs(_optics.FIRST_DARK_RING - AIRY_ZERO) < 1e-14
    assert j0(_optics.AIRY_REACH) ** 2 + j1(_optics.AIRY_REACH) ** 2 == pytest.approx(0.01, rel=1e-14)


def test_airy_is_dark_at_its_first_ring():
    kernel = psf.airy(20.0, shape=61)
    assert kernel[30, 50] < 1e-5 * kernel[30, 30] * 25
    assert kernel[30, 50] < kernel[30, 47]
    assert kernel[30, 50] < kernel[30, 53]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: psf.gaussian(-1), ValueError, "sigma must be between 0 and 1000000, got -1"),
        (lambda: psf.gaussian(math.nan), ValueError, "sigma must be finite"),
        (lambda: psf.gaussian("2"), TypeError, "sigma must be a number"),
        (lambda: psf.gaussian(()), ValueError, "1 to 3 axes"),
        (lambda: psf.gaussian((1, 1, 1, 1)), ValueError, "1 to 3 axes"),
        (lambda: psf.gaussian((1, 1, 1), angle=10), ValueError, "angle must be 0"),
        (lambda: psf.gaussian((1, 2), angle=math.inf), ValueError, "angle must be finite"),
        (lambda: psf.gaussian(1, shape=(3, 3, 3)), ValueError, "shape must be 2 sizes"),
        (lambda: psf.gaussian(1, shape=0), ValueError, "at least 1"),
        (lambda: psf.gaussian(1, shape=2.5), TypeError, "whole number"),
        (lambda: psf.gaussian(1e5), ValueError, "too large"),
        (lambda: psf.disk(-0.1), ValueError, "radius must be between 0 and 1000000"),
        (lambda: psf.disk(3, shape=5), ValueError, r"disk of radius 3: it needs at least \(7, 7\)"),
        (lambda: psf.disk(3, shape=(7, 6)), ValueError, "cannot hold"),
        (lambda: psf.airy(0), ValueError, "radius must be at least 0.05"),
        (lambda: psf.airy(None), TypeError, "radius must be a number"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
