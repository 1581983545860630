"""A photograph in both encodings: the whole and a window, restored."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from deblur import psf
from deblur.blind._encoding import Encodings

SCENE = (0.9 * data.astronaut()[100:228, 100:260]).astype(np.uint8)  # without clipped lights
KERNEL = torch.from_numpy(psf.disk(2)).float()
WHOLE = slice(None), slice(None)


def encodings(image: np.ndarray) -> Encodings:
    return Encodings(image, -1, 0.004, encoded=True, method="blind")


def rms(x: torch.Tensor) -> float:
    return float(x.square().mean().sqrt())


@pytest.mark.parametrize("is_linear", [True, False])
def test_a_trial_restores_the_mean_of_the_channels(is_linear: bool) -> None:
    gray = np.repeat(SCENE.mean(2, keepdims=True), 3, 2) / 255
    photograph = encodings(gray)
    before, after = photograph.trial(KERNEL, 0.005, is_linear, WHOLE)
    np.testing.assert_allclose(before[0], gray[..., 0], atol=1e-6)
    assert rms(after[0] - photograph.restored(KERNEL, 0.005, is_linear, None)[1]) < 0.02 * rms(after - before)


def test_a_trial_of_colors_is_near_their_mean() -> None:
    photograph = encodings(SCENE)
    before, after = photograph.trial(KERNEL, 0.005, False, WHOLE)
    assert rms(after[0] - photograph.restored(KERNEL, 0.005, False, None).mean(0)) < 0.03 * rms(after - before)


def test_a_trial_is_of_its_window() -> None:
    window = slice(10, 90), slice(20, 110)
    before, after = encodings(SCENE).trial(KERNEL, 0.005, False, window)
    np.testing.assert_allclose(before[0], SCENE[window].mean(2) / 255, atol=1e-6)
    assert after.shape == before.shape == (1, 80, 90)


def test_in_the_dark_less_error_is_assumed() -> None:
    half = data.camera()[100:228, 100:228] / 255
    photograph = Encodings(np.hstack([0.25 * half, half]), None, 0.002, encoded=True, method="blind")
    less, more, mixed = (
        photograph.restored(KERNEL, error, True, None, least_error=least)[0]
        for error, least in ((0.035, 1.0), (0.1, 1.0), (0.1, 0.002))
    )
    dark, bright = (slice(None), slice(0, 96)), (slice(None), slice(160, None))
    assert rms(mixed[dark] - less[dark]) < 0.1 * rms(mixed[dark] - more[dark])
    assert rms(mixed[bright] - more[bright]) < 0.5 * rms(mixed[bright] - less[bright])
    as_stored = [photograph.restored(KERNEL, 0.1, False, None, least_error=least) for least in (1.0, 0.002)]
    assert torch.equal(*as_stored)
