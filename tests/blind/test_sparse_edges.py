"""`deblur.blind.sparse_edges`: restoration, input validation and results."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch

import deblur
from deblur import Restoration, blind, photo
from deblur.benchmark import best_shift, shifted
from deblur.blind import sparse_edges
from deblur.operators import Convolution
from deblur.psf import camera_shake

from ..nonblind.cases import psnr
from .cases import BLUR, correlation, shaken

OVEREXPOSED = np.minimum(
    Convolution(camera_shake(25, seed=1), (512, 512), "replicate")(skimage.data.camera() / 64.0), 1
)


@cache
def result() -> Restoration:
    return sparse_edges(shaken()[0])


def test_it_finds_the_blur_and_its_size_and_sharpens() -> None:
    y, truth = shaken()
    inner = (slice(10, -10), slice(10, -10))
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]  # where the scene was, nobody can tell
    best = max(psnr(np.roll(result().image, shift, (0, 1))[inner], truth[inner]) for shift in shifts)
    assert best > psnr(y[inner], truth[inner]) + 3
    assert correlation(result().psf, BLUR) > 0.8
    assert result().confidence > 0.5
    assert result().noise_level == pytest.approx(0.002, abs=0.002)
    assert result().seconds > 0


def test_the_kernel_is_clean() -> None:
    k = result().psf
    assert k.min() >= 0
    assert k.sum() == pytest.approx(1)
    assert all(side % 2 == 1 and side < 30 for side in k.shape)
    centroid = [(np.indices(k.shape)[axis] * k).sum() - k.shape[axis] // 2 for axis in (0, 1)]
    assert np.abs(centroid).max() <= 0.51


def test_a_given_size_is_kept_to() -> None:
    found = sparse_edges(shaken()[0], (13, 15))
    assert all(side <= most for side, most in zip(found.psf.shape, (13, 15), strict=True))
    assert correlation(found.psf, BLUR) > 0.8


def test_counts_of_12_bits_in_16_are_no_dim_image() -> None:
    """An instrument fills part of the range; the thresholds of the search are for images that fill it."""
    y = shaken()[0][:128, :128]
    bright, dim = sparse_edges(y / y.max(), 11), sparse_edges((y / y.max() / 16).astype(np.float64), 11)
    np.testing.assert_allclose(dim.psf, bright.psf, atol=1e-3)
    np.testing.assert_allclose(16 * dim.image, bright.image, atol=2e-2)


def test_color_bytes_and_tensors_come_back_as_they_went_in() -> None:
    y = (shaken()[0].clip(0, 1)[:96, :96] * 255).round().astype(np.uint8)
    gray = sparse_edges(y, 11)
    assert gray.image.dtype == np.float32
    color = sparse_edges(np.stack([y] * 3, axis=1), 11, channel_axis=1)
    assert color.image.shape == (96, 3, 96)
    # The network sees three planes at once then, two of them flat, and computes in bfloat16 where that is fast.
    np.testing.assert_allclose(color.image[:, 1], gray.image, atol=0.1)
    assert abs(color.image[:, 1] - gray.image).mean() < 0.01
    tensor = sparse_edges(torch.from_numpy(y).float() / 255, 11)
    assert isinstance(tensor.image, torch.Tensor)
    assert isinstance(tensor.psf, torch.Tensor)
    assert tensor.image.dtype is torch.float32
    np.testing.assert_allclose(tensor.image, gray.image, atol=0.03)
    again = sparse_edges(y / 255.0 * 4000, 11)
    assert correlation(again.psf, gray.psf) > 0.8
    assert again.image.mean() == pytest.approx(4000 * gray.image.mean(), rel=0.05)


def test_progress_rises_and_the_image_is_not_written_to() -> None:
    y = shaken()[0][:80, :80].copy()
    before, parts = y.copy(), []
    sparse_edges(y, 9, progress=lambda part, what: parts.append((part, what)))
    assert parts[0][0] == 0
    assert parts[-1] == (1.0, "sharpening")
    assert [part for part, _ in parts] == sorted(part for part, _ in parts)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((64, 64), 0.4), "flat"),
        (np.zeros((64, 64)), "flat"),
        (np.ones((64, 64), dtype=np.uint8) * 255, "flat"),
        (OVEREXPOSED, "clipped"),
        (0.5 + 0.1 * np.random.default_rng(0).standard_normal((64, 64)), "noise"),
        (np.random.default_rng(0).random((8, 8)), "too small"),
        (skimage.data.camera()[100:300, 100:300], "no single motion"),
    ],
    ids=["flat", "black", "white", "clipped", "noise", "tiny", "sharp"],
)
def test_what_cannot_be_sharpened_comes_back_as_it_is(image: np.ndarray, reason: str) -> None:
    found = sparse_edges(image)
    assert not found.changed
    assert found.image is not image
    assert found.image.dtype.kind == "f"
    scale = 255 if image.dtype == np.uint8 else 1
    np.testing.assert_allclose(found.image, image / scale, rtol=1e-6)
    assert found.confidence == 0
    assert reason in found.reason
    assert found.psf.sum() == found.psf.max() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"psf_shape": 8}, "odd sizes from 3 to half the picture"),
        ({"psf_shape": 1}, "odd sizes"),
        ({"psf_shape": (9, 51)}, "odd sizes"),
        ({"psf_shape": "large"}, "got 'large'"),
        ({"psf_shape": (9, 9, 9)}, "odd sizes"),
        ({"psf_shape": 9.0}, "odd sizes"),
        ({"noise_level": -1.0}, "noise_level"),
        ({"channel_axis": 0}, "2 axes and a channel axis"),
    ],
)
def test_bad_options_are_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        sparse_edges(np.random.default_rng(0).random((64, 64)), **arguments)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 64, 64)), "give channel_axis"),
        (np.zeros(64), "2 axes"),
        (np.full((64, 64), np.nan), "NaN"),
        (np.zeros((0, 4)), "empty"),
        (np.zeros((64, 64), dtype=complex), "real"),
        ([[0.0]], "NumPy array"),
    ],
)
def test_bad_images_are_one_line(image: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        sparse_edges(image)


def test_restore_without_a_psf_is_blind() -> None:
    y = shaken()[0][:96, :96]
    found, restored = sparse_edges(y, 11), deblur.restore(y, psf_shape=11)
    assert (restored.method, restored.confidence, restored.details["blur"]) == ("blind", found.confidence, "shake")
    assert restored.reason.endswith(found.reason)
    np.testing.assert_array_equal(restored.image, found.image)
    np.testing.assert_array_equal(restored.psf, found.psf)
    by_wiener = deblur.restore(y, method="wiener", psf_shape=11)
    np.testing.assert_array_equal(
        by_wiener.image, deblur.nonblind.wiener(y, found.psf, noise_level=by_wiener.noise_level)
    )
    assert by_wiener.method == "wiener"
    assert by_wiener.confidence == found.confidence
    flat = np.full((64, 64), 0.5)
    unchanged = deblur.restore(flat, method="wiener")
    assert not unchanged.changed
    np.testing.assert_array_equal(unchanged.image, flat)


def test_levin_images_are_restored_as_the_benchmark_says(data_dir: Any) -> None:
    from deblur.benchmark import run

    (summary,) = run("levin-blind", ["sparse-edges"], limit=2).summary()
    assert summary.scores["psnr"] > 33.5
    assert summary.scores["error_ratio"] < 1.5


def test_the_public_names() -> None:
    methods = {"blind", "defocus", "fast", "motion", "richardson_lucy", "selfdeblur", "soft", "sparse_edges"}
    assert set(blind.__all__) == methods | {"SELFDEBLUR_PRESETS", "SelfDeblurSettings"}
    assert blind.fast is blind.sparse_edges


@pytest.mark.parametrize("ends", [True, False])
def test_where_there_are_ripples_a_larger_error_of_the_psf_is_assumed(
    ends: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The smoother the result, the more is assumed; where even the most leaves ripples, the picture stays as it is."""
    y, variations, before = shaken()[0], list[float](), result().image

    def flaw_of(_: torch.Tensor, after: torch.Tensor, extent: int, allowance: float) -> str:
        variations.append(float(after.diff().abs().mean()))
        return "" if ends and len(variations) == 4 else "makes ripples"

    monkeypatch.setattr("deblur.blind._sparse_edges.method.flaw_of", flaw_of)
    found = sparse_edges(y)
    assert variations == sorted(variations, reverse=True)
    assert found.changed == ends
    if found.changed:
        assert len(variations) == 4
        assert np.abs(np.diff(found.image)).mean() < np.abs(np.diff(before)).mean()
    else:
        assert found.reason == "undoing the likeliest blur makes ripples"
        np.testing.assert_array_equal(found.image, y)


def test_a_shake_in_linear_light_is_looked_for_and_undone_there() -> None:
    scene, kernel = photo.to_linear(skimage.data.astronaut()[:320, 50:370] / 255), camera_shake(15, seed=4)
    blurs = [Convolution(kernel, (320, 320), "reflect")(np.ascontiguousarray(scene[..., each])) for each in range(3)]
    noisy = np.stack(blurs, -1) + np.random.default_rng(0).normal(0, 0.003, scene.shape)
    y, truth = photo.from_linear(noisy.clip(0, 1)), skimage.data.astronaut()[:320, 50:370] / 255
    found = sparse_edges(y, channel_axis=-1, encoded=True)
    assert found.details["linear"]
    assert correlation(found.psf, kernel) > 0.75
    gray, sharp = found.image.mean(-1), truth.mean(-1)
    aligned = shifted(gray.clip(0, 1), best_shift(gray.clip(0, 1), sharp))
    inner = (slice(15, -15),) * 2
    assert psnr(aligned, sharp[inner]) > psnr(y.mean(-1)[inner], sharp[inner]) + 2
