"""`deblur.restore` reports its progress, whatever the method, and stops when the report raises."""

from __future__ import annotations

import numpy as np
import pytest

import deblur
from deblur import psf
from deblur.operators import Convolution

DISK = psf.disk(2)


@pytest.fixture
def picture(rng: np.random.Generator) -> np.ndarray:
    return rng.random((64, 72, 3), dtype=np.float32)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("unrolled", {}),
        ("plug-and-play", {"num_iter": 3}),
        ("total-variation", {"num_iter": 5}),
        ("richardson-lucy", {"num_iter": 100, "noise_level": 0.2}),
    ],
)
def test_progress_rises_to_the_end(picture: np.ndarray, method: str, options: dict) -> None:
    reports: list[tuple[float, str]] = []
    silent = deblur.restore(picture, DISK, method=method, channel_axis=-1, **options)
    result = deblur.restore(
        picture, DISK, method=method, channel_axis=-1, progress=lambda *each: reports.append(each), **options
    )
    fractions = [part for part, _ in reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert len(set(fractions)) >= 3
    np.testing.assert_array_equal(result.image, silent.image)


@pytest.mark.parametrize("method", ["auto", "wiener", "richardson-lucy"])
def test_without_a_psf_it_rises_to_the_end_too(picture: np.ndarray, method: str) -> None:
    blurred = Convolution(DISK, picture.shape[:2], "reflect")(np.moveaxis(picture, -1, 0))
    reports: list[float] = []
    deblur.restore(
        np.moveaxis(blurred, 0, -1), method=method, channel_axis=-1, progress=lambda *each: reports.append(each[0])
    )
    assert reports == sorted(reports)
    assert reports[-1] == 1
    assert any(0.2 < part < 0.8 for part in reports)


def test_highlights_come_first(picture: np.ndarray) -> None:
    picture[20:30, 20:30] = 1
    reports: list[tuple[float, str]] = []
    deblur.restore(picture, DISK, saturation=0.99, channel_axis=-1, progress=lambda *each: reports.append(each))
    what = list(dict.fromkeys(each for _, each in reports))
    assert len(what) == 2
    assert what[-1] == "sharpening"
    assert [part for part, _ in reports] == sorted(part for part, _ in reports)


def test_what_progress_raises_ends_the_work(picture: np.ndarray) -> None:
    reports = []

    def stop(part: float, what: str) -> None:
        reports.append(part)
        if part > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        deblur.restore(picture, DISK, channel_axis=-1, progress=stop)
    assert sum(part > 0.3 for part in reports) == 1
    assert deblur.restore(picture, DISK, channel_axis=-1).image.shape == picture.shape
