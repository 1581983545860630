"""The kind and size of a blur, read from a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data

from deblur import photo, psf
from deblur.blind._encoding import Encodings
from deblur.blind._kind import Kind, Reader
from deblur.operators import Convolution

SCENE = data.astronaut()[:400, 50:450] / 255
BLURS: dict[str, tuple[Kind, np.ndarray]] = {
    "focus 3": ("focus", psf.disk(3)),
    "focus 6": ("focus", psf.disk(6)),
    "focus 13": ("focus", psf.disk(13)),
    "motion 8": ("motion", psf.motion(8, angle=70)),
    "motion 17": ("motion", psf.motion(17, angle=20)),
    "motion 45": ("motion", psf.motion(45, angle=130)),
    "soft 1.2": ("soft", psf.gaussian(1.2)),
    "soft 2": ("soft", psf.gaussian(2.0)),
    "shake 25": ("shake", psf.camera_shake(25, seed=3)),
}


def reader(kernel: np.ndarray, *, in_light: bool = True, scene: np.ndarray = SCENE) -> Reader:
    """Read a scene, blurred in linear light or as stored, with noise, in 8 bits."""
    values = photo.to_linear(scene) if in_light else scene
    blurred = [Convolution(kernel, values.shape[:2], "reflect")(values[..., channel]) for channel in range(3)]
    noisy = np.stack(blurred, -1) + np.random.default_rng(0).normal(0, 0.003, values.shape)
    stored = photo.from_linear(noisy) if in_light else noisy
    eight_bits = np.rint(255 * stored.clip(0, 1)).astype(np.uint8)
    return Reader(Encodings(eight_bits, -1, None, encoded=True, method="test"))


@pytest.mark.parametrize("name", BLURS)
def test_the_kind_of_a_blur(name: str) -> None:
    kind, kernel = BLURS[name]
    assert reader(kernel).kind == kind


def test_a_sharp_picture_has_none() -> None:
    found = reader(np.ones((1, 1)))
    assert found.kind == "none"
    assert found.sharpness.verdict == "sharp"


@pytest.mark.parametrize("in_light", [True, False])
@pytest.mark.parametrize("radius", [3.0, 6.0, 13.0])
def test_the_radius_of_a_disk_and_the_encoding_in_which_it_blurred(radius: float, in_light: bool) -> None:
    disk = reader(psf.disk(radius), in_light=in_light).disk
    assert disk.radius == pytest.approx(radius, abs=0.05 * radius)
    assert disk.is_linear == in_light
    assert disk.is_clear


@pytest.mark.parametrize(("length", "angle"), [(8, 70), (17, 20), (28, 100), (45, 130)])
def test_the_length_and_the_angle_of_a_motion(length: float, angle: float) -> None:
    motion = reader(psf.motion(length, angle)).motion
    assert motion.length == pytest.approx(length, rel=0.05)
    assert (motion.angle - angle + 90) % 180 - 90 == pytest.approx(0, abs=2.5)
    assert motion.is_clear


def test_softness_is_read_in_both_directions() -> None:
    # As stored: edges that were blurred in linear light are wider on their dark side than the Gaussian.
    edges = reader(psf.gaussian((1.0, 2.0), angle=30), in_light=False).softness
    assert edges is not None
    assert np.sqrt([edges.major, edges.minor]) == pytest.approx([2.0, 1.0], abs=0.6)
    assert edges.angle == pytest.approx(30, abs=8)


def test_edges_that_are_wider_in_a_smaller_picture_are_no_softness(monkeypatch: pytest.MonkeyPatch) -> None:
    found = reader(psf.gaussian(1.2))
    night = {"full": 0.59, "half": 0.45, "quarter": 0.73, "widest": 1.25}  # of a shake, with small lights
    monkeypatch.setitem(vars(found), "sharpness", found.sharpness._replace(**night))
    assert found.kind == "shake"


def test_rows_of_bricks_are_no_motion() -> None:
    found = Reader(Encodings(data.brick(), None, None, encoded=True, method="test"))
    assert found.motion.ridge > 0.6
    assert found.kind != "motion"


def test_the_motion_of_the_clock_is_that_of_a_camera() -> None:
    found = Reader(Encodings(data.clock(), None, None, encoded=True, method="test"))
    assert found.kind == "motion"
    assert found.motion.length == pytest.approx(36, abs=1)
    assert found.motion.is_linear


@pytest.mark.parametrize("radius", [4, 5])
def test_a_faint_disk_as_wide_as_the_edges_say_is_one(radius: int) -> None:
    found = reader(psf.disk(radius), scene=data.coffee()[100:260, 200:360] / 255)
    assert found.kind == "focus"
    assert found.disk.radius == pytest.approx(radius, abs=0.25)


def test_softness_is_no_faint_disk() -> None:
    assert reader(psf.gaussian(2.0), scene=data.coffee()[100:260, 200:360] / 255).kind == "soft"


def test_a_straight_motion_of_large_letters_is_read_though_their_edges_are_sharp() -> None:
    page = np.full((420, 640, 3), 255, np.uint8)
    for line, text in enumerate(("Deconvolution of", "photographs that", "a hand has moved")):
        cv2.putText(page, text, (20, 120 + 120 * line), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 5, cv2.LINE_AA)
    found = reader(psf.motion(12, 30), scene=page / 255)
    assert found.is_flat
    assert found.kind == "motion"
    assert reader(np.ones((1, 1)), scene=page / 255).kind == "none"
