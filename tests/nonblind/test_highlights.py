"""Clipped highlights: saturated regions are recovered, and do not ring."""

import numpy as np
import pytest
import torch

import deblur
from deblur import psf
from deblur.nonblind import split_highlights, wiener
from deblur.operators import Convolution

from . import cases
from .cases import camera


def psnr(x, truth):
    """Score the range that a screen shows."""
    return cases.psnr(np.clip(x, 0, 1), truth)


BLUR = psf.camera_shake(15, seed=4)


def night(size=128, noise=0.005):
    """A dim scene with lights up to 20 times the saturation level, and its blurred image."""
    rng = np.random.default_rng(0)
    scene = 0.4 * camera()[:size, :size].astype(float)
    rows, columns = np.mgrid[:size, :size]
    for _ in range(6):
        row, column = rng.integers(20, size - 20, 2)
        scene[(rows - row) ** 2 + (columns - column) ** 2 < rng.uniform(1, 9)] = rng.uniform(3, 20)
    y = Convolution(BLUR, scene.shape, "replicate")(scene) + noise * rng.standard_normal(scene.shape)
    return np.clip(y, 0, 1), scene


def test_remainder_and_excess_explain_the_image():
    y, _ = night(noise=0.0)
    parts = split_highlights(y, BLUR, saturation=0.99)
    remainder, excess = parts.remainder, parts.excess
    assert excess.min() >= 0
    explained = remainder + Convolution(BLUR, y.shape, "replicate")(excess)
    inner, seen = np.s_[10:-10, 10:-10], y < 0.99
    np.testing.assert_allclose(explained[inner][seen[inner]], y[inner][seen[inner]], atol=1e-6)
    assert explained[inner][~seen[inner]].min() > 0.9


def test_saturated_regions_get_most_of_their_light_back_and_do_not_ring():
    y, scene = night()
    truth = np.clip(scene, 0, 1)
    parts = split_highlights(y, BLUR, saturation=0.99)
    remainder, excess = parts.remainder, parts.excess
    assert 0.5 < excess.sum() / (scene - 1).clip(0).sum() < 1.2
    plain = wiener(y, BLUR, noise_level=0.005)
    assert psnr(wiener(remainder, BLUR, noise_level=0.005) + excess, truth) > psnr(plain, truth) + 4


@pytest.mark.parametrize("method", ["unrolled", "total-variation", "richardson-lucy"])
def test_restore_takes_the_saturation(method):
    y, scene = night()
    truth = np.clip(scene, 0, 1)
    with_saturation = deblur.restore(y, BLUR, method=method, saturation=0.99).image
    assert psnr(with_saturation, truth) > psnr(deblur.restore(y, BLUR, method=method).image, truth) + 3


def test_an_image_without_clipped_samples_is_unchanged():
    y = 0.5 * camera()[:64, :64]
    parts = split_highlights(y, BLUR, 1.0)
    remainder, excess = parts.remainder, parts.excess
    np.testing.assert_array_equal(remainder, y)
    assert not excess.any()
    one, other = (deblur.restore(y, BLUR, method="wiener", saturation=s).image for s in (None, 1.0))
    np.testing.assert_array_equal(one, other)


def test_channels_are_split_one_by_one():
    y, _ = night()
    dim = 0.3 * y
    parts = split_highlights(np.stack([y, dim], -1), BLUR, saturation=0.99, channel_axis=-1)
    remainder, excess = parts.remainder, parts.excess
    assert remainder.shape == excess.shape == (*y.shape, 2)
    np.testing.assert_allclose(remainder[..., 1], dim)
    np.testing.assert_allclose(excess[..., 0], split_highlights(y, BLUR, saturation=0.99).excess, atol=1e-6)


def test_all_white():
    parts = split_highlights(np.ones((40, 40)), psf.gaussian(1), 1.0)
    remainder, excess = parts.remainder, parts.excess
    assert np.isfinite(remainder).all()
    assert np.isfinite(excess).all()


def test_volumes_are_refused():
    with pytest.raises(ValueError, match="2 axes"):
        split_highlights(np.ones((20, 20, 20)), psf.gaussian((1.0, 1.0, 1.0)), 1.0)


def test_only_the_surroundings_of_saturated_regions_change():
    y = 0.5 * camera()[:200, :240].astype(float)
    y[60:64, 200:203] = 1
    parts = split_highlights(y, BLUR, saturation=0.99, noise_level=0.01)
    remainder, excess = parts.remainder, parts.excess
    halo = 2 * max(BLUR.shape)
    near = np.s_[max(0, 60 - halo) : 64 + halo, 200 - halo : 203 + halo]
    far = np.ones(y.shape, bool)
    far[near] = False
    np.testing.assert_array_equal(remainder[far], y[far])
    assert not excess[far].any()
    alone = split_highlights(y[near], BLUR, saturation=0.99, noise_level=0.01)
    np.testing.assert_allclose(excess[near], alone.excess, atol=1e-9)
    assert excess[near].any()


def test_samples_that_noise_has_clipped_are_split_in_groups_around_them():
    """And not with all that lies between them, which takes as long as if all were clipped."""
    from deblur.nonblind._highlights import _are_scattered, _groups

    is_clipped = torch.zeros(300, 400, dtype=torch.bool)
    places = [(20, 30), (25, 300), (270, 50), (150, 200)]
    for row, column in places:
        is_clipped[row, column] = True
    groups = _groups(is_clipped, 10)
    assert _are_scattered(is_clipped)
    assert sorted((rows.start + 10, columns.start + 10) for rows, columns in groups) == sorted(places)
    assert sum(is_clipped[group].sum() for group in groups) == len(places)
    is_clipped[100:110, 100:110] = True  # a light
    assert not _are_scattered(is_clipped)


def test_scattered_samples_leave_the_rest_of_the_image_alone():
    y = 0.3 * camera()[:200, :240]
    y[20, 30] = y[150, 200] = 1.2
    kernel = psf.gaussian(1.0, shape=(5, 5))
    parts = split_highlights(y, kernel, saturation=1.0)
    near = np.zeros(y.shape, bool)
    near[8:33, 18:43] = near[138:163, 188:213] = True
    np.testing.assert_array_equal(parts.remainder[~near], y[~near])
    assert not parts.excess[~near].any()
