"""`deblur.blind.blind` and `soft`: the kind of the blur, the method for it, and pictures that stay as they are."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import torch
from skimage import data

from deblur import Restoration, photo, psf
from deblur._core.progress import Progress
from deblur.blind import _blind, blind, soft
from deblur.blind._encoding import Encodings
from deblur.nonblind import NoiseModel
from deblur.operators import Convolution

from ..nonblind.cases import psnr

SCENE = data.astronaut()[100:356, 100:420]


def blurred(kernel: np.ndarray, *, in_light: bool = True) -> np.ndarray:
    """The scene, blurred in linear light or as stored, with noise, in 8 bits."""
    values = photo.to_linear(SCENE) if in_light else SCENE / 255
    y = np.stack([Convolution(kernel, values.shape[:2], "reflect")(values[..., c]) for c in range(3)], -1)
    y = y + np.random.default_rng(0).normal(0, 0.003, y.shape)
    return np.rint(255 * (photo.from_linear(y) if in_light else y).clip(0, 1)).astype(np.uint8)


def gain(found: Restoration, before: np.ndarray) -> float:
    return psnr(found.image, SCENE / 255) - psnr(before / 255, SCENE / 255)


@pytest.mark.parametrize("in_light", [True, False])
@pytest.mark.parametrize(
    ("kind", "kernel", "least"),
    [("focus", psf.disk(4), 3), ("motion", psf.motion(17, angle=20), 3), ("soft", psf.gaussian(1.5), 1.5)],
)
def test_each_kind_is_named_and_restored(kind: str, kernel: np.ndarray, least: float, in_light: bool) -> None:
    y = blurred(kernel, in_light=in_light)
    found = blind(y, channel_axis=-1, encoded=True)
    assert found.details["blur"] == kind
    assert found.method == "blind"
    assert found.reason
    assert gain(found, y) > least


def test_a_sharp_picture_stays_as_it_is() -> None:
    found = blind(SCENE, channel_axis=-1, encoded=True)
    assert (found.changed, found.details["blur"]) == (False, "none")
    assert found.reason == "the picture is already sharp"
    np.testing.assert_allclose(found.image, SCENE / 255, rtol=1e-6)


@pytest.mark.parametrize(("shape", "blur"), [((200, 200), None), ((20, 200), None)])
def test_of_flat_and_tiny_pictures_no_kind_is_named(shape: tuple[int, int], blur: None) -> None:
    found = blind(np.full(shape, 0.5))
    assert (found.changed, found.details["blur"]) == (False, blur)
    assert "flat" in found.reason or "too small" in found.reason


def test_where_a_reading_makes_ripples_a_shake_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    y = blurred(psf.disk(4))
    asked: list[Any] = []

    def search(
        photograph: Encodings, shape: Any, report: Progress, starts: Any = None, rival: Any = None
    ) -> Restoration:
        asked.append(shape)
        return photograph.stored.unchanged(0.0, "nothing")

    monkeypatch.setattr(_blind, "restore_shake", search)
    monkeypatch.setattr("deblur.blind._parametric.flaw_of", lambda before, after: "makes ripples")
    found = blind(y, 21, channel_axis=-1, encoded=True)
    assert asked == [(21, 21)]
    assert (found.changed, found.details["blur"]) == (False, "focus")
    assert "ripples" in found.reason


def test_where_no_shake_is_found_the_next_likely_kind_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def search(
        photograph: Encodings, shape: Any, report: Progress, starts: Any = None, rival: Any = None
    ) -> Restoration:
        return photograph.stored.unchanged(0.0, "nothing")

    monkeypatch.setattr(_blind, "restore_shake", search)
    monkeypatch.setattr("deblur.blind._kind.Reader.kind", "shake")
    found = blind(blurred(psf.motion(17, angle=20)), channel_axis=-1, encoded=True)
    assert (found.changed, found.details["blur"]) == (True, "motion")


def test_what_a_shake_s_search_says_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    # The truth behind a large shake varies as much more than the picture as ripples beside a small blur do.
    y, waves = blurred(psf.disk(4)), 0.15 * torch.sin(torch.arange(320))

    def search(
        photograph: Encodings, shape: Any, report: Progress, starts: Any = None, rival: Any = None, *, is_found: bool
    ) -> Restoration:
        if not is_found:
            return photograph.stored.unchanged(0.7, "its words")
        return photograph.stored.restored(photograph.stored.y + waves, torch.ones((1, 1)), 0.7, "its words")

    monkeypatch.setattr("deblur.blind._kind.Reader.kind", "shake")
    monkeypatch.setattr(_blind, "_LEAST", 2.0)  # so that no other kind is tried
    for is_found, reason in ((True, "shaken; its words"), (False, "its words")):
        monkeypatch.setattr(_blind, "restore_shake", functools.partial(search, is_found=is_found))
        found = blind(y, channel_axis=-1, encoded=True)
        assert (found.changed, found.details["blur"], found.reason) == (is_found, "shake", reason)


def test_softness_is_taken_back_in_part_and_its_widths_are_kept() -> None:
    y = blurred(psf.gaussian(2.0))
    found = soft(y, channel_axis=-1, encoded=True)
    assert 1.4 < found.details["sigma"][0] < 2.3
    assert gain(found, y) > 1
    assert not soft(SCENE, channel_axis=-1, encoded=True).changed


def test_of_a_jpeg_less_softness_is_taken_back() -> None:
    y = blurred(psf.gaussian(1.2))
    options: dict[str, Any] = {"channel_axis": -1, "encoded": True}
    both = soft(y, **options), soft(y, noise_level=NoiseModel(luminance=11, chrominance=25), **options)
    of_png, of_jpeg = (np.array(found.details["sigma"]) for found in both)
    assert (of_jpeg < 0.97 * of_png).all()
    assert gain(both[1], y) > 1


@pytest.mark.parametrize(("sigma", "said"), [(1.2, "a little soft; a Gaussian of "), (2.4, "soft; a Gaussian of ")])
def test_wide_softness_is_not_called_little_nor_sure(sigma: float, said: str) -> None:
    found = blind(blurred(psf.gaussian(sigma)), channel_axis=-1, encoded=True)
    assert found.reason.startswith(said)
    assert (found.certainty == "high", "shake" not in found.reason) == (sigma < 2, sigma < 2)
