"""What is printed while work goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on a terminal, and nothing elsewhere, where the line of each finished file has to do.

    Parameters
    ----------
    total : int
        How many steps there are.

    Yields
    ------
    callable
        ``show(done, what)``: how many steps are done, and what is being worked on.
    """
    if not sys.stderr.isatty():
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
