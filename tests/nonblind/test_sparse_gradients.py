"""Total variation and the hyper-Laplacian prior: the proximal map, the minimum, its scale, color, weights."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur import psf
from deblur.nonblind import hyper_laplacian, total_variation, wiener
from deblur.operators import Convolution
from deblur.solvers.shrinkage import shrinkage

from .cases import camera, psnr, valid_picture

PRIORS = (total_variation, hyper_laplacian)


@given(v=st.floats(1e-3, 10), threshold=st.floats(1e-3, 5), exponent=st.sampled_from([0.5, 2 / 3, 0.8, 0.95, 1.0]))
def test_shrinkage_is_the_minimizer(v, threshold, exponent):
    z = v * float(shrinkage(torch.tensor([v], dtype=torch.float64), threshold, exponent))
    candidates = np.concatenate([[0.0], np.linspace(0, v, 4001), [z]])
    energies = (candidates - v) ** 2 / 2 + threshold * candidates**exponent
    assert energies[-1] <= energies.min() + 1e-12 * (1 + energies.min())


def test_shrinkage_is_zero_at_zero():
    for exponent in (0.5, 0.8, 1.0):
        assert float(torch.zeros(1) * shrinkage(torch.full((1,), 1e-30), 0.1, exponent)) == 0


def test_total_variation_in_one_dimension_is_the_taut_string():
    """Without blur, two flat pieces move toward each other by the weight over their length, and stay flat."""
    y = np.repeat([0.0, 1.0], 20)
    x = total_variation(y, np.ones(1), balance=0.5, boundary="circular", num_iter=2000)
    np.testing.assert_allclose(x, np.repeat([0.05, 0.95], 20), atol=2e-5)


@pytest.mark.parametrize("boundary", ["unknown", "circular"])
def test_the_objective_falls_to_a_minimum_that_no_perturbation_lowers(boundary):
    y, _ = valid_picture(camera()[40:100, 50:110], psf.motion(7, angle=30), noise=0.01)
    seen = []
    total_variation(
        y, psf.motion(7, angle=30), boundary=boundary, num_iter=600, callback=lambda i, x, f: seen.append(f) or False
    )
    assert seen[-1] < seen[4]
    assert abs(seen[-1] - seen[-100]) < 1e-4 * seen[-1]
    assert seen[-1] <= min(seen) * (1 + 1e-4)


@pytest.mark.parametrize("prior", PRIORS)
def test_twice_the_light_is_twice_the_image(prior):
    y, _ = valid_picture(camera(), psf.gaussian(1.5), noise=0.01)
    np.testing.assert_allclose(prior(2 * y, psf.gaussian(1.5)), 2 * prior(y, psf.gaussian(1.5)), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(
        prior(y, 3 * psf.gaussian(1.5), noise_level=0.01), prior(y, psf.gaussian(1.5), noise_level=0.01) / 3, atol=1e-9
    )


@pytest.mark.parametrize("prior", PRIORS)
def test_a_circular_shift_goes_through(prior):
    y = Convolution(psf.motion(7, angle=30), (64, 64), "circular")(camera()[:64, :64])
    one = prior(y, psf.motion(7, angle=30), noise_level=0.01, boundary="circular")
    shifted = prior(np.roll(y, (5, -9), (0, 1)), psf.motion(7, angle=30), noise_level=0.01, boundary="circular")
    np.testing.assert_allclose(shifted, np.roll(one, (5, -9), (0, 1)), atol=1e-10)


@pytest.mark.parametrize("prior", PRIORS)
def test_photographs_are_better_than_by_wiener(prior):
    blur = psf.camera_shake(15, seed=2)
    y, x = valid_picture(camera(), blur, noise=0.01)
    assert psnr(prior(y, blur), x) > psnr(wiener(y, blur), x) + 0.3


def test_colors_that_share_their_edges_help_each_other():
    rng = np.random.default_rng(0)
    blur = psf.gaussian(1.5)
    y, x = valid_picture(camera(), blur, noise=0.0)
    noisy = y[..., None] + 0.03 * rng.standard_normal((*y.shape, 3))
    together = total_variation(noisy, blur, noise_level=0.03, channel_axis=-1)
    alone = np.stack([total_variation(noisy[..., c], blur, noise_level=0.03) for c in range(3)], -1)
    assert psnr(together, x[..., None]) > psnr(alone, x[..., None])


def test_defective_pixels_are_filled():
    blur = psf.motion(7, angle=30)
    y, x = valid_picture(camera(), blur, noise=0.005)
    dead = np.random.default_rng(1).random(y.shape) < 0.05
    broken = np.where(dead, 0.0, y)
    kept = total_variation(broken, blur, noise_level=0.005, weights=(~dead).astype(float))
    assert psnr(kept, x) > psnr(total_variation(broken, blur, noise_level=0.005), x) + 5
    assert psnr(kept, x) > psnr(total_variation(y, blur, noise_level=0.005), x) - 1


@pytest.mark.parametrize("shape", [(60,), (12, 20, 24)])
def test_lines_and_volumes(shape):
    rng = np.random.default_rng(0)
    x = np.zeros(shape)
    x[tuple(slice(s // 4, s // 2) for s in shape)] = 1
    blur = psf.gaussian((1.0, 1.0, 1.0)) if len(shape) == 3 else np.array([1, 2, 3, 2, 1]) / 9
    y = Convolution(blur, shape, "replicate")(x) + 0.01 * rng.standard_normal(shape)
    restored = total_variation(y, blur, noise_level=0.01)
    assert np.abs(restored - x).mean() < 0.6 * np.abs(y - x).mean()


def test_callback_can_stop():
    calls = []

    def stop(iteration, estimate, objective):
        calls.append((estimate.shape, objective))
        return iteration == 2

    y = camera()[:40, :50]
    total_variation(y, psf.gaussian(1), callback=stop)
    assert len(calls) == 3
    assert calls[0][0] == (40, 50)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"balance": 0.0}, "balance must be positive"),
        ({"balance": float("nan")}, "balance must be positive"),
        ({"num_iter": 0}, "num_iter must be at least 1"),
        ({"boundary": "reflect"}, "boundary must be unknown or circular"),
        ({"noise_level": -1.0}, "noise_level must be finite"),
        ({"weights": np.zeros((40, 40))}, "weights must be"),
    ],
)
def test_bad_options(prior, options, message):
    with pytest.raises(ValueError, match=message):
        prior(np.ones((40, 40)), psf.gaussian(1), **options)


@pytest.mark.parametrize("exponent", [0.4, 1.1, float("nan")])
def test_bad_exponent(exponent):
    with pytest.raises(ValueError, match=r"exponent must be 0\.5 to 1"):
        hyper_laplacian(np.ones((40, 40)), psf.gaussian(1), exponent=exponent)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_flat_images_stay_flat(prior, level):
    np.testing.assert_allclose(prior(np.full((40, 40), level), psf.gaussian(1)), level, atol=1e-6)
