"""Blind Richardson-Lucy."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from deblur import psf
from deblur.blind import richardson_lucy
from deblur.operators import Convolution

from .cases import correlation


def points(shape: tuple[int, ...], count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = np.zeros(shape)
    x[tuple(rng.integers(5, size - 5, count) for size in shape)] = 0.3 + rng.random(count)
    return x


def picture(blur: np.ndarray, shape: tuple[int, ...], counts: float | None = None) -> np.ndarray:
    y = Convolution(blur, shape, "zero")(points(shape, 20)).clip(0)
    return y if counts is None else np.random.default_rng(1).poisson(counts * y) / counts


@pytest.mark.parametrize("counts", [None, 2000.0])
@pytest.mark.parametrize(
    "blur",
    [
        psf.motion(7, angle=40),
        psf.camera_shake(10, seed=3),
        psf.gaussian(1.5),
        psf.airy(4.0, shape=15),
        psf.gaussian((1.0, 1.5, 1.5)),
        np.array([0.1, 0.5, 0.3, 0.1, 0.0]),
    ],
    ids=["motion", "shake", "gaussian", "airy", "3-D", "1-D"],
)
def test_it_recovers_a_planted_psf(blur: np.ndarray, counts: float | None) -> None:
    shape = {1: (200,), 2: (64, 64), 3: (24, 32, 32)}[blur.ndim]
    found = richardson_lucy(picture(blur, shape, counts), blur.shape)
    assert correlation(found.psf, blur) >= 0.95
    assert found.psf.sum() == pytest.approx(1)
    assert found.psf.min() >= 0
    assert found.image.shape == shape
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_divergence_never_rises(symmetric: bool) -> None:
    course: list[float] = []
    richardson_lucy(
        picture(psf.gaussian(1.3), (48, 48), 500.0),
        9,
        symmetric=symmetric,
        tolerance=0,
        num_iter=12,
        callback=lambda iteration, estimate, objective: course.append(objective),  # type: ignore[func-returns-value]
    )
    assert len(course) == 12
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(course))


def test_what_is_zero_stays_zero_and_symmetry_is_kept() -> None:
    y = picture(psf.gaussian(1.2), (48, 48), 500.0)
    start = psf.disk(3)
    found = richardson_lucy(y, start.shape, start=start)
    assert not found.psf[start == 0].any()
    mirrored = richardson_lucy(y, 9, symmetric=True).psf
    np.testing.assert_allclose(mirrored, mirrored[::-1, ::-1], atol=1e-9)


def test_a_callback_stops_and_tensors_come_back() -> None:
    y = torch.from_numpy(picture(psf.gaussian(1.2), (40, 40))).float()
    calls = []
    found = richardson_lucy(y, 7, callback=lambda *call: calls.append(call) or len(calls) == 3)
    assert len(calls) == 3
    assert isinstance(found.image, torch.Tensor)
    assert found.image.dtype is found.psf.dtype is torch.float32


@pytest.mark.parametrize(
    ("image", "shape", "options", "message"),
    [
        (np.ones((8, 8)), 9, {}, "psf_shape"),
        (np.ones((8, 8)), (3, 3, 3), {}, "psf_shape"),
        (np.ones((8, 8)), 0, {}, "psf_shape"),
        (np.ones((8, 8)), 3, {"start": np.zeros((3, 3))}, "start"),
        (np.ones((8, 8)), 3, {"start": np.ones((5, 5))}, "shape of the psf"),
        (np.ones((8, 8)), 3, {"num_iter": 0}, "num_iter"),
        (np.ones((8, 8)), 3, {"background": -1.0}, "background"),
        (np.ones((8, 8)), 3, {"background": 2.0}, "above the background"),
        (np.zeros((8, 8)), 3, {}, "above the background"),
        (np.ones((2, 2, 2, 2)), 1, {}, "1 to 3 axes"),
        (np.full((8, 8), np.inf), 3, {}, "infinite"),
    ],
)
def test_bad_input_is_one_line(image: np.ndarray, shape: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        richardson_lucy(image, shape, **options)


def test_progress_counts_the_iterations() -> None:
    y = picture(psf.gaussian(1.2), (40, 40))
    fractions: list[float] = []
    found = richardson_lucy(y, 7, num_iter=4, tolerance=0, progress=lambda fraction, stage: fractions.append(fraction))
    assert fractions == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert (found.method, found.details["num_iter"]) == ("blind-richardson-lucy", 4)
