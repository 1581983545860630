"""scikit-image's signatures: the same results where it is right, better ones where it is not, and its own on demand."""

import inspect

import numpy as np
import pytest
from skimage import data, restoration

from deblur import psf
from deblur.compat import skimage as compat
from deblur.operators import Convolution

NAMES = ["wiener", "unsupervised_wiener", "richardson_lucy"]
BLUR = psf.parse("motion:length=9,angle=30")
INSIDE = (slice(24, -24), slice(24, -24))


@pytest.fixture(scope="module")
def sharp() -> np.ndarray:
    return data.camera()[100:260, 160:320] / 255


@pytest.fixture(scope="module")
def blurred(sharp: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 0.01, sharp.shape)
    return Convolution(BLUR, sharp.shape, "reflect")(sharp) + noise


@pytest.mark.parametrize("name", NAMES)
def test_signatures_are_theirs(name: str) -> None:
    ours = dict(inspect.signature(getattr(compat, name)).parameters)
    theirs = inspect.signature(getattr(restoration, name)).parameters
    assert ours.pop("faithful").kind is inspect.Parameter.KEYWORD_ONLY
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        assert (ours[name].kind, ours[name].default) == (parameter.kind, parameter.default)


def test_faithful_is_theirs(blurred: np.ndarray) -> None:
    kernel = np.ones((4, 4)) / 16
    for name, options in [("wiener", {"balance": 0.1}), ("richardson_lucy", {"num_iter": 5, "filter_epsilon": 1e-3})]:
        expected = getattr(restoration, name)(blurred, kernel, **options)
        assert np.array_equal(getattr(compat, name)(blurred, kernel, **options, faithful=True), expected)
        assert not np.allclose(getattr(compat, name)(blurred, kernel, **options), expected)
    ours, chains = compat.unsupervised_wiener(blurred, BLUR, rng=3, faithful=True)
    theirs, their_chains = restoration.unsupervised_wiener(blurred, BLUR, rng=3)
    assert np.array_equal(ours, theirs)
    assert chains["noise"] == their_chains["noise"]


def test_wiener_agrees_away_from_the_border(blurred: np.ndarray) -> None:
    ours, theirs = compat.wiener(blurred, BLUR, 0.3), restoration.wiener(blurred, BLUR, 0.3)
    assert np.abs(ours - theirs)[INSIDE].max() < 0.01
    assert np.abs(ours - theirs).max() > 0.1  # it rings at the border, and so does not agree there


def test_richardson_lucy_agrees_away_from_the_border(blurred: np.ndarray) -> None:
    blurred = blurred.clip(0, 1)
    ours, theirs = (each.richardson_lucy(blurred, BLUR, num_iter=3) for each in (compat, restoration))
    assert np.abs(ours - theirs)[INSIDE].max() < 2e-3


def test_unsupervised_wiener_finds_the_noise(sharp: np.ndarray, blurred: np.ndarray) -> None:
    options = {"user_params": {"max_num_iter": 40}, "rng": 1}
    ours, chains = compat.unsupervised_wiener(blurred, BLUR, **options)
    theirs, _ = restoration.unsupervised_wiener(blurred, BLUR, **options)
    assert chains["noise"][0] ** -0.5 == pytest.approx(0.01, rel=0.2)
    assert np.mean((ours - sharp) ** 2) < np.mean((theirs - sharp) ** 2)
    again, _ = compat.unsupervised_wiener(blurred, BLUR, **options)
    assert np.array_equal(ours, again)


@pytest.mark.parametrize("is_real", [True, False])
def test_transfer_functions(blurred: np.ndarray, is_real: bool) -> None:
    """scikit-image keeps only the real part of these, which is another blur."""
    padded = np.zeros_like(blurred)
    padded[: BLUR.shape[0], : BLUR.shape[1]] = BLUR
    padded = np.roll(padded, tuple(-(k // 2) for k in BLUR.shape), (0, 1))
    transfer = (np.fft.rfftn if is_real else np.fft.fftn)(padded)
    by_transfer = compat.wiener(blurred, transfer, 0.3, is_real=is_real)
    assert np.abs(by_transfer - compat.wiener(blurred, BLUR, 0.3))[INSIDE].max() < 2e-3


def test_constant_stays_and_point_does_not_drift() -> None:
    flat = np.full((64, 64), 0.5)
    assert np.abs(compat.richardson_lucy(flat, np.ones((9, 9)) / 81, 30) - 0.5).max() < 1e-9
    point, box = np.zeros((48, 48)), np.ones((4, 4)) / 16
    point[20, 20] = 1
    restored = compat.richardson_lucy(Convolution(box, point.shape)(point), box, 60)
    assert np.unravel_index(restored.argmax(), restored.shape) == (20, 20)


def test_bad_input(blurred: np.ndarray) -> None:
    with pytest.raises(ValueError, match="user_params may have threshold"):
        compat.unsupervised_wiener(blurred, BLUR, user_params={"callback": print})
    with pytest.raises(ValueError, match="transfer function for this image has shape"):
        compat.wiener(blurred, np.ones((8, 8), complex), 0.1)
    with pytest.raises(ValueError, match="not that of a real kernel"):
        compat.wiener(blurred, np.random.default_rng(0).random(blurred.shape) * 1j, 0.1, is_real=False)
