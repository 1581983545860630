"""The progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_BAR = 14  # characters
_REST = _BAR + 25  # characters of a line that are not the label: spinner, bar, percentage, time
_NAME = 18  # characters of a file name that is shown
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

    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=_BAR),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("left"),
        console=console,
        transient=True,
        speed_estimate_period=_PERIOD,
        redirect_stdout=sys.stdout.isatty(),  # lines printed meanwhile go above the bar; into a file, they go as ever
    ) as progress:
        task = progress.add_task("", total=total)
        width = max(_NAME, console.width - _REST)
        yield lambda done, what: progress.update(task, completed=done, description=_cut(what, width))


def label(index: int, total: int, name: str, stage: str) -> str:
    """Return what stands beside the bar: which file of how many, and the stage that it is in.

    Examples
    --------
    >>> label(1, 7, "photo.jpg", "sharpening")
    '2 of 7  photo.jpg: sharpening'
    >>> label(0, 1, "a-photograph-with-a-long-name.jpg", "sharpening")
    'a-photogr…name.jpg: sharpening'
    """
    place = f"{index + 1} of {total}  " if total > 1 else ""
    name = name if len(name) <= _NAME else f"{name[: _NAME // 2]}…{name[-(_NAME // 2 - 1) :]}"
    return f"{place}{name}: {stage}" if stage else f"{place}{name}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
