"""Color differences of large pictures, restored at half their size."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from deblur import psf
from deblur.nonblind import NoiseModel, unrolled
from deblur.nonblind._half_size import doubled, halved, halved_psf
from deblur.operators import Convolution

from .cases import psnr

SCENE = data.coffee()[100:231, 200:361] / 255  # odd sizes


@pytest.mark.parametrize("side", range(1, 16, 2))
def test_a_halved_psf_keeps_its_sum_and_its_centroid(side: int) -> None:
    kernel = torch.rand(2, side, 3, generator=torch.Generator().manual_seed(side), dtype=torch.float64)
    small = halved_psf(kernel)
    rows = [torch.arange(each.shape[1], dtype=torch.float64) - each.shape[1] // 2 for each in (kernel, small)]
    first, halves = (place @ each.sum(2).mT for place, each in zip(rows, (kernel, small), strict=True))
    assert all(each % 2 for each in small.shape[1:])
    torch.testing.assert_close(small.sum((1, 2)), kernel.sum((1, 2)))
    torch.testing.assert_close(halves, first / 2)


def test_blur_of_a_halved_picture_is_the_halved_blur() -> None:
    waves = torch.sin(torch.arange(96.0) / 7)
    scene = (waves[:, None] + 0.5 * waves.roll(5)).double()
    kernel = torch.from_numpy(psf.camera_shake(11, seed=2))
    small = halved_psf(kernel[None])[0]
    blurred = Convolution(kernel, (96, 96))(scene)
    again = Convolution(small, (48, 48))(halved(scene[None, None])[0, 0])
    inner = slice(8, -8), slice(8, -8)
    assert float((again - halved(blurred[None, None])[0, 0])[inner].abs().max()) < 0.01


def test_doubling_undoes_halving_but_for_details() -> None:
    x = torch.from_numpy(SCENE[..., :1]).movedim(-1, 0)[None]
    again = doubled(halved(x), (131, 161))
    assert again.shape == x.shape
    assert psnr(again.numpy(), x.numpy()) > 25


def test_colors_at_half_size_lose_little(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = psf.disk(3)
    y = np.stack([Convolution(kernel, SCENE.shape[:2], "reflect")(SCENE[..., c].copy()) for c in range(3)], -1)
    halved_file = NoiseModel(0.004, luminance=4, chrominance=6)
    whole = unrolled(y, kernel, noise_level=halved_file, channel_axis=-1)
    monkeypatch.setattr(importlib.import_module("deblur.nonblind._unrolled"), "_LARGE", 0)
    at_half = unrolled(y, kernel, noise_level=halved_file, channel_axis=-1)
    np.testing.assert_allclose(at_half.mean(-1), whole.mean(-1), atol=1e-6)  # the light is the same
    assert psnr(at_half, SCENE) > psnr(whole, SCENE) - 1.5  # a crop full of colors
    assert abs(at_half - whole).max() > 1e-4  # it was done

    seen = np.ones(SCENE.shape[:2])
    seen[40:60, 40:60] = 0
    masked = unrolled(y, kernel, noise_level=halved_file, weights=seen[..., None], channel_axis=-1)
    assert np.isfinite(masked).all()
    assert psnr(masked, SCENE) > psnr(y, SCENE)


@pytest.mark.parametrize("noise", [0.01, None, NoiseModel(0.01, luminance=4, chrominance=6, sampling="4:4:4")])
def test_colors_that_the_file_has_at_full_size_are_restored_so(noise: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stripes = np.zeros((96, 96, 3))
    stripes[:, ::4, 1] = stripes[:, 1::4, 1] = 0.8  # green lines, of two pixels
    kernel = psf.disk(2)
    y = np.stack([Convolution(kernel, (96, 96), "reflect")(stripes[..., c].copy()) for c in range(3)], -1)
    whole = unrolled(y, kernel, noise_level=noise, channel_axis=-1)
    monkeypatch.setattr(importlib.import_module("deblur.nonblind._unrolled"), "_LARGE", 0)
    np.testing.assert_array_equal(unrolled(y, kernel, noise_level=noise, channel_axis=-1), whole)
