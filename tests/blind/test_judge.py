"""Whether a restoration is better than what it was made from."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage import data

from deblur import psf
from deblur.blind._judge import DOUBTFUL, flaw_of
from deblur.nonblind import unrolled
from deblur.operators import Convolution

SCENE = data.camera()[50:300, 150:400] / 255
RIGHT = psf.disk(4)
BLURRED = Convolution(RIGHT, SCENE.shape, "reflect")(SCENE) + np.random.default_rng(0).normal(0, 0.003, SCENE.shape)


def flaw(before: np.ndarray, after: np.ndarray) -> str:
    return flaw_of(*(torch.from_numpy(each)[None].float() for each in (before, after)))


def test_the_truth_and_the_picture_itself_have_none() -> None:
    assert flaw(BLURRED, SCENE) == ""
    assert flaw(BLURRED, BLURRED) == ""


@pytest.mark.parametrize(("radius", "is_right"), [(4.0, True), (3.6, True), (5.4, False), (7.0, False)])
def test_a_restoration_with_a_wrong_size_has_ripples(radius: float, is_right: bool) -> None:
    after = unrolled(BLURRED, psf.disk(radius), noise_level=0.004)
    assert (flaw(BLURRED, after) == "") == is_right


def test_a_sharp_picture_that_was_taken_for_a_blurred_one_has_ripples() -> None:
    assert "ripples" in flaw(SCENE, unrolled(SCENE, psf.motion(9, angle=30), noise_level=0.007))


@pytest.mark.parametrize(("extent", "has_ripples"), [(9, True), (25, True), (75, False)])
def test_the_larger_the_blur_the_more_a_sharp_picture_may_vary(extent: int, has_ripples: bool) -> None:
    variation = 1e-3 * torch.from_numpy(SCENE - 0.5)[None].float()
    assert ("ripples" in flaw_of(0.5 + variation, 0.5 + 5 * variation, extent)) == has_ripples


def test_of_a_jpeg_less_variation_is_allowed() -> None:
    variation = 1e-3 * torch.from_numpy(SCENE - 0.5)[None].float()
    before, after = 0.5 + variation, 0.5 + 3 * variation
    assert (flaw_of(before, after), bool(flaw_of(before, after, allowance=DOUBTFUL))) == ("", True)


def test_a_flat_picture_is_judged() -> None:
    flat = np.full((40, 40), 0.5)
    assert flaw(flat, flat) == ""
