"""Data cards: the files of each data set, their origin, their license, and known problems."""

from __future__ import annotations

import functools
import importlib.resources
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from deblur._core.errors import suggestion

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class File:
    """A file of a data set.

    Attributes
    ----------
    path : str
        Path inside a data folder, with ``/`` between folders.
    url : str
        Address to download from, at a pinned commit.
    sha256 : str
        64 hexadecimal digits.
    bytes : int
        Size.

    Raises
    ------
    ValueError
        If the path leaves the data folder, the SHA-256 is invalid, or the size is not positive.

    Examples
    --------
    >>> from deblur.benchmark import card
    >>> file = card("set5").files[0]
    >>> file.path, file.bytes
    ('set5/baby_GT.bmp', 786486)
    """

    path: str
    url: str
    sha256: str
    bytes: int

    def __post_init__(self) -> None:
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.name:
            raise ValueError(f"path is {self.path!r}; give a path inside the data folder")
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise ValueError(f"sha256 of {self.path} is {self.sha256!r}; give 64 lower-case hexadecimal digits")
        if self.bytes < 1:
            raise ValueError(f"bytes of {self.path} is {self.bytes}; give its size")


@dataclass(frozen=True)
class Card:
    """A data set.

    Attributes
    ----------
    name : str
        Name in `card` and on the command line.
    title : str
        One line.
    license, permits : str
        The license, and what it permits.
    traps : tuple of str
        Known problems of the data and how they have misled users.
    citation : str
        BibTeX.
    files : tuple of File
        In alphabetical order.
    """

    name: str
    title: str
    license: str
    permits: str
    traps: tuple[str, ...]
    citation: str
    files: tuple[File, ...]

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(file.bytes for file in self.files)


def cards() -> tuple[Card, ...]:
    """Return the cards of all data sets, sorted by name.

    Examples
    --------
    >>> from deblur.benchmark import cards
    >>> [card.name for card in cards()][:4]
    ['bsds500', 'cbsd68', 'drums', 'galaxies']
    """
    return tuple(card(name) for name in _names())


@functools.cache
def card(name: str) -> Card:
    """Return the card of a data set.

    Parameters
    ----------
    name : str
        One of the names in `cards`.

    Raises
    ------
    ValueError
        If there is no such data set; the message suggests the nearest name.

    Examples
    --------
    >>> from deblur.benchmark import card
    >>> set14 = card("set14")
    >>> set14.title, len(set14.files), set14.files[0].path
    ('Set14: 14 classic test images, original sizes', 14, 'set14/baboon.bmp')
    >>> card("levin")
    Traceback (most recent call last):
    ...
    ValueError: no data set is called 'levin'; did you mean 'levin2009'?
    """
    names = _names()
    if name not in names:
        raise ValueError(f"no data set is called {name!r}; {suggestion(name, names)}")
    return parse_card(name, _folder().joinpath(name, "card.toml").read_text(encoding="utf-8"))


def parse_card(name: str, text: str) -> Card:
    """Read the text of a ``card.toml``.

    Raises
    ------
    ValueError
        If it is not TOML, or a field is missing, unknown or invalid; one line that names the card.
    """
    try:
        fields: dict[str, Any] = tomllib.loads(text)
        files = tuple(File(**file) for file in fields.pop("files"))
        return Card(name=name, files=files, traps=tuple(fields.pop("traps")), **fields)
    except KeyError as error:
        raise ValueError(f"the card {name} has no {error}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the card {name} cannot be read: {error}") from error


def _folder() -> Traversable:
    """Return the folder of the cards."""
    # They are in datasets/ at the top of the repository, where people look for data. pyproject.toml puts a copy into
    # the wheel (force-include), because an installed package has no top level; a source checkout has no copy.
    packaged = importlib.resources.files("deblur.benchmark") / "cards"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "datasets"


@functools.cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(entry.name for entry in _folder().iterdir() if entry.joinpath("card.toml").is_file()))
