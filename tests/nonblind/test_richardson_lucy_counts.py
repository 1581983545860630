"""Richardson-Lucy with any operator, with held-out counts, and with the extrapolation that windows share."""

import numpy as np
import pytest

from deblur import psf
from deblur.nonblind import richardson_lucy
from deblur.operators import Convolution, Stack, TiledConvolution

from .cases import camera, psnr, uneven_psf, valid_picture


@pytest.mark.parametrize("boundary", ["zero", "reflect"])
def test_an_operator_does_what_its_psf_does(rng, boundary):
    y, blur = rng.random((2, 12, 13)), psf.normalize(uneven_psf((3, 4)))
    operator = Convolution(blur, (12, 13), boundary)
    options = {"num_iter": 12, "noise_level": 0.01, "total_variation": 0.01}
    np.testing.assert_allclose(
        richardson_lucy(y, operator, **options), richardson_lucy(y, blur, boundary=boundary, **options), rtol=1e-9
    )
    color = richardson_lucy(np.moveaxis(y, 0, -1), operator, channel_axis=-1, **options)
    np.testing.assert_allclose(np.moveaxis(color, -1, 0), richardson_lucy(y, operator, **options), rtol=1e-9)


def test_a_psf_that_varies_with_the_depth_is_undone(rng):
    x = np.zeros((16, 40, 40))
    x[tuple(rng.integers(2, size - 2, 60) for size in x.shape)] = 1
    psfs = np.stack([psf.gaussian((1, s, s), (5, 13, 13)) for s in (0.8, 1.2, 1.8)])[:, None, None]
    A = TiledConvolution(psfs, x.shape)
    y = A(x)
    varying = richardson_lucy(y, A, num_iter=60, noise_level=0)
    constant = richardson_lucy(y, psfs[1, 0, 0], num_iter=60, noise_level=0, boundary="zero")
    assert np.linalg.norm(varying - x) < 0.8 * np.linalg.norm(constant - x)
    assert varying.shape == x.shape


def test_the_result_has_the_domain_of_the_operator():
    blur = psf.gaussian(1.5)
    scene = camera()[:64, :70]
    A = Convolution(blur, scene.shape, "valid")
    estimate = richardson_lucy(A(scene), A, num_iter=20, noise_level=0)
    assert estimate.shape == scene.shape
    assert psnr(estimate[8:-8, 8:-8], scene[8:-8, 8:-8]) > 24


def test_bad_operators(rng):
    A = Convolution(psf.gaussian(1), (16, 16), "zero")
    with pytest.raises(ValueError, match="image must end in the axes"):
        richardson_lucy(rng.random((16, 17)), A)
    with pytest.raises(ValueError, match="as many axes"):
        richardson_lucy(rng.random((2, 16, 16)), Stack([A, A]))
    with pytest.raises(ValueError, match="channel_axis"):
        richardson_lucy(rng.random((16, 16)), A, channel_axis=5)


def counts(photons, seed=0):
    blur = psf.gaussian(2.0)
    y, truth = valid_picture(camera(), blur)
    return np.random.default_rng(seed).poisson(y * photons) / photons, truth, blur


@pytest.mark.parametrize("photons", [50, 1000])
def test_held_out_counts_stop_it_near_the_best_iteration(photons):
    y, truth, blur = counts(photons)
    level = float(np.sqrt(y.mean() / photons))
    errors = []

    def callback(iteration, estimate, objective):
        errors.append(float(np.linalg.norm(estimate - truth)))

    richardson_lucy(y, blur, num_iter=80, noise_level=0, tolerance=0, callback=callback)
    best, last = min(errors), errors[-1]
    taken = []
    estimate = richardson_lucy(
        y, blur, num_iter=80, noise_level=level, holdout=0.1, callback=lambda i, x, f: taken.append(i)
    )
    found = float(np.linalg.norm(estimate - truth))
    assert found < 1.05 * best
    assert found < last
    assert len(taken) < 80


def test_a_batch_gives_the_same_twice():
    batch = np.stack([counts(2000)[0], counts(20)[0]])[:, :80, :90]
    first, again = (richardson_lucy(batch, psf.gaussian(2.0), num_iter=30, holdout=0.2) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == batch.shape


def test_with_an_operator_a_noise_level_is_checked_and_may_be_one_per_image(rng):
    y, operator = rng.random((2, 12, 13)), Convolution(psf.gaussian(1), (12, 13))
    with pytest.raises(ValueError, match="noise_level must be finite and not negative"):
        richardson_lucy(y, operator, noise_level=-0.1)
    levels = np.array([0.02, 0.3])
    together = richardson_lucy(y, operator, num_iter=9, noise_level=levels)
    for image, level, restored in zip(y, levels, together, strict=True):
        np.testing.assert_allclose(restored, richardson_lucy(image, operator, num_iter=9, noise_level=level), rtol=1e-9)


@pytest.mark.parametrize(("options", "message"), [({"holdout": 1}, "between 0 and 1"), ({"holdout": -0.1}, "between")])
def test_bad_holdout(options, message):
    with pytest.raises(ValueError, match=message):
        richardson_lucy(np.full((16, 16), 0.5), psf.gaussian(1), noise_level=0.1, **options)
    with pytest.raises(ValueError, match="leave noise_level out"):
        richardson_lucy(np.full((16, 16), 0.5), psf.gaussian(1), noise_level=0, holdout=0.1)


def test_steady_extrapolation_is_about_as_fast():
    y, _ = valid_picture(camera(), psf.motion(9, angle=30), 0.002)
    values = {}
    for kind in (True, "steady", False):
        seen = values[kind] = []
        options = {"num_iter": 41, "noise_level": 0, "tolerance": 0, "accelerate": kind}
        richardson_lucy(y, psf.motion(9, angle=30), callback=lambda i, x, f, to=seen: to.append(f), **options)
    assert values["steady"][40] < values[False][40]
    assert values["steady"][40] - values[True][40] < 0.3 * (values[False][40] - values[True][40])
