"""The other end of `Worker`: a process that has loaded everything, and does one task after another."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_MEMORY_SHARE = 0.75  # of the machine, that a worker may take: then it says so, where the system would kill
_BACKGROUND = 5  # how much nicer than previews whole photographs are


class InterruptedTaskError(Exception):
    """Somebody else's turn."""


def main(connection: Connection, folder: Path, most_pixels: int, background: bool) -> None:
    """Do tasks until the other end hangs up.

    A task comes as ``(name, arguments)``; back go any number of ``("progress", part, what)`` and one of ``("done",
    result)``, ``("refused", message)``, ``("interrupted",)`` and ``("failed", "")``. A None that comes meanwhile
    interrupts the task at its next step.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the server ends its workers itself
    if background and hasattr(os, "nice"):
        os.nice(_BACKGROUND)
    _limit_memory()
    from deblur.web._limits import RefusedError
    from deblur.web._tasks import Tasks

    def send(message: tuple[Any, ...]) -> None:
        try:
            connection.send(message)
        except OSError:  # the server is no more
            raise SystemExit from None

    tasks = Tasks(folder, most_pixels)
    _warm_up()
    send(("ready",))

    def progress(part: float, what: str) -> None:
        if connection.poll():
            raise InterruptedTaskError
        send(("progress", part, what))

    while True:
        try:
            asked = connection.recv()
        except (EOFError, OSError):
            return
        if asked is None:  # it came when the task was over
            continue
        name, arguments = asked
        try:
            answer: tuple[Any, ...] = ("done", getattr(tasks, name)(progress, **arguments))
        except InterruptedTaskError:
            answer = ("interrupted",)
        except RefusedError as refusal:
            answer = ("refused", str(refusal))
        except Exception as error:
            if isinstance(error, MemoryError) or "can't allocate memory" in str(error):  # the latter is torch's
                answer = ("refused", "There is not enough memory here for this picture. Try a smaller one.")
            elif isinstance(error, ValueError):  # the library's own: one line about what was asked
                answer = ("refused", f"This cannot be done: {error}".replace(str(folder), "the file").rstrip(".") + ".")
            else:
                traceback.print_exc(file=sys.stderr)
                answer = ("failed", "")
        send(answer)


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return
    most = int(_MEMORY_SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _warm_up() -> None:
    """Import and set up what the first task would wait for."""
    import cv2  # noqa: F401
    import numpy as np
    import PIL.Image  # noqa: F401
    import tifffile  # noqa: F401

    import deblur

    picture = np.random.default_rng(0).random((64, 64, 3), dtype=np.float32)
    for method in ("wiener", "unrolled"):
        deblur.restore(picture, deblur.psf.disk(2), method=method, channel_axis=-1)
