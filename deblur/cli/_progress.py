"""The progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_PERIOD = 600  # seconds of the past that the time left is estimated from: stages differ, and may be long


@contextmanager
def progress_bar(total: int, *, hidden: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on a terminal, with the time left; nothing elsewhere, where a line per file is printed instead.

    Parameters
    ----------
    total : int
        Number of steps.
    hidden : bool
        Whether to show nothing at all.

    Yields
    ------
    callable
        ``show(done, what)``: the number of finished steps, and what is in progress.
    """
    if hidden or not sys.stderr.isatty():
        yield lambda done, what: None
        return

    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.table import Column

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(bar_width=16),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=Console(stderr=True),
        transient=True,
        speed_estimate_period=_PERIOD,
        redirect_stdout=sys.stdout.isatty(),  # lines printed meanwhile go above the bar; into a file, they go as ever
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda done, what: progress.update(task, completed=done, description=what)


def label(index: int, total: int, name: str, stage: str) -> str:
    """Return what stands beside the bar: which file of how many, and the stage that it is in.

    Examples
    --------
    >>> label(1, 7, "photo.jpg", "sharpening")
    '2 of 7  photo.jpg: sharpening'
    """
    place = f"{index + 1} of {total}  " if total > 1 else ""
    return f"{place}{name}: {stage}" if stage else f"{place}{name}"
