"""Every public name documents its parameters, results and exceptions, and has an example.

A public name is one in the stub or the ``__all__`` of a public module; its public methods count too.
"""

import ast
import builtins
import dataclasses
import doctest
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

numpydoc = pytest.importorskip("numpydoc.docscrape")

MODULES = [
    "deblur",
    "deblur.benchmark",
    "deblur.blind",
    "deblur.compat",
    "deblur.compat.skimage",
    "deblur.dask",
    "deblur.networks",
    "deblur.networks.training",
    "deblur.nonblind",
    "deblur.operators",
    "deblur.photo",
    "deblur.psf",
    "deblur.stack",
    "deblur.web",
    "nmf",
    "nmf.audio",
    "nmf.compat.torchnmf",
    "nmf.compat.torchnmf.metrics",
    "nmf.compat.torchnmf.nmf",
    "nmf.compat.torchnmf.plca",
    "nmf.compat.torchnmf.trainer",
    "nmf.initialize",
    "nmf.sklearn",
]
WITHOUT = {"deblur.cli", "deblur.napari", "nmf.compat", "nmf.cli"}
"""Commands, a plugin that napari imports, and a package of one module."""

RAISES_NOTHING = {
    "deblur.operators.fast_size": "every whole number has an answer",
    "deblur.benchmark.markdown_table": "any results make a table",
    "deblur.benchmark.notes": "any results make notes",
    "deblur.benchmark.text_groups": "any results make a table, or none",
    "deblur.benchmark.text_table": "any results make a table",
}

ARRAY = re.compile(r"ndarray|Tensor|\barray\b")
SHAPE = re.compile(
    r"shape|``\([^`]*,[^`]*\)``|\(\w+(, [\w ]+)+\)|\(\w+,\)|[123]-D"
    r"|\b(axis|axes|batch|broadcastable|number|numbers|matrix|one each)\b|\b(as|as of|of|see|like) `",
    re.IGNORECASE,
)
"""Matches a shape, axes, a scalar, or a reference to a description of them."""

UNITS = {
    "noise_level": "unit|scale|fraction|see `|as of",
    "wavelength": "micrometer",
    "voxel_size": "micrometer|unit",
    "angle": "degree",
    "radius": "pixel",
    "length": "pixel|samples",
    "sigma": "pixel",
    "seconds": "second|wall|mean of|how long",
    "rate": "second",
}


def public(module_name: str) -> Iterator[tuple[str, Any]]:
    module = importlib.import_module(module_name)
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module_name]
    for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
        value = getattr(module, name)
        if callable(value):
            yield f"{module_name}.{name}", value


def methods(name: str, cls: type) -> Iterator[tuple[str, Any]]:
    ours = [base for base in cls.__mro__ if base.__module__.split(".")[0] in ("deblur", "nmf")]
    for attribute in dict.fromkeys(attribute for base in ours for attribute in vars(base)):
        value = inspect.getattr_static(cls, attribute)
        function = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if attribute == "extra_repr":  # a hook of torch
            continue
        if not attribute.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
            yield f"{name}.{attribute}", function


NAMES = dict(each for module in MODULES for each in public(module))
METHODS = dict(each for name, value in NAMES.items() if inspect.isclass(value) for each in methods(name, value))


def doc_of(value: Any) -> Any:
    return numpydoc.NumpyDocString(inspect.getdoc(value) or "")


def is_record(value: Any) -> bool:
    """Return whether a class only holds results: the function that returns it has the example."""
    if not inspect.isclass(value):
        return False
    return hasattr(value, "_fields") or (dataclasses.is_dataclass(value) and not hasattr(value, "__post_init__"))


def parameters(value: Any) -> list[str]:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):  # made in C, as exceptions are
        return []
    if inspect.isclass(value) and issubclass(value, Exception):
        return []
    return [name for name in signature.parameters if name not in ("self", "cls")]


def described(doc: Any) -> dict[str, tuple[str, str]]:
    """Map the names of parameters and attributes to their types, and to types and descriptions."""
    return {
        name.strip().lstrip("*"): (entry.type, f"{entry.type}: {' '.join(entry.desc)}")
        for section in ("Parameters", "Other Parameters", "Attributes")
        for entry in doc[section]
        for name in entry.name.split(",")
    }


def faults(name: str, value: Any) -> list[str]:
    """Return what is missing from a docstring."""
    doc, record = doc_of(value), is_record(value)
    texts, wanted = described(doc), parameters(value)
    found = [] if "".join(doc["Summary"]).strip() else ["no summary"]
    found += [f"{each} is not described" for each in wanted if each not in texts]
    for each, (kind, text) in texts.items():
        if ARRAY.search(kind) and not SHAPE.search(text):
            found.append(f"{each} is an array without a shape: {text}")
        if each in UNITS and not re.search(UNITS[each], text, re.IGNORECASE):
            found.append(f"{each} has no unit: {text}")
    if wanted and not doc["Raises"] and not record and name not in RAISES_NOTHING:
        found.append("no Raises")
    examples = "\n".join(doc["Examples"])
    if not record and not re.search(r"^>>> ", examples, re.M):
        found.append("no Examples")
    found += [f"{each} is not imported in the example" for each in sorted(undefined(examples))]
    return found


def undefined(doc: str) -> set[str]:
    """Return the names that an example uses and does not define: it should run where it is pasted."""
    tree = ast.parse("".join(example.source for example in doctest.DocTestParser().get_examples(doc)))
    used, defined = set(), set(dir(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                defined.add(name)
            case ast.alias(name=name, asname=other):
                defined.add((other or name).split(".")[0])
            case ast.ExceptHandler(name=str(name)):
                defined.add(name)
    return used - defined


def faults_of_method(value: Any, doc: str) -> list[str]:
    """Return what is missing from the docstring of a method; one line suffices if it names every parameter."""
    if not doc:
        return ["no docstring"]
    if isinstance(value, property):
        return []
    found = [f"{each} is not named" for each in parameters(value) if not re.search(rf"\b{each}\b", doc)]
    return found + [f"{each} is not imported in the example" for each in sorted(undefined(doc))]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_is_documented(name: str) -> None:
    assert not faults(name, NAMES[name])


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_is_documented(name: str) -> None:
    cls, _, attribute = name.rpartition(".")
    assert not faults_of_method(METHODS[name], inspect.getdoc(getattr(NAMES[cls], attribute)) or "")


def test_no_public_module_is_forgotten() -> None:
    root = Path(__file__).parents[1]
    stubs = {path.parent.relative_to(root) for package in ("deblur", "nmf") for path in (root / package).rglob("*.pyi")}
    names = {".".join(path.parts) for path in stubs}
    assert names - WITHOUT <= set(MODULES)
    for module in MODULES:
        assert importlib.import_module(module).__doc__


def test_names_that_raise_nothing_still_exist() -> None:
    assert set(RAISES_NOTHING) <= set(NAMES)


def test_a_poor_docstring_is_noticed() -> None:
    def poor(image: Any, noise_level: float) -> None:
        """Do.

        Parameters
        ----------
        image : numpy.ndarray
            Goes in.
        """

    found = faults("poor", poor)
    assert found[0] == "noise_level is not described"
    assert found[1].startswith("image is an array without a shape")
    assert found[2:] == ["no Raises", "no Examples"]
    assert faults_of_method(poor, "Do it to the image.") == ["noise_level is not named"]
    assert faults_of_method(poor, "") == ["no docstring"]
