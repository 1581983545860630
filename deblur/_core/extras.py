"""Optional dependencies: what a missing extra is made of, and the command that installs it."""

from __future__ import annotations

import importlib.metadata
import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

DISTRIBUTION = "deblur-toolkit"

_OF_AN_EXTRA = re.compile(r"\s*;.*\bextra\s*==\s*['\"]([\w-]+)['\"]")


def extras() -> dict[str, tuple[str, ...]]:
    """Return the requirements of every extra, as the installed metadata has them; none if it is not installed.

    Examples
    --------
    >>> all(requirement for requirements in extras().values() for requirement in requirements)
    True
    """
    try:
        lines = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for line in lines:
        if match := _OF_AN_EXTRA.search(line):
            found[match[1]] = (*found.get(match[1], ()), line[: match.start()].strip())
    return found


def install_command(extra: str) -> str:
    """Return a command for a shell that installs the requirements of an extra.

    It names them one by one: the distribution itself is not on the package index, so ``deblur-toolkit[web]`` cannot be
    installed by name.
    """
    requirements = extras().get(extra)
    if requirements is None:  # used from a folder of sources that was never installed
        return f'pip install -e ".[{extra}]" in the folder of the sources'
    return f"pip install {' '.join(map(shlex.quote, requirements))}"


def missing_extra(extra: str, what: str) -> str:
    """Return a line saying that `what` needs an extra, and how to install it.

    Parameters
    ----------
    extra : str
        Its name in the metadata, ``"web"`` say.
    what : str
        Subject and verb: ``"deblur web needs uvicorn"``.
    """
    return f"{what}: {install_command(extra)}"


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Name the command that installs an extra where an import inside the block fails.

    Parameters
    ----------
    extra : str
        Its name in the metadata.
    what : str
        What the imports are for.

    Raises
    ------
    ModuleNotFoundError
        With one line: what needs which package, and the command.

    Examples
    --------
    >>> with needs_extra("web", "the page"):
    ...     import json
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("deblur", "nmf", ""):
            raise
        raise ModuleNotFoundError(missing_extra(extra, f"{what} needs {package}"), name=error.name) from None
