"""Disks and straight motions read from the spectrum."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch

from deblur import psf
from deblur.blind import BlindResult, defocus, motion

from ..nonblind.cases import psnr, valid_picture
from .cases import correlation


@pytest.mark.parametrize("radius", [3.0, 5.5, 8.0])
def test_the_radius_of_a_disk(radius: float) -> None:
    y, truth = valid_picture(skimage.data.camera() / 255, psf.disk(radius), 0.003)
    found = defocus(y)
    assert correlation(found.psf, psf.disk(radius)) > 0.97
    assert psnr(found.image, truth) > psnr(y, truth) + 2
    assert found.confidence > 0.5


@pytest.mark.parametrize(("length", "angle"), [(9, 0), (15, 100), (12, 150)])
def test_the_length_and_angle_of_a_motion(length: float, angle: float) -> None:
    y, truth = valid_picture(skimage.data.camera() / 255, psf.motion(length, angle), 0.003)
    found = motion(y)
    assert correlation(found.psf, psf.motion(length, angle)) > 0.9
    assert psnr(found.image, truth) > psnr(y, truth) + 2


def test_the_motion_of_a_real_photograph() -> None:
    found = motion(skimage.data.clock())
    assert found.confidence == 1
    assert found.psf.shape == (3, 37)


@pytest.mark.parametrize("method", [defocus, motion])
def test_sharp_and_small_pictures_come_back_as_they_are(method: Callable[[Any], BlindResult]) -> None:
    sharp = skimage.data.camera()
    assert method(sharp).image is sharp
    small = torch.from_numpy(skimage.data.camera()[:100, :200])
    assert method(small).image is small
    assert "128 pixels" in method(small).reason
    assert "flat" in method(np.full((200, 200), 0.5)).reason
