"""A point-spread function from one line of text, for the command line."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from deblur._core.errors import did_you_mean

from ._grid import Psf
from ._kinds import find, kinds


def parse(spec: str) -> Psf:
    """Make the point-spread function that a line of text describes.

    Parameters
    ----------
    spec : str
        ``kind:name=value,name=value``. The kind is a function of this package such as `gaussian`, `disk` or `motion`
        (``deblur psf make --help`` lists all), and the names are its parameters. A value is a number, or several joined
        by x: ``sigma=2x1``, ``shape=31x31``.

    Returns
    -------
    numpy.ndarray
        float64, non-negative, sum 1, centered on index k//2 of every axis.

    Raises
    ------
    TypeError
        If `spec` is not a string.
    ValueError
        If the kind or a parameter is unknown, one is missing, given twice or out of range. The message says what is
        accepted.

    Examples
    --------
    >>> from deblur import psf
    >>> psf.parse("motion:length=3")
    array([[0.33333333, 0.33333333, 0.33333333]])
    >>> psf.parse("gaussian:sigma=2x1,angle=30").shape
    (15, 11)
    >>> psf.parse("disk:size=2")
    Traceback (most recent call last):
    ...
    ValueError: psf 'disk:size=2': unknown parameter 'size'. disk accepts radius, shape
    """
    if not isinstance(spec, str):
        raise TypeError(f"psf spec must be a string such as 'gaussian:sigma=2', got {type(spec).__name__}")
    kind, _, arguments = spec.partition(":")
    try:
        return _make(kind.strip().replace("-", "_"), arguments)
    except (TypeError, ValueError) as error:
        raise ValueError(f"psf {spec!r}: {error}") from error


def _make(kind: str, arguments: str) -> Psf:
    found = find(kind)
    if found is None:
        known = kinds()
        raise ValueError(f"unknown kind {kind!r}{_hint(kind, known)} Kinds: {', '.join(known)}")
    parameters = inspect.signature(found.make).parameters
    accepted = f"{kind} accepts {', '.join(parameters)}"
    values: dict[str, float | tuple[float, ...]] = {}
    for argument in filter(None, (part.strip() for part in arguments.split(","))):
        name, equals, text = (part.strip() for part in argument.partition("="))
        if not equals:
            raise ValueError(f"{argument!r} is not name=value; {accepted}")
        if name not in parameters:
            raise ValueError(f"unknown parameter {name!r}{_hint(name, parameters)} {accepted}")
        if name in values:
            raise ValueError(f"{name} is given twice")
        values[name] = _value(name, text)
    for name, parameter in parameters.items():
        if parameter.default is parameter.empty and name not in values:
            raise ValueError(f"{name} is missing, write {kind}:{name}=NUMBER; {accepted}")
    return found.make(**values)


def _value(name: str, text: str) -> float | tuple[float, ...]:
    try:
        numbers = tuple(_number(part) for part in text.split("x"))
    except ValueError:
        raise ValueError(f"{name} must be a number, or numbers joined by x as in 2x1, got {text!r}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _hint(word: str, known: Iterable[str]) -> str:
    near = did_you_mean(word, known)
    return f", {near}" if near else "."
