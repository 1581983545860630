"""The public signatures: typed by the kind of the array, and shared parameters worded once."""

import inspect
import re
import typing

import numpy as np
import pytest
import torch
from numpydoc.docscrape import NumpyDocString

from deblur import nonblind
from deblur._core.arrays import ArrayT
from deblur.operators import LinearOperator

from .shared_parameters import PLANE, TABLE

METHODS = [
    "wiener",
    "unsupervised_wiener",
    "richardson_lucy",
    "total_variation",
    "hyper_laplacian",
    "plug_and_play",
    "adm",
    "unrolled",
    "fused",
    "split_highlights",
]
IN_A_PLANE = {"plug_and_play", "unrolled", "fused", "split_highlights"}
OTHER_TYPES = {
    ("richardson_lucy", "psf"): "numpy.ndarray, torch.Tensor or LinearOperator",
    ("richardson_lucy", "boundary"): '{"unknown", "circular", "zero", "reflect", "replicate"}',
}
"""Where a method takes more than the others."""


def described(name: str) -> dict[str, tuple[str, str]]:
    parameters = NumpyDocString(inspect.getdoc(getattr(nonblind, name)))["Parameters"]
    return {each.name: (each.type, " ".join(each.desc)) for each in parameters}


@pytest.mark.parametrize("name", [each for each in METHODS if each != "adm"])  # which refers to plug_and_play
def test_shared_parameters_are_worded_once(name: str) -> None:
    table = TABLE | (PLANE if name in IN_A_PLANE else {})
    shared = {parameter: text for parameter, text in described(name).items() if parameter in table}
    assert {"image", "psf", "noise_level", "channel_axis", "progress"} <= set(shared)
    for parameter, (kind, text) in shared.items():
        expected_kind, expected = table[parameter]
        assert kind == OTHER_TYPES.get((name, parameter), expected_kind)
        if (name, parameter) == ("richardson_lucy", "boundary"):
            expected = "How the scene continues past the image."
        assert text.startswith(expected), (name, parameter)
        rest = text.removeprefix(expected)
        assert re.fullmatch(r"( [A-Z0-9`].*\.)?", rest), f"{parameter} goes on with no sentence: {rest!r}"


def test_adm_refers_to_plug_and_play_for_all_that_they_share() -> None:
    shared = set(inspect.signature(nonblind.plug_and_play).parameters)
    (line,) = [names for names, (_, text) in described("adm").items() if text == "See `plug_and_play`."]
    assert set(line.split(", ")) == shared


@pytest.mark.parametrize("name", METHODS)
def test_the_result_has_the_kind_of_the_image(name: str) -> None:
    overloads = typing.get_overloads(getattr(nonblind, name)) if hasattr(typing, "get_overloads") else []
    for function in overloads or [inspect.unwrap(getattr(nonblind, name))]:
        hints = typing.get_type_hints(function)
        assert hints["image"] is ArrayT
        assert hints["psf"] in (np.ndarray | torch.Tensor, np.ndarray | torch.Tensor | LinearOperator)
        result = hints["return"]
        assert result is ArrayT or ArrayT in typing.get_args(result)


@pytest.mark.parametrize("name", [each for each in nonblind.__all__ if not inspect.isclass(getattr(nonblind, each))])
def test_no_public_function_takes_or_returns_anything(name: str) -> None:
    hints = typing.get_type_hints(inspect.unwrap(getattr(nonblind, name)))
    assert typing.Any not in hints.values()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_takes_a_noise_level_channels_and_progress_by_keyword(name: str) -> None:
    parameters = inspect.signature(getattr(nonblind, name)).parameters
    for each in ("noise_level", "channel_axis", "progress"):
        assert parameters[each].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[each].default is None
