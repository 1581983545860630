"""How much a command prints: ``-q`` errors alone, ``-v`` its decisions too."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from deblur.cli._progress import progress_bar

_QUIET, _NORMAL, _VERBOSE = -1, 0, 1


@dataclass(frozen=True)
class Reporter:
    """What a command prints about its work; its errors, and results that it was asked to print, go their own way.

    Attributes
    ----------
    level : int
        -1 is quiet, 1 is verbose.
    """

    level: int = _NORMAL

    def say(self, line: str, *, to_stderr: bool = False) -> None:
        """Print a line unless the command is quiet."""
        if self.level > _QUIET:
            print(line, file=sys.stderr if to_stderr else sys.stdout, flush=True)

    def detail(self, line: str) -> None:
        """Print a line on standard error if the command is verbose."""
        if self.level >= _VERBOSE:
            print(line, file=sys.stderr, flush=True)

    def progress_bar(self, total: int) -> AbstractContextManager[Callable[[float, str], None]]:
        """Show a progress bar, as `deblur.cli._progress.progress_bar` does, unless the command is quiet."""
        return progress_bar(total, hidden=self.level <= _QUIET)


def reporter_of(context: typer.Context) -> Reporter:
    """Return the reporter of a running command: its own options count, then those before its name."""
    return context.obj if isinstance(context.obj, Reporter) else Reporter()


def _be_quiet(context: typer.Context, given: bool) -> None:
    if given and not context.resilient_parsing:
        context.obj = Reporter(_QUIET)


def _be_verbose(context: typer.Context, given: bool) -> None:
    if given and not context.resilient_parsing:
        context.obj = Reporter(_VERBOSE)


def _take_verbosity(
    quiet: Annotated[bool, typer.Option("--quiet", "-q", callback=_be_quiet, help="Print errors only.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", callback=_be_verbose, help="Print decisions too.")
    ] = False,
) -> None:
    """Have the two options as parameters, for `_verbosity_options` to take them from."""


@functools.cache
def _verbosity_options() -> tuple[Any, ...]:
    """Return the options ``-q`` and ``-v``, which set the reporter of the context and are not passed on."""
    app = typer.Typer(add_completion=False)
    app.command()(_take_verbosity)
    options = tuple(typer.main.get_command(app).params)
    for option in options:
        option.expose_value = False
    return options


class Command(TyperCommand):
    """A command that takes ``-q`` and ``-v``, after its name as well as before it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.params = [*self.params, *_verbosity_options()]
