from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deblur import psf
from deblur.psf._kinds import kinds


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("gaussian:sigma=2", lambda: psf.gaussian(2)),
        ("gaussian:sigma=2x1", lambda: psf.gaussian((2, 1))),
        ("gaussian:sigma=2.5x1e0,angle=-30", lambda: psf.gaussian((2.5, 1), angle=-30)),
        ("gaussian:sigma=1x2x3,shape=5x7x9", lambda: psf.gaussian((1, 2, 3), (5, 7, 9))),
        ("disk:radius=3.5", lambda: psf.disk(3.5)),
        ("airy:radius=1.7,shape=15", lambda: psf.airy(1.7, 15)),
        (" motion : length = 15 , angle = 30 ", lambda: psf.motion(15, 30)),
        ("motion:angle=30,length=15,", lambda: psf.motion(15, 30)),
        ("camera_shake:length=25,seed=3", lambda: psf.camera_shake(25, seed=3)),
        ("camera-shake:length=25,tremor=0.5,shape=41x43", lambda: psf.camera_shake(25, (41, 43), tremor=0.5)),
    ],
)
def test_parse_calls_the_function_it_names(spec, expected):
    np.testing.assert_array_equal(psf.parse(spec), expected())


def test_every_model_has_a_spec():
    models = [getattr(psf, name) for name in psf.__all__ if name not in ("load", "save", "parse")]
    models = [
        model
        for model in models
        if "shape" in inspect.signature(model).parameters and model not in (psf.pad_to, psf.from_beads, psf.fit)
    ]
    assert list(kinds()) == sorted(make.__name__ for make in models)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("", "unknown kind ''"),
        ("gauss:sigma=2", "did you mean 'gaussian'\\? Kinds: airy, born_wolf, camera_shake, confocal, disk"),
        ("blur.png", "unknown kind 'blur.png'. Kinds: airy"),
        ("gaussian", "sigma is missing, write gaussian:sigma=NUMBER; gaussian accepts sigma, shape, angle"),
        ("gaussian:", "sigma is missing"),
        ("gaussian:2", "'2' is not name=value; gaussian accepts sigma"),
        (
            "motion:lenght=15",
            "unknown parameter 'lenght', did you mean 'length'\\? motion accepts length, angle, shape",
        ),
        ("motion:length=5,colour=1", "unknown parameter 'colour'. motion accepts"),
        ("gaussian:sigma=2,sigma=3", "sigma is given twice"),
        ("gaussian:sigma=two", "sigma must be a number, or numbers joined by x as in 2x1, got 'two'"),
        ("gaussian:sigma=", "sigma must be a number"),
        ("gaussian:sigma=2x", "sigma must be a number"),
        ("gaussian:sigma=nan", "sigma must be finite"),
        ("gaussian:sigma=-1", "psf 'gaussian:sigma=-1': sigma must be between"),
        ("gaussian:sigma=1x1x1,angle=5", "angle must be 0"),
        ("disk:radius=2x3", "radius must be a number, got \\(2, 3\\)"),
        ("disk:radius=inf", "radius must be finite"),
        ("disk:radius=5,shape=7", "needs at least \\(11, 11\\)"),
        ("disk:radius=5,shape=7.5", "shape must be a whole number"),
        ("camera_shake:length=9,seed=0.5", "seed must be a whole number"),
        ("gaussian:sigma=__import__('os')", "sigma must be a number"),
    ],
)
def test_errors_teach(spec, words):
    with pytest.raises(ValueError, match=words) as caught:
        psf.parse(spec)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"psf {spec!r}: ")


def test_spec_must_be_text():
    with pytest.raises(TypeError, match="must be a string such as"):
        psf.parse(3)


@given(
    kind=st.sampled_from(["gaussian:", "motion:length=", "disk:radius", ""]), rest=st.text("abc=,:x1.- ", max_size=8)
)
def test_any_text_makes_a_psf_or_one_clear_error(kind, rest):
    try:
        kernel = psf.parse(kind + rest)
    except ValueError:
        with pytest.raises(ValueError, match=r"^psf .+: .+"):
            psf.parse(kind + rest)
    else:
        psf.validate(kernel)
