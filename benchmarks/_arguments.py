"""Options that the benchmarks share."""

from __future__ import annotations

import argparse
import importlib.util


def argument_parser(description: str | None, *, threads: int | None = None) -> argparse.ArgumentParser:
    """Return a parser that shows a module's docstring.

    Parameters
    ----------
    description : str
        The docstring.
    threads : int, optional
        Default of an option ``--threads``, which is added.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if threads is not None:
        parser.add_argument("--threads", type=int, default=threads, help=f"threads of torch (default: {threads})")
    return parser


def is_installed(package: str) -> bool:
    """Return whether a library to compare with is installed."""
    return importlib.util.find_spec(package) is not None
