from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblur import psf
from deblur.psf._motion import _hand_path, _polygon_coverage, _splat

LENGTHS = st.floats(0, 30)
ANGLES = st.floats(-400, 400)


def moments(kernel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean position from the center k//2, and covariance."""
    grid = np.stack(np.meshgrid(*(np.arange(size) - size // 2 for size in kernel.shape), indexing="ij"))
    mean = (grid * kernel).sum(axis=(1, 2))
    offset = grid - mean[:, None, None]
    return mean, np.einsum("irc,jrc,rc->ij", offset, offset, kernel)


def supersampled_bar(length: float, angle: float, shape: tuple[int, int], per_axis: int) -> np.ndarray:
    rows, columns = ((np.arange(size * per_axis) + 0.5) / per_axis - 0.5 - size // 2 for size in shape)
    point = (columns[None, :] - 1j * rows[:, None]) * np.exp(-1j * np.radians(angle))
    inside = (np.abs(point.real) <= length / 2) & (np.abs(point.imag) <= min(length, 1) / 2)
    counts = inside.reshape(shape[0], per_axis, shape[1], per_axis).sum(axis=(1, 3))
    return counts / counts.sum()


@given(length=LENGTHS, angle=ANGLES)
def test_motion_is_a_centered_distribution(length, angle):
    kernel = psf.motion(length, angle)
    assert kernel.dtype == np.float64
    assert all(size % 2 == 1 for size in kernel.shape)
    assert kernel.min() >= 0
    assert abs(kernel.sum() - 1) < 1e-14
    np.testing.assert_allclose(moments(kernel)[0], 0, atol=1e-12)
    np.testing.assert_allclose(kernel, kernel[::-1, ::-1], atol=1e-13)


@given(length=LENGTHS, angle=ANGLES)
def test_motion_turns_and_flips_with_its_angle(length, angle):
    kernel = psf.motion(length, angle, shape=41)
    np.testing.assert_allclose(psf.motion(length, angle + 180, shape=41), kernel, atol=1e-9)
    np.testing.assert_allclose(psf.motion(length, -angle, shape=41), kernel[::-1], atol=1e-9)
    np.testing.assert_allclose(psf.motion(length, angle + 90, shape=41), np.rot90(kernel), atol=1e-9)


@given(length=LENGTHS, angle=ANGLES, step=st.floats(1e-6, 1e-3))
def test_motion_changes_smoothly(length, angle, step):
    kernel = psf.motion(length, angle, shape=45)
    # A bar L long loses at most its two ends (of `step` in all), or what its sides sweep (L²/2 a radian), per area.
    longer = np.abs(psf.motion(length + step, angle, shape=45) - kernel).sum()
    assert longer <= 4 * step / max(length, 0.3) + 1e-9 or length < 1
    turned = np.abs(psf.motion(length, angle + step, shape=45) - kernel).sum()
    assert turned <= 4 * math.radians(step) * max(length, 1) + 1e-9


@pytest.mark.parametrize("length", [1, 3, 9])
def test_whole_odd_lengths_along_an_axis_are_equal_pixels(length):
    expected = np.full((1, length), 1 / length)
    np.testing.assert_allclose(psf.motion(length), expected, rtol=1e-14)
    np.testing.assert_allclose(psf.motion(length, 90), expected.T, rtol=1e-14)


@pytest.mark.parametrize("angle", [0, 17, 45, 90])
def test_short_motion_is_hardly_a_blur(angle):
    np.testing.assert_array_equal(psf.motion(0, angle), [[1.0]])
    np.testing.assert_allclose(psf.motion(0.7, angle).max(), 1)
    assert psf.motion(1, angle).max() > 0.8


@pytest.mark.parametrize(("length", "angle"), [(0.9, 45), (2.5, 0), (6, 30), (11.3, 77.7), (15, 135), (7.25, -5)])
def test_motion_matches_dense_supersampling(length, angle):
    kernel = psf.motion(length, angle)
    dense = supersampled_bar(length, angle, kernel.shape, 250)
    np.testing.assert_allclose(kernel, dense, atol=4e-3 / max(length, 1))


def test_motion_leans_to_the_upper_right_at_small_positive_angles():
    kernel = psf.motion(15, 30)
    rows, columns = kernel.shape
    assert kernel[: rows // 2, columns // 2 + 1 :].sum() > 0.3
    assert kernel[rows // 2 + 1 :, columns // 2 + 1 :].sum() < 0.01


def test_motion_has_the_variance_of_its_bar():
    _, covariance = moments(psf.motion(40, 30))
    along, across = 40**2 / 12, 1 / 12
    expected = across * np.eye(2) + (along - across) * np.outer([-0.5, math.sqrt(3) / 2], [-0.5, math.sqrt(3) / 2])
    np.testing.assert_allclose(covariance, expected + np.eye(2) / 12, rtol=1e-3)


def test_given_shapes_keep_the_center():
    small = psf.motion(5, 20)
    for shape in [(12, 13), (13, 12), (31, 8)]:
        np.testing.assert_allclose(psf.motion(5, 20, shape), psf.pad_to(small, shape), atol=1e-14)


def test_polygon_coverage_is_exact():
    triangle = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
    np.testing.assert_allclose(_polygon_coverage(triangle, (3, 2)), [[1, 0.5], [0.5, 0], [0, 0]], atol=1e-15)
    np.testing.assert_allclose(_polygon_coverage(triangle[::-1], (2, 2)), [[1, 0.5], [0.5, 0]], atol=1e-15)


@settings(max_examples=50)
@given(
    length=st.floats(0, 60),
    seed=st.integers(0, 2**40),
    tremor=st.floats(0, 10),
    spare=st.tuples(*[st.integers(0, 3)] * 2),
)
def test_camera_shake_is_a_centered_distribution(length, seed, tremor, spare):
    kernel = psf.camera_shake(length, seed=seed, tremor=tremor)
    assert kernel.dtype == np.float64
    assert all(size % 2 == 1 for size in kernel.shape)
    assert kernel.min() >= 0
    assert abs(kernel.sum() - 1) < 1e-14
    np.testing.assert_allclose(moments(kernel)[0], 0, atol=1e-9)
    larger = tuple(size + extra for size, extra in zip(kernel.shape, spare, strict=True))
    given_shape = psf.camera_shake(length, larger, seed=seed, tremor=tremor)
    np.testing.assert_allclose(given_shape, psf.pad_to(kernel, larger), atol=1e-11)


def test_camera_shake_is_seeded():
    first = psf.camera_shake(20, 41, seed=1)
    np.testing.assert_array_equal(first, psf.camera_shake(20, 41, seed=1))
    assert np.abs(first - psf.camera_shake(20, 41, seed=2)).sum() > 0.5


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("length", [8.0, 25.5])
def test_camera_shake_is_as_long_as_asked(seed, length):
    touched = np.argwhere(psf.camera_shake(length, seed=seed) > 0)
    farthest = np.sqrt(((touched[:, None] - touched) ** 2).sum(axis=-1).max())
    # Every point touches pixels less than one row and one column away.
    assert length - 0.1 <= farthest <= length + 2 * math.sqrt(2)


def test_camera_shake_without_tremor_is_a_straight_line_of_even_light():
    _, covariance = moments(psf.camera_shake(40, seed=3, tremor=0))
    across, along = np.linalg.eigvalsh(covariance)
    assert along == pytest.approx(40**2 / 12, rel=0.01)
    assert across < 0.26  # a point shared by four pixels has at most this variance


def test_camera_shake_lingers():
    kernel = psf.camera_shake(40, seed=0)
    even = psf.camera_shake(40, seed=0, tremor=0)
    assert kernel.max() > 1.5 * even.max()


@pytest.mark.parametrize("seed", range(4))
def test_camera_shake_matches_a_path_sampled_far_more_densely(seed):
    kernel = psf.camera_shake(25, 61, seed=seed)
    path = _hand_path(seed, 1.0, 200_001)
    sparse = path[::400]
    path = (path - path.mean()) * 25 / np.abs(sparse[:, None] - sparse).max()
    dense = _splat(np.stack([-path.imag, path.real], axis=1) + 30, (61, 61)) / len(path)
    assert np.abs(kernel - dense).sum() < 5e-3


def test_splat_shares_a_unit_square_by_overlap():
    image = _splat(np.array([[1.25, 0.5]]), (4, 3))
    expected = np.zeros((4, 3))
    expected[1:3, :2] = [[0.375, 0.375], [0.125, 0.125]]
    np.testing.assert_allclose(image, expected)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: psf.motion(-1), ValueError, "length must be between 0 and 1000000"),
        (lambda: psf.motion("9"), TypeError, "length must be a number, got '9'"),
        (lambda: psf.motion(9, angle=math.nan), ValueError, "angle must be finite"),
        (lambda: psf.motion(9, shape=7), ValueError, r"motion of length 9 at angle 0: it needs at least \(1, 9\)"),
        (lambda: psf.motion(1e6, 45), ValueError, "too large"),
        (lambda: psf.camera_shake(-3), ValueError, "length must be between 0 and 1000000"),
        (lambda: psf.camera_shake(25, 11, seed=1), ValueError, "camera shake of length 25 with seed 1"),
        (lambda: psf.camera_shake(25, seed=-1), ValueError, "seed must be a whole number of at least 0, got -1"),
        (lambda: psf.camera_shake(25, seed=1.5), ValueError, "seed must be a whole number"),
        (lambda: psf.camera_shake(25, tremor=-1), ValueError, "tremor must be between 0 and 1000000"),
        (lambda: psf.camera_shake(1e6), ValueError, "too large"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
