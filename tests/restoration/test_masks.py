"""Samples that are no measurements: left out by every method, through every front end, and kept where they were."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from scipy.ndimage import binary_dilation
from skimage import data

import deblur
from deblur import photo, psf
from deblur.operators import Convolution
from deblur.photo import Photo
from deblur.restoration._masks import border, defects
from deblur.restoration._registry import ROWS

BLUR = psf.motion(9, angle=40)
KNOWN = [row.name for row in ROWS if not row.blind and row.name != "fused"]  # fused runs two of the others
FAST = {"unsupervised-wiener": {"max_iter": 30}, "plug-and-play": {"num_iter": 2}, "adm": {"num_iter": 2}}


def psnr(image: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(image - truth)[where].mean()))


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A sharp picture in linear light, its blurred measurement, and where that is known: a slanted strip."""
    sharp = photo.to_linear(data.camera()[100:244, 120:280] / 255)
    blurred = Convolution(BLUR, sharp.shape, "reflect")(sharp)
    blurred = blurred + 0.003 * np.random.default_rng(0).standard_normal(sharp.shape)
    rows, columns = np.mgrid[:144, :160]
    return sharp, blurred, (columns + 0.4 * rows > 60) & (columns - 0.5 * rows < 110)


def test_every_method_of_the_toolkit_takes_weights() -> None:
    for row in ROWS:
        assert "weights" in inspect.signature(row.function).parameters, row.name


@pytest.mark.parametrize("method", KNOWN)
def test_what_is_masked_does_not_matter_and_stays(scene, method) -> None:
    sharp, blurred, seen = scene
    options = FAST.get(method, {})
    lost = np.where(seen, blurred, np.nan)
    made = deblur.restore(lost, BLUR, method=method, **options)
    np.testing.assert_array_equal(np.isnan(made.image), ~seen)
    garbage = np.where(seen, blurred, 77.0)
    again = deblur.restore(garbage, BLUR, method=method, weights=seen, **options).image
    np.testing.assert_array_equal(again[~seen], 77.0)
    np.testing.assert_allclose(again[seen], made.image[seen], atol=1e-6)
    whole = deblur.restore(blurred, BLUR, method=method, **options)
    near = seen & binary_dilation(~seen, iterations=12)
    near[:12], near[-12:], near[:, :12], near[:, -12:] = False, False, False, False
    assert (
        psnr(made.image, sharp, near) > psnr(whole.image, sharp, near) - 3.5
    )  # half of what is near the edge is measured
    assert made.details["mask"] == {"not finite": pytest.approx(1 - seen.mean())}
    assert made.noise_level == pytest.approx(whole.noise_level, rel=0.25)


@pytest.mark.parametrize("method", ["blind", "sparse-edges", "defocus", "motion", "soft", "blind-richardson-lucy"])
def test_blind_methods_leave_masked_samples_out(scene, method) -> None:
    _, blurred, seen = scene
    options = {"psf_shape": 9, "num_iter": 2} if method == "blind-richardson-lucy" else {}
    first, second = (
        deblur.restore(np.where(seen, blurred, fill), method=method, weights=seen, **options) for fill in (0.0, 0.9)
    )
    np.testing.assert_array_equal(first.psf, second.psf)
    np.testing.assert_allclose(first.image[seen], second.image[seen], atol=1e-6)
    assert (second.image[~seen] == 0.9).all()


def test_masked_arrays_come_back_masked(scene) -> None:
    _, blurred, seen = scene
    masked = np.ma.masked_array(blurred, ~seen)
    made = deblur.restore(masked, BLUR, method="wiener").image
    assert isinstance(made, np.ma.MaskedArray)
    np.testing.assert_array_equal(np.ma.getmaskarray(made), ~seen)
    expected = deblur.restore(blurred, BLUR, method="wiener", weights=seen).image
    np.testing.assert_array_equal(made.data, expected)
    with pytest.raises(ValueError, match="the mask leaves no sample to restore"):
        deblur.restore(np.ma.masked_array(blurred, True), BLUR)


def test_an_image_that_stays_unchanged_keeps_its_defects(scene) -> None:
    flat = np.full((64, 64), 0.5)
    flat[10, 12], flat[20, 20] = np.nan, 9.0
    bad = flat > 1
    made = deblur.restore(flat, bad_pixels=bad)
    assert not made.changed
    np.testing.assert_array_equal(made.image, flat)


def test_transparent_pixels_are_no_scene(scene, tmp_path) -> None:
    sharp, blurred, seen = scene
    stored = photo.from_linear(blurred.clip(0, 1))
    pixels = np.repeat(np.where(seen, stored, 0)[..., np.newaxis], 3, -1)
    path = tmp_path / "cutout.png"
    photo.write(path, Photo(pixels, -1, seen.astype(float)))
    made = deblur.restore_photo(path, BLUR)
    near = seen & binary_dilation(~seen, iterations=12)
    near[:12], near[-12:], near[:, :12], near[:, -12:] = False, False, False, False
    truth = photo.from_linear(sharp)
    found = psnr(made.image.mean(-1), truth, near)
    photo.write(tmp_path / "whole.png", Photo(stored))
    whole = psnr(deblur.restore_photo(tmp_path / "whole.png", BLUR).image, truth, near)
    assert found > whole - 1.1
    assert found > psnr(stored, truth, near) + 3
    assert (made.image[~seen] == 0).all()


@pytest.mark.parametrize("window", [None, (96, 96)])
def test_windows_leave_the_same_samples_out(scene, window) -> None:
    _, blurred, seen = scene
    expected = deblur.restore(blurred, BLUR, method="wiener", noise_level=0.003, balance=1e-2, weights=seen).image
    for image, weights in ((np.where(seen, blurred, np.nan), None), (blurred, seen)):
        out = np.empty_like(blurred)
        options = {"method": "wiener", "noise_level": 0.003, "balance": 1e-2, "weights": weights}
        deblur.restore_large(image, BLUR, out, window=window, **options)
        np.testing.assert_allclose(out[seen], expected[seen], atol=1e-9 if window is None else 0.02)
        np.testing.assert_array_equal(np.isnan(out), np.isnan(image))


def test_a_stack_with_a_mask_and_holes(scene, tmp_path) -> None:
    _, blurred, seen = scene
    planes = np.stack([blurred, 0.5 * blurred]).astype(np.float32)
    planes[0, 70, 80] = np.nan
    tifffile.imwrite(tmp_path / "cells.ome.tif", planes, metadata={"axes": "CYX"})
    options = {"method": "wiener", "noise_level": 0.003, "mask": seen}
    deblur.restore_stack(tmp_path / "cells.ome.tif", BLUR, tmp_path / "sharp.ome.tif", **options)
    found = tifffile.imread(tmp_path / "sharp.ome.tif")
    assert np.isnan(found).sum() == 1
    np.testing.assert_array_equal(found[:, ~seen], planes[:, ~seen])
    weights = seen & np.isfinite(planes[0])
    expected = deblur.restore(planes[0], BLUR, method="wiener", noise_level=0.003, weights=weights).image
    np.testing.assert_allclose(found[0][weights], expected[weights], atol=2e-5)


def test_a_mask_of_another_size_or_of_zeros_is_refused(scene, tmp_path) -> None:
    _, blurred, seen = scene
    picture = Photo(blurred.clip(0, 1))
    with pytest.raises(ValueError, match="mask must have the size of the picture, 144 x 160, got 10 x 10"):
        deblur.restore_photo(picture, BLUR, mask=np.ones((10, 10)))
    with pytest.raises(ValueError, match="the mask leaves no pixel to restore: white pixels of a mask are used"):
        deblur.restore_photo(picture, BLUR, mask=np.zeros((144, 160)))
    with pytest.raises(ValueError, match=r"weights of shape \(3, 3\) does not fit the image, \(144, 160\)"):
        deblur.restore(blurred, BLUR, weights=np.ones((3, 3)))
    with pytest.raises(ValueError, match="weights must be finite, and at least 0"):
        deblur.restore(blurred, BLUR, weights=-seen.astype(float))
    tifffile.imwrite(tmp_path / "cells.ome.tif", blurred.astype(np.float32), metadata={"axes": "YX"})
    for mask, message in ((np.ones((2, 2)), "mask must have the size"), (0 * seen, "leaves no pixel")):
        with pytest.raises(ValueError, match=message):
            deblur.restore_stack(tmp_path / "cells.ome.tif", BLUR, tmp_path / "out.ome.tif", mask=mask)


def test_defective_samples_are_found_and_restored(scene) -> None:
    sharp, blurred, _ = scene
    rng = np.random.default_rng(3)
    bad = np.zeros(blurred.shape, bool)
    bad[rng.integers(2, 140, 25), rng.integers(2, 156, 25)] = True
    broken = np.where(bad, np.where(rng.random(blurred.shape) < 0.5, 1.0, -0.2), blurred)
    found = defects(torch.from_numpy(broken), None, BLUR).numpy()
    np.testing.assert_array_equal(found, bad)
    everywhere = np.ones(blurred.shape, bool)
    expected = psnr(deblur.restore(blurred, BLUR, noise_level=0.004).image, sharp, everywhere)
    for bad_pixels in (bad, "auto"):
        made = deblur.restore(broken, BLUR, noise_level=0.004, bad_pixels=bad_pixels)
        assert psnr(made.image, sharp, everywhere) > expected - 1
    ignored = deblur.restore(broken, BLUR, noise_level=0.004).image
    assert psnr(ignored, sharp, everywhere) < expected - 5
    with pytest.raises(ValueError, match="bad_pixels must be 'auto' or an array"):
        deblur.restore(blurred, BLUR, bad_pixels="all")


@pytest.mark.parametrize("name", ["camera", "astronaut", "coffee", "chelsea", "coins", "page"])
def test_sound_pictures_have_no_defects_and_no_border(name) -> None:
    pixels = getattr(data, name)() / 255
    channels = np.moveaxis(np.atleast_3d(pixels), -1, 0)
    blurred = np.stack([Convolution(psf.disk(2), c.shape, "reflect")(c) for c in channels])
    assert not defects(torch.from_numpy(blurred), 0).any()
    assert border(pixels) is None


@pytest.mark.parametrize("color", [0.0, 0.45, 1.0])
def test_borders_of_one_color_are_left_out(scene, color) -> None:
    sharp, blurred, _ = scene
    stored = photo.from_linear(blurred.clip(0, 1))
    framed = np.pad(stored, ((20, 20), (0, 0)), constant_values=color)
    inside = border(framed)
    assert inside is not None
    np.testing.assert_array_equal(inside, np.pad(np.ones_like(stored, bool), ((20, 20), (0, 0))))
    made = deblur.restore_photo(Photo(framed), BLUR)
    alone = deblur.restore_photo(Photo(stored), BLUR)
    assert "its border of one color is ignored" in made.details["notes"]
    assert made.noise_level == pytest.approx(alone.noise_level, rel=0.1)
    np.testing.assert_allclose(made.image[:20], color, atol=1e-6)
    truth, everywhere = photo.from_linear(sharp), np.ones(sharp.shape, bool)
    assert psnr(made.image[20:-20], truth, everywhere) > psnr(alone.image, truth, everywhere) - 0.5


def test_one_border_inside_another_is_left_out_too(scene) -> None:
    stored = photo.from_linear(scene[1].clip(0, 1))
    framed = np.pad(np.pad(stored, 12, constant_values=1.0), 25)
    expected = np.pad(np.ones_like(stored, bool), 37)
    np.testing.assert_array_equal(border(framed), expected)


def test_blurred_edges_of_what_has_one_color_are_no_border() -> None:
    """A sky and a page are parts of the scene: what is blurred into them belongs to the picture."""
    scene = np.ones((200, 200))
    scene[60:] = data.camera()[100:240, 100:300] / 400
    page = np.pad(data.page()[20:160, 100:300] / 255, 40, constant_values=1.0)
    for sharp in (scene, page):
        for radius in (2, 4):
            blurred = Convolution(psf.disk(radius), sharp.shape, "valid")(sharp)
            assert border(photo.from_linear(blurred.clip(0, 1))) is None


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_bars_of_a_lossy_file_are_left_out(scene, tmp_path, suffix) -> None:
    """Codecs leave ripples in the bars."""
    sharp, blurred, _ = scene
    pixels = np.rint(255 * photo.from_linear(blurred.clip(0, 1))).astype(np.uint8)
    path = tmp_path / f"film{suffix}"
    Image.fromarray(np.pad(pixels, ((21, 19), (0, 0)))).save(path, quality=90)
    made = deblur.restore_photo(path, BLUR)
    assert "its border of one color is ignored" in made.details["notes"]
    truth, everywhere = photo.from_linear(sharp), np.ones(sharp.shape, bool)
    restored = made.image if made.image.ndim == 2 else made.image.mean(-1)
    assert psnr(restored[21:-19].clip(0, 1), truth, everywhere) > psnr(pixels / 255, truth, everywhere) + 1


def test_missing_rows_do_not_make_noise() -> None:
    rng = np.random.default_rng(0)
    stars = np.zeros((80, 90))
    stars[rng.integers(0, 80, 12), rng.integers(0, 90, 12)] = 5e4
    counts = rng.poisson(Convolution(psf.gaussian(1.8), stars.shape, "zero")(stars).clip(0) + 200).astype(float)
    level = deblur.restore(counts, psf.gaussian(1.8), method="wiener").noise_level
    holes = counts.copy()
    holes[10:14] = np.nan
    assert deblur.restore(holes, psf.gaussian(1.8), method="wiener").noise_level == pytest.approx(level, rel=0.3)


def test_masked_arrays_in_windows(scene) -> None:
    _, blurred, seen = scene
    out = np.empty_like(blurred)
    options = {"method": "wiener", "noise_level": 0.003}
    deblur.restore_large(np.ma.masked_array(blurred, ~seen), BLUR, out, **options)
    expected = deblur.restore(blurred, BLUR, weights=seen, **options).image
    np.testing.assert_allclose(out, expected, atol=1e-9)


@pytest.mark.parametrize("window", [None, (96, 96)])
def test_a_mask_of_the_colors_and_one_of_the_pixels(scene, window) -> None:
    _, blurred, seen = scene
    color = np.stack([blurred, 0.8 * blurred, 0.6 * blurred], -1)
    hidden = np.zeros(color.shape, bool)
    hidden[30:40, 50:60, 1] = True
    options = {"method": "wiener", "noise_level": 0.003, "balance": 1e-2, "channel_axis": -1}
    both = ~hidden & seen[..., np.newaxis]
    expected = deblur.restore(color, BLUR, weights=both, **options).image
    masked = np.ma.masked_array(color, hidden)
    np.testing.assert_array_equal(deblur.restore(masked, BLUR, weights=seen, **options).image.data, expected)
    out = np.empty_like(color)
    deblur.restore_large(masked, BLUR, out, weights=seen, window=window, **options)
    np.testing.assert_array_equal(out[~both], color[~both])
    np.testing.assert_allclose(out[both], expected[both], atol=1e-9 if window is None else 0.02)


def test_saturated_counts_are_left_out() -> None:
    stars = np.zeros((96, 96))
    stars[20, 20], stars[60, 70] = 3e5, 4e4
    counts = (Convolution(psf.gaussian(2), stars.shape, "zero")(stars) + 100).clip(0, 65535)
    image = Photo(counts / 65535, dtype=np.dtype(np.uint16))
    bright = Photo((counts * 8).clip(0, 65535) / 65535, dtype=np.dtype(np.uint16))
    assert "mask" not in deblur.restore_photo(image, psf.gaussian(2)).details
    made = deblur.restore_photo(bright, psf.gaussian(2))
    assert set(made.details["mask"]) == {"saturated"}
    assert (made.image[bright.pixels >= 1] == 1).all()
