"""The kinds of point-spread function that a line of text can name, registered where they are defined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from ._grid import Psf

ModelT = TypeVar("ModelT", bound=Callable[..., Psf])


class Kind(NamedTuple):
    """A function that makes a point-spread function, with examples for the help of the command line.

    Attributes
    ----------
    make : callable
        The function of `deblur.psf`.
    examples : mapping of str to str
        Text for `deblur.psf.parse`, and what it makes.
    """

    make: Callable[..., Psf]
    examples: Mapping[str, str]


_registered: dict[str, Kind] = {}


def kind(examples: Mapping[str, str]) -> Callable[[ModelT], ModelT]:
    """Register the decorated function as a kind of point-spread function.

    Parameters
    ----------
    examples : mapping of str to str
        Text for `deblur.psf.parse`, and what it makes, for the help of the command line.
    """

    def register(make: ModelT) -> ModelT:
        _registered[make.__name__] = Kind(make, examples)
        return make

    return register


def find(name: str) -> Kind | None:
    """Return the kind of that name, importing no other: those of microscopes take long to import."""
    from deblur import psf

    hasattr(psf, name)  # imports the module of a function by that name, and so registers it
    return _registered.get(name)


def kinds() -> dict[str, Kind]:
    """Return all kinds by name, in alphabetical order.

    Examples
    --------
    >>> list(kinds())[:3]
    ['airy', 'born_wolf', 'camera_shake']
    """
    from deblur import psf

    for name in dir(psf):
        getattr(psf, name)
    return dict(sorted(_registered.items()))
