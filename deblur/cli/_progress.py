"""The progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int, *, hidden: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on a terminal, and nothing elsewhere, where one line per finished file is printed instead.

    Parameters
    ----------
    total : int
        Number of steps.
    hidden : bool
        Whether to show nothing at all.

    Yields
    ------
    callable
        ``show(done, what)``: the number of finished steps, and the name of the one in progress.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda done, what: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # lines printed meanwhile go above the bar; into a file, they go as ever
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, what: progress.update(task, completed=done, description=what)
