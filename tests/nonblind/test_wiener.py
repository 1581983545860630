import cv2
import numpy as np
import pytest
import skimage.restoration

from deblur import psf
from deblur.nonblind import estimate_noise, wiener, wiener_balance
from deblur.operators import Convolution, Crop

from .cases import camera, psnr, uneven_psf, valid_picture

LAPLACIAN = np.array([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])


def textbook(y, blur, balance, regularizer=LAPLACIAN):
    """conj(K) Y / (|K|^2 + balance |L|^2), by complex transforms."""

    def spectrum(kernel):
        padded = np.zeros(y.shape)
        padded[: kernel.shape[0], : kernel.shape[1]] = kernel
        return np.fft.fft2(np.roll(padded, [-(k // 2) for k in kernel.shape], (0, 1)))

    K, L = spectrum(blur), spectrum(regularizer)
    return np.fft.ifft2(K.conj() * np.fft.fft2(y) / (abs(K) ** 2 + balance * abs(L) ** 2)).real


@pytest.mark.parametrize("shape", [(32, 32), (31, 40), (17, 23)])
@pytest.mark.parametrize("kernel_shape", [(3, 3), (4, 4), (5, 2), (1, 6)])
def test_circular_is_the_textbook_formula(shape, kernel_shape, rng):
    y, blur = rng.random(shape), uneven_psf(kernel_shape)
    np.testing.assert_allclose(wiener(y, blur, balance=0.02, boundary="circular"), textbook(y, blur, 0.02), atol=1e-12)


def test_any_regularizer(rng):
    y, blur, sobel = rng.random((20, 24)), uneven_psf((3, 4)), np.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
    ours = wiener(y, blur, balance=0.1, boundary="circular", regularizer=sobel)
    np.testing.assert_allclose(ours, textbook(y, blur, 0.1, sobel), atol=1e-12)
    assert psnr(ours, wiener(y, blur, balance=0.1, boundary="circular")) < 60


@pytest.mark.parametrize("size", [3, 5])  # an even one has another center there
def test_equals_scikit_image_for_symmetric_kernels(size, rng):
    y = rng.random((32, 32))
    blur = np.ones((size, size)) / size**2
    expected = skimage.restoration.wiener(y, blur, 0.05, clip=False)
    np.testing.assert_allclose(wiener(y, blur, balance=0.05, boundary="circular"), expected, atol=1e-12)


def test_phase_of_an_asymmetric_psf_is_undone(rng):
    """scikit-image#7363: given a complex transfer function, its filter drops the imaginary part."""
    x, blur = rng.random((64, 64)), uneven_psf((5, 7))
    y = Convolution(blur, x.shape)(x)
    assert abs(wiener(y, blur, balance=1e-12, boundary="circular") - x).max() < 1e-3
    padded = np.zeros(x.shape)
    padded[:5, :7] = blur
    otf = np.fft.fft2(np.roll(padded, (-2, -3), (0, 1)))
    dropped = skimage.restoration.wiener(y, otf.real, 1e-12, is_real=False, clip=False)
    assert abs(dropped.real - x).max() > 0.1


def test_unknown_boundary_minimizes_its_objective(monkeypatch):
    """Against a dense solve of the normal equations on a small grid."""
    from deblur.nonblind import _wiener

    monkeypatch.setattr(_wiener, "_BORDER_ITERATIONS", 2000)
    monkeypatch.setattr(_wiener, "_BORDER_TOLERANCE", 1e-14)
    y, blur = camera()[60:72, 60:70], uneven_psf((3, 4))
    grid = (18, 18)
    A = (Crop(grid, y.shape, start=0) @ Convolution(blur, grid)).to_matrix().numpy()
    L = Convolution(LAPLACIAN, grid).to_matrix().numpy()
    dense = np.linalg.solve(A.T @ A + 0.01 * L.T @ L, A.T @ y.ravel()).reshape(grid)
    np.testing.assert_allclose(wiener(y, blur, balance=0.01), dense[: y.shape[0], : y.shape[1]], atol=1e-9)


def test_no_ringing_at_the_border():
    """A ramp wraps badly: the circular filter rings at its ends, the unknown scene does not."""
    scene = np.linspace(0, 1, 100)[:, None] * np.ones(90)
    blur = psf.motion(11, angle=60)
    y, x = valid_picture(scene, blur)
    assert abs(wiener(y, blur, balance=1e-3) - x).max() < 0.1
    assert abs(wiener(y, blur, balance=1e-3, boundary="circular") - x).max() > 1


def test_chosen_balance_is_nearly_the_best():
    straight = [(psf.motion(13, angle=20), 0.01), (psf.motion(31), 0.005)]
    for blur, noise in [(psf.gaussian(2), 0.01), (psf.disk(4), 0.03), *straight]:
        y, x = valid_picture(camera(), blur, noise)
        best = max(psnr(wiener(y, blur, balance=b), x) for b in np.logspace(-5, 1, 25))
        assert psnr(wiener(y, blur, noise_level=noise), x) > best - 0.35
        assert psnr(wiener(y, blur), x) > best - 0.5


def test_the_balance_of_several_images_is_their_geometric_mean():
    blur = psf.gaussian(1.5)
    images = [valid_picture(camera()[:48, :48], blur, noise)[0] for noise in (0.002, 0.03)]
    one, two = (wiener_balance(y, blur, noise_level=0.01) for y in images)
    both = wiener_balance(np.stack(images), blur, noise_level=0.01)
    assert isinstance(both, float)
    assert both == pytest.approx((one * two) ** 0.5, rel=1e-6)
    assert wiener_balance(images[0], blur, noise_level=0.05) > one


def test_more_noise_is_smoothed_more():
    y, _ = valid_picture(camera(), psf.gaussian(2), 0.01)
    rough = [np.diff(wiener(y, psf.gaussian(2), noise_level=level), axis=0).std() for level in (0.001, 0.01, 0.1)]
    assert rough[0] > rough[1] > rough[2]
    assert np.isfinite(wiener(y, psf.gaussian(2), noise_level=0)).all()


def test_scales_with_the_image_and_against_the_psf(rng):
    y, blur = valid_picture(camera(), psf.gaussian(1.5), 0.01)[0], psf.gaussian(1.5)
    restored = wiener(y, blur)
    np.testing.assert_allclose(wiener(1000 * y, blur), 1000 * restored, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(wiener(y, 10 * blur), restored / 10, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("level", [0.003, 0.01, 0.05])
def test_noise_estimate(level):
    y, _ = valid_picture(camera(), psf.gaussian(1.5), level)
    assert estimate_noise(y) == pytest.approx(level, rel=0.15)
    assert estimate_noise(y, psf.gaussian(1.5)) == pytest.approx(level, rel=0.2)
    assert estimate_noise(np.stack([y, y], -1), channel_axis=-1) == pytest.approx(level, rel=0.15)
    assert estimate_noise(np.zeros((8, 8))) == 0


def test_compressed_images_are_noisier_than_their_finest_details():
    """JPEG empties the finest scale; the estimate must not be that there is no noise."""
    blur = psf.motion(13, angle=20)
    y, x = valid_picture(camera(), blur, 0.005)
    encoded = cv2.imencode(".jpg", np.rint(255 * y.clip(0, 1)).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    jpeg = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE) / 255
    added = np.sqrt(np.mean((jpeg - valid_picture(camera(), blur)[0]) ** 2))
    assert estimate_noise(jpeg) < 0.5 * added
    assert estimate_noise(jpeg, blur) > 0.7 * added
    best = max(psnr(wiener(jpeg, blur, balance=b), x) for b in np.logspace(-4, 0, 17))
    assert psnr(wiener(jpeg, blur), x) > best - 0.5
    assert psnr(wiener(jpeg, blur), x) > psnr(jpeg, x) + 2


BAD = [
    ({"balance": 0}, "balance must be positive"),
    ({"balance": float("nan")}, "balance must be positive"),
    ({"noise_level": -0.1}, "noise_level must be finite and not negative"),
    ({"noise_level": float("inf")}, "noise_level must be finite"),
    ({"boundary": "reflect"}, "boundary must be unknown or circular"),
    ({"regularizer": np.ones(3)}, "regularizer must have 2 axes"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        wiener(np.full((16, 16), 0.5), psf.gaussian(1), **options)
