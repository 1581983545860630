"""The one validated input: PSFs and operators, channels and weights."""

import numpy as np
import pytest
import skimage.data
import torch

from deblur import nonblind, psf
from deblur.nonblind._measurement import Measurement, OperatorMeasurement, PsfMeasurement
from deblur.operators import Convolution

BLUR = psf.gaussian(1)
NEED_A_PSF = [
    "wiener",
    "wiener_balance",
    "unsupervised_wiener",
    "total_variation",
    "hyper_laplacian",
    "plug_and_play",
    "adm",
    "unrolled",
    "fused",
    "estimate_noise",
]


@pytest.mark.parametrize("name", NEED_A_PSF)
def test_methods_that_need_a_psf_refuse_an_operator_in_one_line(name: str, rng: np.random.Generator) -> None:
    operator = Convolution(BLUR, (20, 24), "reflect")
    with pytest.raises(TypeError) as info:
        getattr(nonblind, name)(rng.random((20, 24)), operator)
    assert str(info.value) == f"{name} needs a point-spread function; richardson_lucy takes any operator"


def test_highlights_need_a_psf_too(rng: np.random.Generator) -> None:
    with pytest.raises(TypeError, match="split_highlights needs a point-spread function"):
        nonblind.split_highlights(rng.random((20, 24)), Convolution(BLUR, (20, 24), "reflect"), 0.9)


def test_from_arrays_tells_a_psf_from_an_operator(rng: np.random.Generator) -> None:
    image = rng.random((20, 24))
    known = Measurement.from_arrays(image, BLUR)
    assert isinstance(known, PsfMeasurement)
    assert known.with_psf("any") is known
    assert isinstance(Measurement.from_arrays(image, Convolution(BLUR, (20, 24))), OperatorMeasurement)


@pytest.mark.parametrize("blur", [BLUR, Convolution(BLUR, (20, 24), "reflect")], ids=["psf", "operator"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_channels_and_their_weights_move_to_the_front_and_back(
    blur: np.ndarray | Convolution, axis: int, rng: np.random.Generator
) -> None:
    image, weights = rng.random((3, 20, 24)), rng.integers(0, 2, (3, 20, 24)).astype(float)
    measurement = Measurement.from_arrays(
        np.moveaxis(image, 0, axis), blur, weights=np.moveaxis(weights, 0, axis), channel_axis=axis
    )
    np.testing.assert_array_equal(measurement.weights.numpy(), weights)
    np.testing.assert_array_equal(measurement.y.numpy(), image * weights)
    back = measurement.finish(measurement.y)
    np.testing.assert_array_equal(np.moveaxis(back, axis, 0), image * weights)


@pytest.mark.parametrize("blur", [BLUR, Convolution(BLUR, (20, 24), "reflect")], ids=["psf", "operator"])
def test_values_without_weight_may_be_anything(blur: np.ndarray | Convolution, rng: np.random.Generator) -> None:
    image, weights = rng.random((20, 24)), np.ones((20, 24))
    image[3, 4], weights[3, 4] = np.nan, 0
    assert Measurement.from_arrays(image, blur, weights=weights).y[3, 4] == 0
    with pytest.raises(ValueError, match="image has 1 values that are NaN"):
        Measurement.from_arrays(image, blur)


@pytest.mark.parametrize(
    ("weights", "kind", "message"),
    [
        (np.zeros((20, 24)), ValueError, "weights must be at least 0, and positive somewhere"),
        (-np.ones(24), ValueError, "weights must be at least 0"),
        (np.ones(20), ValueError, r"weights of shape \(20,\) do not broadcast to the image, \(20, 24\)"),
        (np.full(24, np.nan), ValueError, "weights has 24 values that are NaN"),
        ([1.0], TypeError, "weights must be a NumPy array"),
    ],
)
@pytest.mark.parametrize("blur", [BLUR, Convolution(BLUR, (20, 24), "reflect")], ids=["psf", "operator"])
def test_bad_weights(
    blur: np.ndarray | Convolution, weights: np.ndarray, kind: type, message: str, rng: np.random.Generator
) -> None:
    with pytest.raises(kind, match=message):
        Measurement.from_arrays(rng.random((20, 24)), blur, weights=weights)


def test_the_kind_of_the_image_is_returned_whatever_that_of_the_psf(rng: np.random.Generator) -> None:
    image = rng.random((20, 24))
    restored = nonblind.wiener(torch.from_numpy(image), BLUR)
    assert isinstance(restored, torch.Tensor)
    array = nonblind.wiener(image, torch.from_numpy(BLUR))
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(restored.numpy(), array)


@pytest.mark.parametrize("level", [0.01, 0.03, 0.05])
@pytest.mark.parametrize("missing", ["nothing", "a part"])
def test_the_estimated_noise_level_has_no_bias(level: float, missing: str) -> None:
    found = []
    for name in ("camera", "coins", "page"):
        scene = getattr(skimage.data, name)()[:191, :255].astype(np.float64) / 255
        for seed in (1, 2):
            blur = psf.camera_shake(17, seed=seed)
            blurred = Convolution(blur, scene.shape, "valid")(scene)
            noisy = blurred + level * np.random.default_rng(seed).standard_normal(blurred.shape)
            weights = np.ones(noisy.shape)
            weights[20:60, 30:90] = missing == "nothing"
            found.append(nonblind.estimate_noise(noisy, blur, weights=weights) / level)
    assert np.mean(found) == pytest.approx(1, abs=0.04)
    assert np.std(found) < 0.06


def test_zeros_around_a_psf_do_not_change_the_estimated_noise_level() -> None:
    scene, blur = skimage.data.camera()[:191, :255] / 255, psf.camera_shake(17, seed=1)
    blurred = Convolution(blur, scene.shape, "valid")(scene)
    noisy = blurred + 0.01 * np.random.default_rng(0).standard_normal(blurred.shape)
    for above in (20, 21):  # of an even size, the larger part is before the center
        padded = np.pad(blur, [(above, 20), (20, 20)])
        assert nonblind.estimate_noise(noisy, padded) == pytest.approx(nonblind.estimate_noise(noisy, blur), rel=1e-6)
