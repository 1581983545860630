"""Errors in one line: files that are damaged, and names that are misspelled."""

from __future__ import annotations

import difflib
import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_DAMAGE = (None, errno.EINVAL, errno.EOVERFLOW)
"""Error numbers of an `OSError` that stem from the content: of decoders (none), and of offsets that damage made."""

_LEAST_LIKENESS = 0.5  # of `difflib`, 0 to 1: finds `levin2009` for `levin`, and nothing for another word


@contextmanager
def reading(path: str | os.PathLike[str], problem: str = "") -> Iterator[None]:
    """Turn whatever a decoder raises over a damaged file into a one-line `ValueError` that names the file.

    Decoders raise whatever the damage leads to: `struct.error`, `KeyError`, `IndexError`, `zlib.error`... An `OSError`
    of the system (a file that is missing, a disk that fails) and `MemoryError` pass unchanged.

    Parameters
    ----------
    path : str or path-like
        The file that is read.
    problem : str
        What is wrong with it; the decoder's own message follows in parentheses. By default that message alone, or that
        the file is damaged where the decoder stumbled over it and has no words for it.

    Raises
    ------
    ValueError
        If the block raises an exception that the content of the file has caused.

    Examples
    --------
    >>> with reading("cells.tif"):
    ...     {}["OME"]
    Traceback (most recent call last):
    ...
    ValueError: cannot read cells.tif: it is damaged (KeyError: 'OME')
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in _DAMAGE:
            raise
        is_stumble = isinstance(error, LookupError | AttributeError | TypeError | ArithmeticError)
        problem = problem or ("it is damaged" if is_stumble else "")
        reason = f"{problem} ({one_line(error)})" if problem else one_line(error)
        raise ValueError(f"cannot read {os.fspath(path)}: {reason}") from error


def one_line(error: BaseException) -> str:
    """Return the first line of an error message; after the name of its type, unless it is written for people.

    Examples
    --------
    >>> one_line(ValueError("it is cut short")), one_line(KeyError("OME"))
    ('it is cut short', "KeyError: 'OME'")
    """
    name, text = type(error).__name__, str(error).strip()
    if name == "error":  # of struct, zlib and others
        name = f"{type(error).__module__}.error"
    if not text:
        return name
    line = text.splitlines()[0]
    return line if isinstance(error, (ValueError, OSError)) else f"{name}: {line}"


def suggestion(name: str, choices: Iterable[str]) -> str:
    """Suggest the choice most like a misspelled name, or list them all.

    Examples
    --------
    >>> suggestion("wienr", ["wiener", "fused"])
    "did you mean 'wiener'?"
    >>> suggestion("x", ["wiener", "fused"])
    'there are wiener, fused'
    """
    choices = list(choices)
    return did_you_mean(name, choices) or f"there are {', '.join(choices)}"


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Suggest the choice most like a misspelled name, or return an empty string if none is like it.

    Examples
    --------
    >>> did_you_mean("gauss", ["disk", "gaussian"]), did_you_mean("photo.png", ["disk", "gaussian"])
    ("did you mean 'gaussian'?", '')
    """
    close = difflib.get_close_matches(name, list(choices), n=1, cutoff=_LEAST_LIKENESS)
    return f"did you mean {close[0]!r}?" if close else ""
