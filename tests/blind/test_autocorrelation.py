"""The length of a motion, from the negative peak of the autocorrelation."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from skimage import data

from deblur import psf
from deblur.blind._autocorrelation import estimate_motion
from deblur.blind._encoding import Encodings
from deblur.blind._kind import Reader
from deblur.operators import Convolution

SHARP = {name: getattr(data, name)() / 255 for name in ("camera", "coins", "page")}
CLOCK = data.clock() / 255


def moved(picture: np.ndarray, length: float, angle: float) -> np.ndarray:
    blurred = Convolution(psf.motion(length, angle), picture.shape, "valid")(picture)
    return blurred + np.random.default_rng(0).normal(0, 0.004, blurred.shape)


def error(found: tuple[float, float], truth: tuple[float, float]) -> float:
    """Distance in pixels between the ends of two motions, which have no sense."""
    a, b = (cmath.rect(length, math.radians(angle)) for length, angle in (found, truth))
    return min(abs(a - b), abs(a + b))


@pytest.mark.parametrize("name", SHARP)
@pytest.mark.parametrize(("length", "angle"), [(15, 0), (20, 2), (36, 1.6), (25, 90), (30, 88), (24, 40), (50, -30)])
def test_a_motion_of_known_direction_is_measured_to_a_pixel(name: str, length: float, angle: float) -> None:
    found = estimate_motion(moved(SHARP[name], length, angle), direction=angle + 1)
    assert error(found[:2], (length, angle)) <= 1.5  # a shift of one pixel in each direction


@pytest.mark.parametrize(("length", "angle"), [(9, 47), (36, 3), (50, 30)])
def test_a_motion_of_unknown_direction_is_measured(length: float, angle: float) -> None:
    picture = moved(SHARP["camera"], length, angle)
    found = Reader(Encodings(picture, None, None, encoded=False, method="motion")).motion
    assert error((found.length, found.angle), (length, angle)) <= 2
    assert found.is_clear


def test_the_motion_of_the_clock_turns_with_the_picture() -> None:
    length, angle, _ = estimate_motion(CLOCK, 0)
    assert length == pytest.approx(36, abs=1)
    assert angle == pytest.approx(1.6, abs=1)
    assert estimate_motion(CLOCK[:, ::-1].copy(), 0)[:2] == pytest.approx((length, -angle))
    assert estimate_motion(CLOCK[::-1, ::-1].copy(), 0)[:2] == pytest.approx((length, angle))
    assert estimate_motion(CLOCK.T.copy(), 90)[:2] == pytest.approx((length, 90 - angle))


def test_the_motion_does_not_depend_on_brightness_and_contrast() -> None:
    assert estimate_motion(0.3 * CLOCK + 0.5, 0) == pytest.approx(estimate_motion(CLOCK, 0))


def test_nothing_is_clear_in_a_flat_picture() -> None:
    assert estimate_motion(np.full((150, 150), 0.5), 0).z_score < 5
