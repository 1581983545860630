"""Properties of every method, tested through the same calls."""

import numpy as np
import pytest
import torch

from deblur import psf
from deblur.nonblind import hyper_laplacian, richardson_lucy, total_variation, unsupervised_wiener, wiener

from .cases import camera, psnr, uneven_psf, valid_picture


def rl(image, blur, **options):
    return richardson_lucy(image, blur, num_iter=15, **options)


def sampler(image, blur, **options):
    return unsupervised_wiener(image, blur, max_iter=40, **options)


METHODS = {
    "wiener": wiener,
    "richardson_lucy": rl,
    "unsupervised_wiener": sampler,
    "total_variation": total_variation,
    "hyper_laplacian": hyper_laplacian,
}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.mark.parametrize("blur", [psf.gaussian(1.5), psf.motion(9, angle=30), uneven_psf((4, 6)), psf.disk(3)])
def test_sharpens_a_photograph_up_to_its_border(method, blur):
    y, x = valid_picture(camera(), blur, noise=0.005)
    restored = method(y, blur)
    assert psnr(restored, x) > psnr(y, x) + 1.0
    rim = np.ones_like(x, dtype=bool)
    rim[8:-8, 8:-8] = False
    assert psnr(restored[rim], x[rim]) > psnr(y[rim], x[rim])


@pytest.mark.parametrize("kernel_shape", [(3, 3), (4, 4), (1, 5), (5, 1), (2, 7), (1, 1)])
def test_no_drift_for_any_size_of_psf(method, kernel_shape):
    """A blob stays where it is: the center is k // 2 for even sizes too."""
    rows, columns = np.mgrid[:48, :48]
    x = np.exp(-((rows - 20) ** 2 + (columns - 25) ** 2) / 18)
    blur = np.ones(kernel_shape) / np.prod(kernel_shape)
    center = np.zeros((15, 15))
    center[tuple(slice(7 - k // 2, 7 - k // 2 + k) for k in kernel_shape)] = blur
    y, truth = valid_picture(np.pad(x, 7), center)
    restored = method(y, blur)
    peak = np.array(np.unravel_index(restored.argmax(), restored.shape))
    np.testing.assert_array_equal(peak, np.unravel_index(truth.argmax(), truth.shape))
    weights = np.clip(restored, 0, None)
    centroid = [np.average(axis, weights=weights) for axis in (rows, columns)]
    np.testing.assert_allclose(centroid, (20, 25), atol=0.3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kind_and_dtype_are_kept_and_nothing_is_written(method, dtype):
    blur = psf.gaussian(1).astype(dtype)
    y = camera()[:40, :50].astype(dtype)
    before, blur_before = y.copy(), blur.copy()
    restored = method(y, blur)
    assert isinstance(restored, np.ndarray)
    assert restored.dtype == dtype
    assert restored.shape == y.shape
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(blur, blur_before)
    tensor = method(torch.from_numpy(y), torch.from_numpy(blur))
    assert isinstance(tensor, torch.Tensor)
    np.testing.assert_array_equal(tensor.numpy(), restored)
    y.setflags(write=False)
    np.testing.assert_array_equal(method(y, blur), restored)


def test_integers_are_scaled_to_one(method):
    y = (255 * camera()[:40, :40]).astype(np.uint8)
    scaled = y.astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(method(y, psf.gaussian(1)), method(scaled, psf.gaussian(1)))


def test_channels_may_be_any_axis_and_are_restored_one_by_one_by_most(method):
    blur = psf.motion(5, angle=40)
    y = np.stack([camera()[:40, :50], camera()[40:80, :50], camera()[:40, 50:100]])
    together = (sampler, total_variation, hyper_laplacian)  # these look at all channels at once
    alone = [method(channel, blur) for channel in y] if method not in together else None
    first = method(y, blur, channel_axis=0)
    for axis in (1, 2, -1):
        moved = method(np.moveaxis(y, 0, axis), blur, channel_axis=axis)
        np.testing.assert_allclose(np.moveaxis(moved, axis, 0), first, atol=1e-10)
    if alone:
        np.testing.assert_allclose(first, alone, atol=1e-6)


def test_one_psf_for_each_image_of_a_batch(method):
    blurs = np.stack([psf.gaussian(s, shape=(13, 13)) for s in (0.7, 1.5)])
    pictures = np.stack([valid_picture(camera()[:90, :80], blur)[0] for blur in blurs])
    restored = method(pictures, blurs, ndim=2)
    assert restored.shape == pictures.shape
    if method is not sampler:
        for i in range(2):
            np.testing.assert_allclose(restored[i], method(pictures[i], blurs[i]), atol=1e-6)


def test_one_and_three_dimensions(method):
    signal = np.repeat([0.2, 0.9, 0.4, 0.7], 25)
    line = uneven_psf((6,))
    y, x = valid_picture(signal, line)
    assert psnr(method(y, line), x) > psnr(y, x) + 1
    volume = np.zeros((30, 36, 32))
    volume[10:18, 13:21, 8:22] = 1
    blur = psf.gaussian((1.0, 1.5, 0.8))
    y, x = valid_picture(volume, blur)
    assert psnr(method(y, blur), x) > psnr(y, x) + 1


@pytest.mark.parametrize(("scale", "gain"), [(1e-13, 1), (1e9, 1), (1, 1e-9), (1, 5e6), (1e-5, 1e-5)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_units_of_the_image_and_of_the_psf_do_not_matter(method, scale, gain, dtype):
    """A PSF in counts, a picture in watts: the scene follows, and the noise level is found as ever."""
    blur = psf.gaussian(1.5)
    y = valid_picture(camera()[:60, :60], blur, noise=0.01)[0].astype(dtype)
    expected = method(y, blur.astype(dtype))
    scaled = method((scale * y).astype(dtype), (gain * blur).astype(dtype))
    assert abs(scaled / (scale / gain) - expected).max() < (1e-2 if dtype == np.float32 else 1e-6)


def test_flat_and_tiny_images_come_back(method):
    for shape in ((9, 9), (3, 3), (1, 1), (1, 30)):
        blur = np.full([min(3, n) for n in shape], 1.0)
        flat = np.full(shape, 0.5)
        np.testing.assert_allclose(method(flat, blur / blur.sum()), flat, atol=2e-3)
    assert np.isfinite(method(np.zeros((12, 12)), psf.gaussian(1))).all()


def test_delta_psf_changes_little(method):
    y = camera()[:64, :64]
    assert psnr(method(y, np.ones((1, 1))), y) > 25


def test_without_a_gradient(method):
    y = torch.rand(24, 24, dtype=torch.float64, requires_grad=True)
    assert not method(y, torch.ones(3, 3, dtype=torch.float64) / 9).requires_grad


IMAGE, BLUR = np.full((16, 16), 0.5), np.full((3, 3), 1 / 9)
NAN = IMAGE.copy()
NAN[3, 3] = np.nan
BAD = [
    (lambda m: m(NAN, BLUR), ValueError, "image has 1 values that are NaN"),
    (lambda m: m(IMAGE, np.zeros((3, 3))), ValueError, "psf"),
    (lambda m: m(IMAGE, -BLUR), ValueError, "psf"),
    (lambda m: m(IMAGE, np.full((3, 3), np.nan)), ValueError, "psf"),
    (lambda m: m(IMAGE, np.ones((0, 3))), ValueError, "psf"),
    (lambda m: m(np.ones((0, 3)), BLUR), ValueError, "image is empty"),
    (lambda m: m(IMAGE, np.ones((17, 3))), ValueError, "psf is larger than the image: 17x3 against 16x16"),
    (lambda m: m(IMAGE[0], BLUR), ValueError, "at least the 2 spatial axes"),
    (lambda m: m(np.ones((16, 16, 3)), BLUR, channel_axis=3), ValueError, "channel_axis 3 is not an axis"),
    (lambda m: m(IMAGE, BLUR, ndim=3), ValueError, "ndim must be 1 to 2"),
    (lambda m: m(IMAGE, BLUR, boundary="wrap"), ValueError, "boundary must be unknown"),
    (lambda m: m(np.ones((2, 16, 16)), np.ones((3, 3, 3)), ndim=2), ValueError, "one psf for each image"),
    (lambda m: m(np.ones((2, 16, 16)), np.stack([BLUR, 0 * BLUR]), ndim=2), ValueError, "psf"),
    (lambda m: m(np.ones((2, 2, 2, 2)), np.ones((2, 2, 2, 2))), ValueError, "ndim must be 1 to 3"),
    (lambda m: m([[1.0]], BLUR), TypeError, "image must be a NumPy array"),
    (lambda m: m(IMAGE, "gaussian"), TypeError, "psf must be a NumPy array"),
    (lambda m: m(IMAGE.astype(complex), BLUR), TypeError, "image must be real"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input(method, call, kind, message):
    with pytest.raises(kind, match=message) as info:
        call(method)
    assert "\n" not in str(info.value)
