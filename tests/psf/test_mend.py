"""What is wrong with a measured PSF is mended where it is certain, and nothing else is touched."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

import deblur
from deblur import psf
from deblur.operators import Convolution

from .psfs import formulas, measured

ROW = np.pad(np.full((1, 9), 1 / 9), ((7, 7), (3, 3)))  # a motion of 9 pixels in 15 x 15


def noisy(kernel: np.ndarray, level: float, noise: float, seed: int = 0) -> np.ndarray:
    """Return a kernel of peak 1 on an offset."""
    return kernel / kernel.max() + level + np.random.default_rng(seed).normal(0, noise, kernel.shape)


def error(found: np.ndarray, kernel: np.ndarray) -> float:
    """Return the share of the light that is in the wrong place."""
    shape = tuple(np.maximum(found.shape, kernel.shape))
    pair = [psf.pad_to(each / each.sum(), shape) for each in (found, kernel)]
    return float(np.abs(pair[0] - pair[1]).sum() / 2)


@pytest.mark.parametrize("source", [formulas, measured], ids=["formulas", "measured"])
def test_what_is_right_is_left_alone(source: Callable) -> None:
    count = 0
    for name, kernel in source():
        ready = psf.prepare(kernel, tuple(size + 1 for size in kernel.shape))
        assert ready.notes == (), name
        np.testing.assert_array_equal(psf.pad_to(ready.psf, kernel.shape), kernel, err_msg=name)
        count += 1
    assert count > 100


@pytest.mark.parametrize(
    "stored",
    [
        lambda kernel, generator: np.rint(kernel / kernel.max() * 65535),
        lambda kernel, generator: np.floor(kernel / kernel.max() * 255),
        lambda kernel, generator: generator.poisson(kernel / kernel.max() * 1000).astype(float),
    ],
    ids=["16 bits", "8 bits", "photons"],
)
def test_rounding_and_photons_are_no_background(stored: Callable) -> None:
    generator = np.random.default_rng(0)
    for name, kernel in formulas():
        assert psf.mend(stored(kernel, generator)).notes == (), name


def test_without_a_dark_rim_it_is_the_same_array() -> None:
    kernel = psf.camera_shake(15, seed=4)
    assert psf.mend(kernel).psf is kernel
    assert psf.prepare(kernel, (64, 64)).psf is kernel
    counts = np.array([[1, 2, 1]], np.uint16)
    assert psf.mend(counts).psf is counts


@pytest.mark.parametrize("shape", [(40, 41), (31, 31), (16, 64)])
def test_a_rim_of_zeros_is_cut_off_about_the_center(shape: tuple[int, int]) -> None:
    kernel = psf.camera_shake(11, seed=1)
    ready = psf.mend(psf.pad_to(kernel, shape))
    assert ready.notes == ()
    np.testing.assert_array_equal(psf.pad_to(ready.psf, shape), psf.pad_to(kernel, shape))
    assert max(ready.psf.shape) <= max(kernel.shape)


@pytest.mark.parametrize("kernel", [psf.gaussian(2, 31), psf.camera_shake(25, 51, seed=3), psf.disk(4, 11), ROW])
@pytest.mark.parametrize(("level", "noise"), [(0.03, 0), (0.03, 0.0016), (0.1, 0.005), (0.3, 0.01), (1, 0.02)])
def test_an_offset_is_subtracted(kernel: np.ndarray, level: float, noise: float) -> None:
    ready = psf.mend(noisy(kernel, level, noise))
    assert len(ready.notes) == 1
    stated = re.search(r"stood on an offset of (\S+) % of its peak", ready.notes[0])
    assert stated
    assert float(stated[1]) == pytest.approx(100 * level / (1 + level), rel=0.05)
    assert error(ready.psf, kernel) < (1e-6 if noise == 0 else 0.06)


def test_offsets_of_volumes_and_lines() -> None:
    volume = psf.gaussian((3, 2, 2), (31, 31, 31))
    assert error(psf.mend(noisy(volume, 0.1, 0.005)).psf, volume) < 0.05
    line = psf.gaussian((1e-6, 3), (1, 61))[0]
    assert error(psf.mend(noisy(line, 0.1, 0)).psf, line) < 1e-6


def test_a_negative_offset_is_added_back() -> None:
    ready = psf.mend(ROW - 0.002)
    assert "an offset of -1.8 % of its peak" in ready.notes[0]
    np.testing.assert_allclose(ready.psf, ROW[7:8, 3:12], rtol=1e-12)


@pytest.mark.parametrize("clipped", [False, True])
def test_noise_around_the_kernel_is_removed(clipped: bool) -> None:
    kernel = psf.camera_shake(25, 51, seed=3)
    measured = noisy(kernel, 0, 0.01)
    ready = psf.mend(measured.clip(min=0) if clipped else measured)
    assert ready.notes[0].startswith("the PSF had noise around it, ")
    assert error(ready.psf, kernel) < 0.03


@pytest.mark.parametrize("size", [101, 401])
@pytest.mark.parametrize(("level", "noise"), [(3, 1), (2, 1.2), (10, 2), (40, 3)])
@pytest.mark.parametrize("is_jpeg", [False, True])
def test_the_picture_of_a_lamp(size: int, level: float, noise: float, is_jpeg: bool) -> None:
    shake = psf.camera_shake(31, seed=5)
    grain = gaussian_filter(np.random.default_rng(0).normal(size=(size, size)), 0.6)  # alike as demosaicing makes it
    grain *= noise / grain.std()

    def photograph(peak: float) -> np.ndarray:
        counts = np.rint(psf.pad_to(shake / shake.max() * peak, size) + level + grain).clip(0, 255).astype(np.uint8)
        if is_jpeg:
            stored = io.BytesIO()
            Image.fromarray(counts).save(stored, "JPEG", quality=90)
            counts = np.asarray(Image.open(stored))
        return counts.astype(float)

    ready = psf.mend(photograph(200))
    assert len(ready.notes) == 1
    assert "offset" in ready.notes[0]
    assert error(ready.psf, shake) < 0.15
    if not is_jpeg:
        notes = psf.mend(photograph(2000)).notes
        assert len(notes) == 2
        assert notes[1].startswith("the PSF's brightest pixels are clipped")


@pytest.mark.parametrize("kernel", [psf.gaussian(2, 31), psf.camera_shake(25, 51, seed=3), psf.disk(4, 11), ROW])
def test_dark_on_bright_is_inverted(kernel: np.ndarray) -> None:
    white = 255 - np.rint(255 * kernel / kernel.max())
    ready = psf.mend(white)
    assert ready.notes == ("the PSF was dark on a bright ground; it was inverted",)
    assert error(ready.psf, kernel) < 0.02
    paper = 0.2 + 0.6 * (1 - kernel / kernel.max()) + np.random.default_rng(1).normal(0, 0.005, kernel.shape)
    assert error(psf.mend(paper).psf, kernel) < 0.05


@pytest.mark.parametrize(
    "kernel",
    [
        *(ROW, psf.gaussian(2), psf.gaussian(2, (20, 31)), psf.disk(4), psf.camera_shake(15, (40, 41), seed=2)),
        *(psf.gaussian((2, 1, 1), (16, 32, 32)), psf.born_wolf(0.51, 0.8, (0.3, 0.1, 0.1), (16, 64, 64))),
        *(psf.gaussian((1e-6, 3), (1, 61))[0], psf.pad_to(np.ones((1, 1)), 9)),
    ],
    ids=lambda kernel: str(kernel.shape),
)
def test_a_center_in_the_corner_is_moved_to_the_middle(kernel: np.ndarray) -> None:
    ready = psf.mend(np.fft.ifftshift(kernel))
    assert len(ready.notes) == 1
    np.testing.assert_array_equal(psf.pad_to(ready.psf, kernel.shape), kernel)


def test_light_away_from_the_center_is_moved_there() -> None:
    off = np.zeros((41, 41))
    off[5, 4:13] = 1 / 9
    ready = psf.mend(off)
    assert ready.notes == ("the PSF was off center, 15 rows up and 12 columns to the left; it was moved to the middle",)
    np.testing.assert_allclose(ready.psf, np.full((1, 9), 1 / 9))
    stack = np.zeros((21, 9, 9))
    stack[17, 4, 4] = 1
    assert psf.mend(stack).notes == ("the PSF was off center, 7 planes later; it was moved to the middle",)


def test_several_faults_at_once() -> None:
    kernel = psf.gaussian(2, 41)
    away = np.roll(noisy(kernel, 0.2, 0.002), (-12, 9), (0, 1))
    notes = psf.mend(away).notes
    assert "offset" in notes[0]
    assert notes[1] == "the PSF was off center, 12 rows up and 9 columns to the right; it was moved to the middle"
    assert error(psf.mend(away).psf, kernel) < 0.03


def test_small_negative_values_are_set_to_zero_and_deep_ones_refused() -> None:
    rippled = psf.gaussian(2, 25) * (1 + 0.03 * np.cos(np.arange(25)))
    rippled[10, 2] = -0.02 * rippled.max()
    ready = psf.mend(rippled)
    assert ready.notes == ("the PSF had negative values, down to -2 % of its peak; they were set to 0",)
    np.testing.assert_array_equal(ready.psf, rippled.clip(min=0))
    rippled[10, 2] = -0.2 * rippled.max()
    with pytest.raises(ValueError, match=r"psf must not be negative, .* up to 5 % of the peak"):
        psf.mend(rippled)


@pytest.mark.parametrize(
    ("kernel", "words"),
    [
        (np.zeros((5, 5)), "all zero"),
        (-np.ones((5, 5)), "negative"),
        (np.full((3, 3), np.nan), "finite"),
        (np.array(1.0), "1 to 3 axes"),
        (np.ones((1, 1, 1, 1)), "1 to 3 axes"),
        (np.ones((0, 3)), "empty"),
    ],
)
def test_what_is_no_psf_is_refused(kernel: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        psf.prepare(kernel)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_stay_tensors(dtype: torch.dtype) -> None:
    kernel = torch.from_numpy(psf.disk(3, 21) + 0.01).to(dtype)
    before = kernel.clone()
    ready = psf.prepare(kernel.requires_grad_(), 64)
    assert isinstance(ready.psf, torch.Tensor)
    assert ready.psf.dtype == dtype
    assert torch.equal(kernel, before)
    np.testing.assert_allclose(ready.psf.detach(), psf.disk(3), atol=1e-6)
    assert psf.mend(np.float32(psf.disk(3, 21) + 0.01)).psf.dtype == np.float32


def test_the_input_is_not_written_to() -> None:
    for kernel in (255 - 255 * ROW, noisy(ROW, 0.1, 0.001), np.fft.ifftshift(ROW), ROW - 0.002, np.roll(ROW, 5, 0)):
        before = kernel.copy()
        assert psf.mend(kernel).notes
        np.testing.assert_array_equal(kernel, before)


CAMERA = data.camera()[100:356, 100:356] / 255


def pasted() -> np.ndarray:
    """Return counts on an offset of 100, cut out and pasted onto a larger canvas."""
    counts = (ROW / ROW.max() * 3000 + 100 + np.random.default_rng(0).normal(0, 5, ROW.shape)).clip(0)
    canvas = np.full((61, 61), 100, np.uint16)
    canvas[23:38, 23:38] = counts.astype(np.uint16)
    return canvas.astype(float)


OFF = np.roll(np.pad(ROW, 13), (-15, -12), (0, 1))


@pytest.mark.parametrize(
    "wrong",
    [pasted(), noisy(np.pad(ROW, 23), 100 / 3000, 5 / 3000), 1 - ROW / ROW.max(), np.fft.ifftshift(ROW), OFF],
    ids=["pasted pedestal", "pedestal", "inverted", "corner", "off center"],
)
@pytest.mark.parametrize("method", ["wiener", "total-variation"])
def test_restoring_is_as_good_as_with_the_right_psf(wrong: np.ndarray, method: str) -> None:
    generator = np.random.default_rng(0)
    blurred = Convolution(ROW, CAMERA.shape, "reflect")(CAMERA) + generator.normal(0, 0.01, CAMERA.shape)

    def score(kernel: np.ndarray) -> float:
        restored = deblur.restore(blurred, kernel, method=method, noise_level=0.01).image
        return float(-10 * np.log10(np.mean((restored - CAMERA)[16:-16, 16:-16] ** 2)))

    right = score(psf.motion(9))
    assert right > score(np.array([[1.0]])) + 1
    ready = psf.prepare(wrong, CAMERA.shape)
    assert len(ready.notes) == 1
    assert score(ready.psf) == pytest.approx(right, abs=0.1)
