"""`deblur.restore` tells how far it is, whatever the method, and stops when it is told to."""

from __future__ import annotations

import numpy as np
import pytest

import deblur
from deblur import nonblind, psf
from deblur.nonblind import _tiles
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
    told: list[tuple[float, str]] = []
    silent = deblur.restore(picture, DISK, method=method, channel_axis=-1, **options)
    result = deblur.restore(
        picture, DISK, method=method, channel_axis=-1, progress=lambda *each: told.append(each), **options
    )
    parts = [part for part, _ in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1
    assert len(set(parts)) >= 3
    np.testing.assert_array_equal(result.image, silent.image)


@pytest.mark.parametrize("method", ["auto", "wiener", "richardson-lucy"])
def test_without_a_psf_it_rises_to_the_end_too(picture: np.ndarray, method: str) -> None:
    blurred = Convolution(DISK, picture.shape[:2], "reflect")(np.moveaxis(picture, -1, 0))
    told: list[float] = []
    deblur.restore(
        np.moveaxis(blurred, 0, -1), method=method, channel_axis=-1, progress=lambda *each: told.append(each[0])
    )
    assert told == sorted(told)
    assert told[-1] == 1
    assert any(0.2 < part < 0.8 for part in told)


def test_highlights_come_first(picture: np.ndarray) -> None:
    picture[20:30, 20:30] = 1
    told: list[tuple[float, str]] = []
    deblur.restore(picture, DISK, saturation=0.99, channel_axis=-1, progress=lambda *each: told.append(each))
    what = list(dict.fromkeys(each for _, each in told))
    assert what == ["finding what highlights lost", "sharpening"]
    assert [part for part, _ in told] == sorted(part for part, _ in told)


def test_what_progress_raises_ends_the_work(picture: np.ndarray) -> None:
    told = []

    def stop(part: float, what: str) -> None:
        told.append(part)
        if part > 0.3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        deblur.restore(picture, DISK, channel_axis=-1, progress=stop)
    assert sum(part > 0.3 for part in told) == 1
    assert deblur.restore(picture, DISK, channel_axis=-1).image.shape == picture.shape


def test_windows_and_stages_both_count(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setattr(_tiles, "_WINDOW", 300)
    told: list[float] = []
    nonblind.unrolled(rng.random((290, 560), dtype=np.float32), DISK, noise_level=0.01, progress=told.append)
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == 1
    windows = 3
    assert set(np.round(np.arange(0, windows * 5 + 1) / (windows * 5), 9)) == set(np.round(told, 9))
