"""PSFs from beads, averaged about the axis, and brought to other voxels."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from deblur import psf


def beads_picture(blur_sigma, shape, places, noise=0.0, background=0.05, heights=None):
    """Gaussian blobs at fractional places, exactly."""
    grid = np.indices(shape, dtype=float)
    y = np.full(shape, float(background))
    for i, place in enumerate(places):
        exponent = sum(((g - p) / s) ** 2 for g, p, s in zip(grid, place, blur_sigma, strict=True))
        y += (1.0 if heights is None else heights[i]) * np.exp(-exponent / 2)
    return y + noise * np.random.default_rng(0).standard_normal(shape)


PLACES = [(20.3, 21.7), (22.6, 70.1), (60.0, 30.5), (75.45, 77.2)]


def test_beads_are_aligned_to_a_fraction_of_a_pixel():
    beads = psf.from_beads(beads_picture((2, 2), (100, 100), PLACES, heights=[1, 0.7, 0.5, 0.9]), 17)
    assert beads.found == len(beads.positions) == 4
    found = sorted(map(tuple, beads.positions))
    np.testing.assert_allclose(found, sorted(PLACES), atol=2e-2)
    truth = beads_picture((2, 2), (17, 17), [(8, 8)], background=0)
    np.testing.assert_allclose(beads.psf, truth / truth.sum(), atol=2e-3 * beads.psf.max())


def test_noise_is_averaged_away():
    rng = np.random.default_rng(1)
    places = [(y + dy, x + dx) for y in range(20, 200, 30) for x in range(20, 200, 30) for dy, dx in [rng.random(2)]]
    beads = psf.from_beads(beads_picture((2, 2), (210, 210), places, noise=0.05), 17)
    truth = beads_picture((2, 2), (17, 17), [(8, 8)], background=0)
    assert len(beads.positions) >= 0.9 * len(places)
    np.testing.assert_allclose(beads.psf, truth / truth.sum(), atol=0.05 * beads.psf.max())


def test_stack_of_beads_without_those_that_are_close_or_at_the_border():
    places = [(10.2, 20, 20), (10, 20, 60.4), (3, 60, 20), (12, 58, 52), (12, 58, 63)]
    beads = psf.from_beads(beads_picture((2, 1.5, 1.5), (24, 80, 80), places), (13, 15, 15))
    assert beads.found == 5
    np.testing.assert_allclose(sorted(map(tuple, beads.positions)), sorted(places[:2]), atol=3e-2)


def test_a_bead_unlike_the_others_is_left_out():
    y = beads_picture((2, 2), (100, 100), PLACES)
    y += beads_picture((0.8, 8), (100, 100), [(45, 55)], background=0)
    beads = psf.from_beads(y, 17)
    assert beads.found == 5
    assert len(beads.positions) == 4


def test_symmetrized_beads_are_round():
    y = beads_picture((2, 2.4), (100, 100), PLACES)
    even = psf.from_beads(y, 21, symmetrize=True).psf
    np.testing.assert_allclose(even, even.T, atol=1e-3 * even.max())
    assert isinstance(psf.from_beads(torch.from_numpy(y), 21).psf, torch.Tensor)


def test_bad_beads():
    y = beads_picture((2, 2), (60, 60), [(20, 20), (20, 26)])
    with pytest.raises(ValueError, match="none alone in a window of 9 x 9"):
        psf.from_beads(y, 9)
    with pytest.raises(ValueError, match="between 3 and the size"):
        psf.from_beads(y, 99)
    with pytest.raises(ValueError, match="threshold"):
        psf.from_beads(y, 9, threshold=2)
    with pytest.raises(ValueError, match="2 axes, or 3"):
        psf.from_beads(y[0], 9)
    with pytest.raises(ValueError, match="NaN"):
        psf.from_beads(np.full((20, 20), np.nan), 9)


@pytest.mark.parametrize("shape", [(21, 21), (20, 24), (5, 19, 18)])
def test_what_is_round_stays_as_it_is(shape):
    blur = psf.gaussian((2.0,) * len(shape), shape)
    np.testing.assert_allclose(psf.radially_averaged(blur), blur, atol=5e-4 * blur.max())
    turned = psf.radially_averaged(psf.motion(9, angle=20, shape=shape[-2:]))
    again = psf.radially_averaged(turned)
    np.testing.assert_allclose(again, turned, atol=0.03 * turned.max())


@pytest.mark.parametrize(("old", "new"), [(1.0, 2.0), (2.0, 1.0), (1.0, 1.7)])
def test_resampled_gaussian_is_the_gaussian_of_the_other_voxels(old, new):
    blur = psf.gaussian((6 / old, 5 / old))
    other = psf.resample(blur, old, new)
    expected = psf.gaussian((6 / new, 5 / new), other.shape)
    np.testing.assert_allclose(other, expected, atol=2e-3 * expected.max())
    np.testing.assert_allclose(other.sum(), 1)


def test_resampling_by_a_whole_number_adds_voxels_up():
    blur = np.random.default_rng(0).random((9, 15))
    other = psf.resample(blur, (1, 1), (3, 5))
    np.testing.assert_allclose(other, blur.reshape(3, 3, 3, 5).sum((1, 3)), atol=1e-12)


def test_resampling_keeps_center_sum_kind_and_untouched_axes():
    blur = np.zeros((1, 17), np.float32)
    blur[0, 8] = 3
    other = psf.resample(torch.from_numpy(blur), (1, 0.3), (1, 0.1))
    assert other.dtype == torch.float32
    assert other.shape[0] == 1
    assert int(other[0].argmax()) == other.shape[1] // 2
    np.testing.assert_allclose(float(other.sum()), 3, rtol=1e-6)
    assert float(other.min()) >= 0
    np.testing.assert_array_equal(psf.resample(blur, 0.2, 0.2), blur)
    middle = scipy.ndimage.center_of_mass(other.numpy())[1]
    assert abs(middle - other.shape[1] // 2) < 1e-3


def test_bad_voxels():
    with pytest.raises(ValueError, match="voxel_size must be one number above 0, or 2"):
        psf.resample(np.ones((3, 3)), (1, 1, 1), 1)
    with pytest.raises(ValueError, match="new_voxel_size"):
        psf.resample(np.ones((3, 3)), 1, 0)
