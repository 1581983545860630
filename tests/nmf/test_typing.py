"""The public signatures are typed, and the package says so."""

import importlib.resources
import inspect
import re

import pytest

import nmf
from nmf import audio, initialize
from nmf.compat import torchnmf

OBJECTS = [
    *(getattr(nmf, name) for name in nmf.__all__ if name not in ("audio", "compat", "initialize", "sklearn")),
    *(getattr(audio, name) for name in audio.__all__),
    *(initialize.random, initialize.nndsvd, initialize.kmeans),
    *(getattr(module, name) for module in (torchnmf.nmf, torchnmf.plca) for name in module.__all__),
]
OPAQUE = {"process_group"}
"""Parameters of a type that not every torch has."""


def functions() -> list:
    found = []
    for value in OBJECTS:
        members = vars(value).items() if inspect.isclass(value) else [(value.__name__, value)]
        found += [
            pytest.param(function, id=f"{value.__name__}.{name}")
            for name, function in members
            if inspect.isfunction(function) and not (name.startswith("_") and name != "__init__")
        ]
    return found


@pytest.mark.parametrize("function", functions())
def test_no_public_parameter_is_of_any_type(function):
    signature = inspect.signature(function)
    untyped = [
        name
        for name, parameter in signature.parameters.items()
        if name not in OPAQUE | {"self"}
        and parameter.kind is not parameter.VAR_KEYWORD
        and re.search(r"\bAny\b", str(parameter.annotation))
    ]
    assert untyped == []
    assert signature.return_annotation != "Any"


def test_the_package_is_marked_as_typed():
    assert (importlib.resources.files("nmf") / "py.typed").is_file()
