"""Every method reports progress in one way, and is cancelled by it."""

import numpy as np
import pytest

from deblur import nonblind, psf
from deblur.nonblind import _tiles
from deblur.operators import Convolution

BLUR = psf.disk(2)
METHODS = {
    "wiener": {"noise_level": 0.02},
    "unsupervised_wiener": {"max_iter": 40},
    "richardson_lucy": {"num_iter": 8},
    "total_variation": {"num_iter": 5},
    "hyper_laplacian": {"num_iter": 5},
    "plug_and_play": {"num_iter": 3},
    "adm": {"num_iter": 3},
    "unrolled": {},
    "fused": {},
    "split_highlights": {"saturation": 0.9},
}


class CancelledError(Exception):
    """The exception of a caller who cancels a method."""


def arrays_of(result: np.ndarray | nonblind.Highlights) -> list[np.ndarray]:
    return [result.remainder, result.excess] if isinstance(result, nonblind.Highlights) else [result]


@pytest.fixture
def image(rng: np.random.Generator) -> np.ndarray:
    return Convolution(BLUR, (40, 44), "reflect")(rng.random((40, 44))).clip(0, 1) + 0.3


@pytest.mark.parametrize("name", METHODS)
def test_progress_rises_from_the_first_iteration_to_one_and_changes_nothing(name: str, image: np.ndarray) -> None:
    reports: list[tuple[float, str]] = []
    method = getattr(nonblind, name)
    silent = method(image, BLUR, **METHODS[name])
    result = method(image, BLUR, **METHODS[name], progress=lambda *each: reports.append(each))
    fractions = [fraction for fraction, _ in reports]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) >= 3
    assert 0 <= fractions[0] < 0.5
    assert fractions[-1] == 1
    assert {stage for _, stage in reports} == {
        "recovering clipped highlights" if name == "split_highlights" else "sharpening"
    }
    for one, other in zip(arrays_of(result), arrays_of(silent), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", METHODS)
def test_an_exception_from_progress_cancels_the_method(name: str, image: np.ndarray) -> None:
    count = 0

    def cancel(fraction: float, stage: str) -> None:
        nonlocal count
        count += 1
        raise CancelledError

    with pytest.raises(CancelledError):
        getattr(nonblind, name)(image, BLUR, **METHODS[name], progress=cancel)
    assert count == 1


@pytest.mark.parametrize("name", ["richardson_lucy", "total_variation", "hyper_laplacian", "plug_and_play", "adm"])
def test_progress_and_callback_go_together_and_a_stop_is_the_end(name: str, image: np.ndarray) -> None:
    fractions: list[float] = []
    iterations: list[int] = []

    def callback(iteration: int, estimate: np.ndarray, objective: float) -> bool:
        iterations.append(iteration)
        return iteration == 1

    getattr(nonblind, name)(
        image, BLUR, num_iter=4, progress=lambda fraction, stage: fractions.append(fraction), callback=callback
    )
    assert iterations == [0, 1]
    assert fractions == [0.25, 0.5, 1.0]


def test_windows_share_the_progress_of_the_image(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    monkeypatch.setattr(_tiles, "_WINDOW", 160)
    fractions: list[float] = []
    image = rng.random((100, 300))
    image[40:44, 40:44] = 1
    image[40:44, 260:264] = 1
    nonblind.split_highlights(
        image, BLUR, 1.0, noise_level=0.01, progress=lambda fraction, stage: fractions.append(fraction)
    )
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert len(set(fractions)) > 150  # of the iterations of both windows
