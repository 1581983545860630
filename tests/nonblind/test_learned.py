"""Methods with a network: properties of all of them, and of each."""

import numpy as np
import pytest
import torch

from deblur import psf
from deblur.networks import _precision
from deblur.nonblind import _tiles, adm, fused, plug_and_play, unrolled, wiener

from .cases import camera, psnr, uneven_psf, valid_picture
from .test_every_method import BAD

METHODS = {"unrolled": unrolled, "plug_and_play": plug_and_play, "adm": adm}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.mark.parametrize("blur", [psf.motion(9, angle=30), uneven_psf((4, 6)), psf.camera_shake(15, seed=2)])
def test_sharpens_a_photograph_up_to_its_border_better_than_wiener(method, blur):
    y, x = valid_picture(camera()[:140, :150], blur, noise=0.01)
    restored = method(y, blur)
    assert psnr(restored, x) > psnr(wiener(y, blur), x) + 0.5
    rim = np.ones_like(x, dtype=bool)
    rim[8:-8, 8:-8] = False
    assert psnr(restored[rim], x[rim]) > psnr(y[rim], x[rim]) + 0.5


@pytest.mark.parametrize("kernel_shape", [(3, 3), (4, 4), (1, 5), (2, 7), (1, 1)])
def test_no_drift_for_any_size_of_psf(method, kernel_shape):
    rows, columns = np.mgrid[:48, :48]
    x = np.exp(-((rows - 20) ** 2 + (columns - 25) ** 2) / 18)
    blur = np.ones(kernel_shape) / np.prod(kernel_shape)
    center = np.zeros((15, 15))
    center[tuple(slice(7 - k // 2, 7 - k // 2 + k) for k in kernel_shape)] = blur
    y, _ = valid_picture(np.pad(x, 7), center)
    weights = np.clip(method(y, blur), 0.1, None) - 0.1
    centroid = [np.average(axis, weights=weights) for axis in (rows, columns)]
    np.testing.assert_allclose(centroid, (20, 25), atol=0.3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kind_and_dtype_are_kept_and_nothing_is_written(method, dtype):
    blur, y = psf.gaussian(1).astype(dtype), camera()[:40, :50].astype(dtype)
    before, blur_before = y.copy(), blur.copy()
    restored = method(y, blur)
    assert isinstance(restored, np.ndarray)
    assert (restored.dtype, restored.shape) == (dtype, y.shape)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(blur, blur_before)
    tensor = method(torch.from_numpy(y), torch.from_numpy(blur))
    np.testing.assert_array_equal(tensor.numpy(), restored)


def test_twice_the_light_is_twice_the_restoration(method):
    """Of the picture, and of the PSF: exactly, for factors of two."""
    y, blur = camera()[:48, :40], psf.motion(5, angle=40)
    once = method(y, blur, noise_level=0.01)
    np.testing.assert_allclose(method(4 * y, blur, noise_level=0.04), 4 * once, rtol=1e-6)
    np.testing.assert_allclose(method(y, 2 * blur, noise_level=0.01), once / 2, rtol=1e-6)


def test_color_wherever_its_axis_is(method):
    blur = psf.motion(5, angle=40)
    y = np.stack([camera()[:40, :50], camera()[40:80, :50], camera()[:40, 50:100]])
    first = method(y, blur, channel_axis=0, noise_level=0.01)
    for axis in (1, -1):
        moved = method(np.moveaxis(y, 0, axis), blur, channel_axis=axis, noise_level=0.01)
        np.testing.assert_allclose(np.moveaxis(moved, axis, 0), first, atol=1e-6)


def test_a_gray_picture_in_three_channels_stays_gray(method):
    """Its light is the gray picture; the noise of light is less than that of a channel, so levels differ by sqrt(3)."""
    y, blur = camera()[:40, :50], psf.gaussian(1.2)
    color = method(np.stack([y] * 3, -1), blur, channel_axis=-1, noise_level=0.02 * np.sqrt(3))
    np.testing.assert_allclose(color[..., 0], method(y, blur, noise_level=0.02), atol=0.03)
    assert np.ptp(color, axis=-1).mean() < 0.01


def test_one_psf_for_each_image_of_a_batch(method):
    blurs = np.stack([psf.gaussian(s, shape=(13, 13)) for s in (0.7, 1.5)])
    pictures = np.stack([valid_picture(camera()[:60, :70], blur, noise=0.01)[0] for blur in blurs])
    restored = method(pictures, blurs, ndim=2)
    for i in range(2):
        alone = method(pictures[i], blurs[i])
        assert np.sqrt(np.mean((restored[i] - alone) ** 2)) < 0.005  # bfloat16 sums in another order


def test_a_flat_picture_stays_nearly_flat(method):
    flat = np.full((64, 72), 0.5)
    ripple = method(flat, np.full((3, 3), 1 / 9)) - flat
    assert np.sqrt(np.mean(ripple**2)) < 0.01
    assert np.abs(ripple).max() < 0.08  # at the border


def test_tiny_and_black_pictures(method):
    for shape in ((9, 9), (3, 3), (1, 1), (1, 30)):
        blur = np.full([min(3, n) for n in shape], 1.0)
        restored = method(np.full(shape, 0.5), blur / blur.sum())
        assert restored.shape == shape
        assert np.abs(restored - 0.5).max() < 0.3
    assert np.isfinite(method(np.zeros((12, 12)), psf.gaussian(1))).all()


def test_a_psf_larger_than_those_of_the_training_works(method):
    blur = psf.camera_shake(61, seed=5)
    y, x = valid_picture(camera(), blur, noise=0.01)
    assert psnr(method(y, blur), x) > psnr(y, x) + 2


def test_without_noise(method):
    y, x = valid_picture(camera()[:120, :130], psf.motion(7, angle=20))
    assert psnr(method(y, psf.motion(7, angle=20), noise_level=0.0), x) > psnr(y, x) + 5


def test_circular(method):
    x, blur = camera()[:96, :104], uneven_psf((5, 4))
    kernel = np.zeros_like(x)
    kernel[:5, :4] = blur
    y = np.fft.irfft2(np.fft.rfft2(x) * np.fft.rfft2(np.roll(kernel, (-2, -2), (0, 1))), x.shape)
    assert psnr(method(y, blur, boundary="circular"), x) > psnr(y, x) + 4


def test_samples_without_weight_are_ignored(method):
    y, x = valid_picture(camera()[:90, :100], psf.motion(9, angle=30), noise=0.01)
    defective = np.random.default_rng(0).random(y.shape) < 0.02
    weights = (~defective).astype(float)
    low, high = (np.where(defective, value, y) for value in (0.0, 5.0))
    options = {"weights": weights, "noise_level": 0.01}
    restored = method(high, psf.motion(9, angle=30), **options)
    np.testing.assert_array_equal(method(low, psf.motion(9, angle=30), **options), restored)
    assert psnr(restored, x) > psnr(method(high, psf.motion(9, angle=30), noise_level=0.01), x) + 5


@pytest.mark.parametrize(("call", "kind", "message"), BAD)
def test_bad_input(call, kind, message):
    if "ndim must be 1 to 3" in message:
        pytest.skip("of the other methods: networks take two axes")
    with pytest.raises(kind, match=message):
        call(unrolled)


def test_more_or_fewer_axes_are_refused(method):
    for ndim in (1, 3):
        with pytest.raises(ValueError, match=f"networks restore images of 2 axes, and the psf has {ndim}"):
            method(np.ones([8] * ndim), np.ones([3] * ndim) / 3**ndim)


def test_all_reflections_and_turns_are_alike():
    y, blur = camera()[:44, :52], uneven_psf((4, 5))
    odd = np.pad(blur, ((0, 1), (0, 0)))
    restored = unrolled(y, odd, ensemble=True, noise_level=0.01)
    turned = unrolled(np.rot90(y), np.rot90(odd), ensemble=True, noise_level=0.01)
    assert psnr(np.rot90(turned, -1), restored) > 50
    np.testing.assert_allclose(unrolled(y, blur, ensemble=True, noise_level=0.01), restored, atol=1e-6)


def test_bfloat16_agrees_with_float32_to_two_hundredths_of_a_decibel(monkeypatch):
    y, x = valid_picture(camera(), psf.camera_shake(15, seed=2), noise=0.01)
    reduced = psnr(unrolled(y, psf.camera_shake(15, seed=2)), x)
    monkeypatch.setattr(_precision, "fast_in_bfloat16", lambda device: False)
    assert psnr(unrolled(y, psf.camera_shake(15, seed=2)), x) == pytest.approx(reduced, abs=0.02)


def test_windows_leave_no_seam(monkeypatch):
    """Restored in four windows a side instead of whole, the picture is as good, at the seams too."""
    blur = psf.motion(5, angle=60)
    y, x = valid_picture(np.tile(camera(), (2, 2))[:400, :400], blur, noise=0.01)
    whole = unrolled(y, blur, noise_level=0.01)
    monkeypatch.setattr(_tiles, "_WINDOW", 220)
    tiled = unrolled(y, blur, noise_level=0.01)
    assert not np.array_equal(tiled, whole)
    assert psnr(tiled, whole) > 40  # the convolutions fall on other pixels of the coarse scales
    assert psnr(tiled, x) == pytest.approx(psnr(whole, x), abs=0.05)


def test_callback_sees_every_iteration_and_stops():
    y, blur = camera()[:40, :40], psf.gaussian(1)
    seen = []
    result = plug_and_play(y, blur, callback=lambda i, x, misfit: seen.append((i, x.shape, misfit)) or i == 2)
    assert [i for i, _, _ in seen] == [0, 1, 2]
    assert all(shape == y.shape and misfit >= 0 for _, shape, misfit in seen)
    assert result.shape == y.shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, k: plug_and_play(y, k, num_iter=0), "num_iter must be at least 1, got 0"),
        (lambda y, k: plug_and_play(y, k, strength=0), "strength must be positive, got 0"),
        (lambda y, k: adm(y, k, ratio=0), "ratio must be positive, got 0"),
        (lambda y, k: adm(y, k, threshold=-1), "threshold must be positive, got -1"),
    ],
)
def test_options_out_of_range(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((8, 8)), np.ones((3, 3)) / 9)


def test_adm_of_ratio_one_is_plug_and_play():
    y, blur = camera()[:40, :40], psf.gaussian(1)
    np.testing.assert_allclose(adm(y, blur, ratio=1.0), plug_and_play(y, blur), atol=1e-5)


def test_fused_is_better_than_either():
    y, x = valid_picture(camera()[:140, :150], psf.camera_shake(15, seed=2), noise=0.01)
    blur = psf.camera_shake(15, seed=2)
    assert psnr(fused(y, blur), x) > max(psnr(unrolled(y, blur), x), psnr(plug_and_play(y, blur), x))


def test_fused_lies_between_the_two_in_color_too():
    y = np.stack([camera()[:40, :50], camera()[40:80, :50], camera()[:40, 50:100]], -1)
    blur, options = psf.motion(5, angle=40), {"channel_axis": -1, "noise_level": 0.01}
    learned, played = unrolled(y, blur, ensemble=True, **options), plug_and_play(y, blur, **options)
    apart = np.linalg.norm(played - learned)
    assert 0.05 * apart < np.linalg.norm(fused(y, blur, **options) - learned) < 0.25 * apart
