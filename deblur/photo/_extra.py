"""Formats that need a library besides those that are always there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deblur._core.extras import needs_extra


@contextmanager
def needs_library(extra: str, what: str) -> Iterator[None]:
    """Name the command that installs an extra, as a `ValueError` about the file, where an import in the block fails.

    Parameters
    ----------
    extra : str
        Its name in the metadata.
    what : str
        What the library is for.

    Raises
    ------
    ValueError
        With one line: what needs which package, and the command.
    """
    try:
        with needs_extra(extra, what):
            yield
    except ModuleNotFoundError as error:
        raise ValueError(str(error)) from error
