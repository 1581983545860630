"""The process behind a `Worker`: loads everything, then runs one task after another."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deblur._core.progress import Progress
    from deblur.web._tasks import Tasks

_MEMORY_SHARE = 0.75  # of the machine's memory: beyond it, a task fails with a message instead of being killed
_NICENESS = 5  # of processes in the background, so that previews come first

_OUT_OF_MEMORY = ("can't allocate memory", "out of memory")  # torch's messages, on a CPU and on accelerators


class InterruptedTaskError(Exception):
    """A more urgent task is waiting."""


def main(connection: Connection, folder: Path, max_pixels: int, background: bool, device: str) -> None:
    """Run tasks until the connection is closed.

    A task arrives as ``(name, arguments)`` and is answered by any number of ``("progress", fraction, stage)``, then by
    one of ``("done", result)``, ``("refused", message)``, ``("interrupted",)`` and ``("failed", "")``. A None that
    arrives meanwhile interrupts the task at its next report of progress.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server stops its workers
    if background and hasattr(os, "nice"):
        os.nice(_NICENESS)
    _limit_memory()
    from deblur.web._tasks import Tasks

    def send(message: tuple[Any, ...]) -> None:
        try:
            connection.send(message)
        except OSError:  # the server has exited
            raise SystemExit from None

    tasks = Tasks(folder, max_pixels, device)
    _warm_up(device)
    send(("ready",))

    def progress(fraction: float, stage: str) -> None:
        if connection.poll():
            raise InterruptedTaskError
        send(("progress", fraction, stage))

    while True:
        try:
            task = connection.recv()
        except (EOFError, OSError):
            return
        if task is None:  # an interruption that arrived after the task had finished
            continue
        send(_answer(tasks, task, progress, folder))


def _answer(tasks: Tasks, task: tuple[str, dict[str, Any]], progress: Progress, folder: Path) -> tuple[Any, ...]:
    """Run a task and return the message that answers it, whatever happens."""
    from deblur.web._limits import RefusedError

    name, arguments = task
    try:
        return "done", getattr(tasks, name)(progress, **arguments)
    except InterruptedTaskError:
        return ("interrupted",)
    except RefusedError as refusal:
        return "refused", str(refusal)
    except Exception as error:
        if isinstance(error, MemoryError) or any(phrase in str(error) for phrase in _OUT_OF_MEMORY):
            return "refused", "There is not enough memory here for this picture. Try a smaller one."
        if isinstance(error, ValueError):  # the library's own: one line about the input
            return "refused", f"This cannot be done: {error}".replace(str(folder), "the file").rstrip(".") + "."
        traceback.print_exc(file=sys.stderr)
        return "failed", ""


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    limit = int(_MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _warm_up(device: str) -> None:
    """Import and initialize everything now, which would take the first task seconds."""
    import cv2  # noqa: F401
    import numpy as np
    import PIL.Image  # noqa: F401
    import tifffile  # noqa: F401

    import deblur

    picture = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    for method in ("wiener", "unrolled"):
        deblur.restore(picture, deblur.psf.disk(2), method=method, channel_axis=-1, device=device)
