"""The command line in a fork of this process, which has imported everything: a case takes as long as its work."""

from __future__ import annotations

import atexit
import contextlib
import importlib
import pkgutil
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.robustness._forks import Fork, Send

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM
SECONDS = 60.0
"""A command that takes longer hangs."""

_ELSEWHERE = ("deblur.napari", "deblur.__main__")


def load_everything() -> None:
    """Import here what the forks would each import for themselves."""
    import matplotlib.pyplot  # noqa: F401

    import deblur

    for module in pkgutil.walk_packages(deblur.__path__, "deblur."):
        if not module.name.startswith(_ELSEWHERE):
            with contextlib.suppress(ModuleNotFoundError):  # an extra that is not installed
                importlib.import_module(module.name)


def start(arguments: tuple[str, ...], folder: Path, printed: Path, prepare: Callable[[], object] | None = None) -> Fork:
    """Run the command in a fork, in `folder`; `printed` is the file of what it prints.

    Parameters
    ----------
    prepare : callable, optional
        Called in the fork before the command, to limit what it may do.
    """

    def work(send: Send) -> int:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that runs this in the background ignores it
        atexit._clear()
        if prepare is not None:
            prepare()
        return _run(arguments)

    return Fork(work, cwd=folder, output=printed, hold_interrupts=True)


def _run(arguments: tuple[str, ...]) -> int:
    from deblur.cli import main

    sys.argv = ["deblur", *arguments]
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
    except KeyboardInterrupt:
        return INTERRUPTED
    try:
        main()
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    else:
        code = 0
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as Python does when it ends
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    return code
