"""Clipped highlights: the lamps come back, and do not ring."""

import numpy as np
import pytest

import deblur
from deblur import psf
from deblur.nonblind import part_highlights, wiener
from deblur.operators import Convolution

from . import cases
from .cases import camera


def psnr(x, truth):
    """Score what a screen shows."""
    return cases.psnr(np.clip(x, 0, 1), truth)


BLUR = psf.camera_shake(15, seed=4)


def night(size=128, noise=0.005):
    """A dim scene with lamps that are up to 20 times as bright as the sensor can hold, and its blurred picture."""
    rng = np.random.default_rng(0)
    scene = 0.4 * camera()[:size, :size].astype(float)
    rows, columns = np.mgrid[:size, :size]
    for _ in range(6):
        row, column = rng.integers(20, size - 20, 2)
        scene[(rows - row) ** 2 + (columns - column) ** 2 < rng.uniform(1, 9)] = rng.uniform(3, 20)
    y = Convolution(BLUR, scene.shape, "replicate")(scene) + noise * rng.standard_normal(scene.shape)
    return np.clip(y, 0, 1), scene


def test_the_rest_and_the_light_beyond_explain_what_was_seen():
    y, _ = night(noise=0.0)
    rest, beyond = part_highlights(y, BLUR, saturation=0.99)
    assert beyond.min() >= 0
    explained = rest + Convolution(BLUR, y.shape, "replicate")(beyond)
    inner, seen = np.s_[10:-10, 10:-10], y < 0.99
    np.testing.assert_allclose(explained[inner][seen[inner]], y[inner][seen[inner]], atol=1e-6)
    assert explained[inner][~seen[inner]].min() > 0.9


def test_lamps_get_most_of_their_light_back_and_the_scene_around_them_does_not_ring():
    y, scene = night()
    truth = np.clip(scene, 0, 1)
    rest, beyond = part_highlights(y, BLUR, saturation=0.99)
    assert 0.5 < beyond.sum() / (scene - 1).clip(0).sum() < 1.2
    plain = wiener(y, BLUR, noise_level=0.005)
    assert psnr(wiener(rest, BLUR, noise_level=0.005) + beyond, truth) > psnr(plain, truth) + 4


@pytest.mark.parametrize("method", ["unrolled", "total-variation", "richardson-lucy"])
def test_restore_takes_the_saturation(method):
    y, scene = night()
    truth = np.clip(scene, 0, 1)
    with_lamps = deblur.restore(y, BLUR, method=method, saturation=0.99).image
    assert psnr(with_lamps, truth) > psnr(deblur.restore(y, BLUR, method=method).image, truth) + 3


def test_a_picture_without_clipped_samples_is_left_as_it_is():
    y = 0.5 * camera()[:64, :64]
    rest, beyond = part_highlights(y, BLUR, 1.0)
    np.testing.assert_array_equal(rest, y)
    assert not beyond.any()
    one, other = (deblur.restore(y, BLUR, method="wiener", saturation=s).image for s in (None, 1.0))
    np.testing.assert_array_equal(one, other)


def test_channels_of_a_color_picture_are_parted_one_by_one():
    y, _ = night()
    dim = 0.3 * y
    rest, beyond = part_highlights(np.stack([y, dim], -1), BLUR, saturation=0.99, channel_axis=-1)
    assert rest.shape == beyond.shape == (*y.shape, 2)
    np.testing.assert_allclose(rest[..., 1], dim)
    np.testing.assert_allclose(beyond[..., 0], part_highlights(y, BLUR, saturation=0.99).beyond, atol=1e-6)


def test_all_white():
    rest, beyond = part_highlights(np.ones((40, 40)), psf.gaussian(1), 1.0)
    assert np.isfinite(rest).all()
    assert np.isfinite(beyond).all()


def test_volumes_are_refused():
    with pytest.raises(ValueError, match="2 axes"):
        part_highlights(np.ones((20, 20, 20)), psf.gaussian((1.0, 1.0, 1.0)), 1.0)


def test_only_the_surroundings_of_lamps_are_looked_at():
    y = 0.5 * camera()[:200, :240].astype(float)
    y[60:64, 200:203] = 1
    rest, beyond = part_highlights(y, BLUR, saturation=0.99, noise_level=0.01)
    halo = 2 * max(BLUR.shape)
    near = np.s_[max(0, 60 - halo) : 64 + halo, 200 - halo : 203 + halo]
    far = np.ones(y.shape, bool)
    far[near] = False
    np.testing.assert_array_equal(rest[far], y[far])
    assert not beyond[far].any()
    alone = part_highlights(y[near], BLUR, saturation=0.99, noise_level=0.01)
    np.testing.assert_allclose(beyond[near], alone.beyond, atol=1e-9)
    assert beyond[near].any()
