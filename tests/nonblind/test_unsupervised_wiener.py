import numpy as np
import pytest
import skimage.restoration

from deblur import psf
from deblur.nonblind import unsupervised_wiener, wiener
from deblur.operators import Convolution

from .cases import camera, psnr, valid_picture

BLUR = psf.gaussian(1.5)


def circular_picture(noise):
    x = camera()
    return Convolution(BLUR, x.shape)(x) + noise * np.random.default_rng(0).standard_normal(x.shape), x


def test_finds_the_noise_level_and_a_balance_near_the_best():
    for noise in (0.01, 0.03):
        y, x = circular_picture(noise)
        posterior = unsupervised_wiener(y, BLUR, boundary="circular", return_posterior=True)
        assert posterior.noise_level == pytest.approx(noise, rel=0.1)
        best = max(psnr(wiener(y, BLUR, balance=b, boundary="circular"), x) for b in np.logspace(-4, 0, 17))
        assert psnr(posterior.mean, x) > best - 0.5
        at_its_balance = wiener(y, BLUR, balance=posterior.balance, boundary="circular")
        assert psnr(posterior.mean, at_its_balance) > 38


def test_agrees_with_scikit_image():
    y, _ = circular_picture(0.02)
    theirs, chains = skimage.restoration.unsupervised_wiener(y, BLUR, clip=False, rng=0)
    posterior = unsupervised_wiener(y, BLUR, boundary="circular", return_posterior=True)
    assert posterior.noise_level == pytest.approx(np.mean(chains["noise"][15:]) ** -0.5, rel=0.03)
    assert psnr(posterior.mean, theirs) > 32  # its chain stops while its prior still drifts


def test_the_chain_has_forgotten_its_start():
    y, _ = circular_picture(0.02)
    usual, long = (
        unsupervised_wiener(y, BLUR, boundary="circular", min_iter=n, max_iter=n, return_posterior=True)
        for n in (60, 400)
    )
    assert usual.balance == pytest.approx(long.balance, rel=0.05)


def test_standard_deviation_is_that_of_the_posterior():
    """For fixed precisions it is known: the diagonal of (K^T K / s^2 + p L^T L)^-1, the same everywhere."""
    y, _ = circular_picture(0.02)
    posterior = unsupervised_wiener(y, BLUR, boundary="circular", min_iter=200, burn_in=20, return_posterior=True)
    delta = np.zeros(y.shape)
    delta[0, 0] = 1
    K = abs(np.fft.fft2(Convolution(BLUR, y.shape)(delta)))
    L = abs(np.fft.fft2(Convolution(np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0.0]]), y.shape)(delta)))
    variance = (posterior.noise_level**2 / (K**2 + posterior.balance * L**2)).mean()
    assert np.sqrt((posterior.std**2).mean()) == pytest.approx(np.sqrt(variance), rel=0.05)


def test_unknown_boundary_beats_the_circular_one_on_a_real_frame():
    blur = psf.motion(11, angle=30)
    y, x = valid_picture(camera(), blur, 0.01)
    assert psnr(unsupervised_wiener(y, blur), x) > psnr(unsupervised_wiener(y, blur, boundary="circular"), x) + 1


def test_seed_decides():
    y, _ = circular_picture(0.02)
    options = {"max_iter": 31, "return_posterior": True}
    first, again, other = (unsupervised_wiener(y[:50, :50], BLUR, seed=seed, **options) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.mean, again.mean)
    assert (first.mean != other.mean).any()
    assert first.num_iter <= 31


def test_without_return_posterior_the_mean_is_returned():
    y, _ = circular_picture(0.02)
    options = {"max_iter": 31}
    mean = unsupervised_wiener(y[:50, :50], BLUR, **options)
    np.testing.assert_array_equal(mean, unsupervised_wiener(y[:50, :50], BLUR, **options, return_posterior=True).mean)


def test_a_given_noise_level_is_not_sampled():
    """The true level gives what sampling finds; a higher one is kept, and smooths more."""
    y, x = circular_picture(0.02)
    options = {"boundary": "circular", "return_posterior": True}
    sampled = unsupervised_wiener(y, BLUR, **options)
    known, high = (unsupervised_wiener(y, BLUR, noise_level=level, **options) for level in (0.02, 0.1))
    assert known.noise_level == pytest.approx(0.02, rel=1e-9)
    assert high.noise_level == pytest.approx(0.1, rel=1e-9)
    assert psnr(known.mean, sampled.mean) > 40
    assert psnr(known.mean, x) > psnr(high.mean, x) + 0.5
    assert np.var(high.mean) < np.var(known.mean)
    assert high.std.mean() > known.std.mean()


def test_a_noise_level_of_zero_is_taken():
    y, x = circular_picture(0.0)
    assert psnr(unsupervised_wiener(y, BLUR, boundary="circular", noise_level=0), x) > psnr(y, x) + 3


def test_noise_level_out_of_range():
    with pytest.raises(ValueError, match="noise_level must be finite and not negative, got -1"):
        unsupervised_wiener(np.full((16, 16), 0.5), BLUR[:3, :3], noise_level=-1)


@pytest.mark.parametrize("options", [{"burn_in": 40}, {"min_iter": 300}, {"burn_in": -1}])
def test_bad_options(options):
    with pytest.raises(ValueError, match="need 0 <= burn_in < min_iter <= max_iter"):
        unsupervised_wiener(np.full((16, 16), 0.5), BLUR[:3, :3], **options)
