"""The progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deblur._core.progress import Stopwatch

_BAR = 14  # characters
_REST = _BAR + 26  # characters of a line that are not the label: spinner, bar, percentage, time
_NAME = 18  # characters of a file name that is shown


@contextmanager
def progress_bar(total: int, *, hidden: bool = False) -> Iterator[Callable[[float, str], None]]:
    """Show a bar on a terminal, with the time left as soon as it is known.

    Elsewhere nothing is shown: a line per file is printed instead.

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
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TaskProgressColumn, TextColumn
    from rich.text import Text

    console, watch = Console(stderr=True), Stopwatch()

    class TimeColumn(ProgressColumn):
        """The time left, and while that is not known the time since the start."""

        def render(self, task: object) -> Text:
            return Text(time_of(watch), style="progress.remaining")

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=_BAR),
        TaskProgressColumn(),
        TimeColumn(),
        console=console,
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # lines printed meanwhile go above the bar; into a file, they go as ever
    ) as progress:
        task = progress.add_task("", total=total)
        width = max(_NAME, console.width - _REST)

        def show(done: float, what: str) -> None:
            watch(done / total if total else 1.0, what)
            progress.update(task, completed=done, description=_cut(what, width))

        yield show


def time_of(watch: Stopwatch) -> str:
    """Return the time left, and while that is not known the time since the start.

    Examples
    --------
    >>> time_of(Stopwatch())
    '0:00 so far'
    """
    left = watch.seconds_left()
    minutes, seconds = divmod(round(watch.seconds() if left is None else left), 60)
    return f"{minutes}:{seconds:02d} {'so far' if left is None else 'left'}"


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
