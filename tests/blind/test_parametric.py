"""Disks and straight motions estimated from the spectrum."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import torch

from deblur import Restoration, psf
from deblur.blind import _parametric, defocus, motion
from deblur.blind._encoding import Encodings
from deblur.nonblind import NoiseModel
from deblur.operators import Convolution
from deblur.photo import from_linear, to_linear

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
    before, after = (
        np.abs(np.diff(each[100:200, 20:120])).mean() for each in (skimage.data.clock() / 255, found.image)
    )
    assert after < 0.4 * before  # no rails beside the clock, where the network leaves .66 even with more noise assumed


@pytest.mark.parametrize("method", [defocus, motion])
def test_sharp_and_small_pictures_come_back_as_they_are(method: Callable[[Any], Restoration]) -> None:
    sharp = skimage.data.camera()
    found = method(sharp)
    assert not found.changed
    np.testing.assert_allclose(found.image, sharp / 255, rtol=1e-6)
    small = torch.from_numpy(skimage.data.camera()[:100, :200])
    found = method(small)
    assert not found.changed
    torch.testing.assert_close(found.image, small.float() / 255)
    assert "128 pixels" in found.reason
    assert "flat" in method(np.full((200, 200), 0.5)).reason


@pytest.mark.parametrize(
    ("method", "blur", "parameters"), [(defocus, psf.disk(4), {"radius"}), (motion, psf.motion(9), {"length", "angle"})]
)
def test_progress_rises_to_one_and_the_estimated_parameters_are_kept(
    method: Callable[..., Restoration], blur: np.ndarray, parameters: set[str]
) -> None:
    y, _ = valid_picture(skimage.data.camera()[:200, 100:300] / 255, blur, 0.003)
    fractions: list[float] = []
    found = method(y, progress=lambda fraction, stage: fractions.append(fraction))
    assert found.method == method.__name__
    assert set(found.details) == parameters
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0, 1)


def test_a_large_picture_is_not_restored_where_a_part_has_ripples(monkeypatch: pytest.MonkeyPatch) -> None:
    y, _ = valid_picture(skimage.data.camera() / 255, psf.disk(4.0), 0.003)
    monkeypatch.setattr(_parametric, "_LARGE", 128**2)
    monkeypatch.setattr(_parametric, "flaw_of", lambda before, after: "makes ripples")
    monkeypatch.setattr(Encodings, "restored", lambda *_, **__: pytest.fail("all of it is restored"))
    found = defocus(y)
    assert (found.changed, "ripples" in found.reason) == (False, True)


def test_noise_that_compression_has_left_is_seen() -> None:
    """High frequencies alone say that there is little, and what was restored with so little was full of worms."""
    sharp = skimage.data.astronaut() / 255
    light = np.stack([Convolution(psf.disk(4), (512, 512), "reflect")(to_linear(sharp[..., c])) for c in range(3)], -1)
    random = np.random.default_rng(0)
    y = from_linear((random.poisson(150 * light.clip(0)) / 150 + random.normal(0, 0.02, light.shape)).clip(0, 1))
    picture = jpeg(np.rint(255 * y).astype(np.uint8), 85)
    found = defocus(picture, noise_level=NoiseModel(luminance=11, chrominance=25), channel_axis=-1, encoded=True)
    assert found.changed
    assert psnr(found.image, sharp) > psnr(picture, sharp) + 2


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Return pixels in [0, 1], as a JPEG has them."""
    _, file = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(file, cv2.IMREAD_COLOR)[..., ::-1] / 255
