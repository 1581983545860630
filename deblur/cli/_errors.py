"""What the user reads when something goes wrong: one line, never a traceback."""

from __future__ import annotations

import os
import re
import sys
import traceback
from pathlib import Path

DEBUG = "DEBLUR_DEBUG"
"""Set in the environment, it shows tracebacks."""

_OPTIONS = {
    "noise_level": "--noise-level",
    "read_noise": "--read-noise",
    "bad_pixels": "--bad-pixels",
    "psf_shape": "--psf-size",
}
"""What keywords of the library are called on the command line."""


def complain(error: Exception, about: Path | None = None) -> str:
    """Print one line about `error` on standard error, and return it without the name of the program.

    Parameters
    ----------
    error : Exception
        What was raised.
    about : pathlib.Path, optional
        The file in work, put in front unless the message names it.
    """
    message = describe(error)
    if about is not None and str(about) not in message:
        message = f"{about}: {message}"
    line = " ".join(message.splitlines())  # a file name may hold a line break
    print(f"deblur: {line}", file=sys.stderr, flush=True)
    return line


def describe(error: Exception) -> str:
    """Return what to say about `error`, and show where it came from if that was asked for."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)
    usage = getattr(error, "format_message", None)  # Typer's own errors: their class moved between its versions
    if usage is not None:
        return str(usage())
    if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # the latter is torch's RuntimeError
        return "not enough memory"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, OSError | ValueError | TypeError | ModuleNotFoundError):
        return str(error)
    return f"internal error: {type(error).__name__}: {error} (set {DEBUG}=1 to see where)"


def in_options(message: str) -> str:
    """Return a message of the library with the names that its keywords have on the command line.

    Examples
    --------
    >>> in_options("noise_level goes with neither gain nor read_noise")
    '--noise-level goes with neither --gain nor --read-noise'
    """
    for keyword, option in _OPTIONS.items():
        message = re.sub(rf"\b{keyword}\b", option, message)
    return re.sub(r"(^|neither )gain\b", r"\1--gain", message)
