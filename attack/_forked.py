"""The command in a fork of this process, which has loaded everything: a case takes as long as its work."""

from __future__ import annotations

import atexit
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

_MODULES = ("_bench", "_datasets", "_restore", "_train", "_stacks")

INTERRUPTED, TERMINATED = 128 + signal.SIGINT, 128 + signal.SIGTERM


def load_everything() -> None:
    """Import here what the forks would each import for themselves, and hash the sources once."""
    import matplotlib.pyplot  # noqa: F401

    import deblur.networks.training
    from deblur.benchmark import _cache, _html  # noqa: F401
    from deblur.restoration._photo import restore_photo  # noqa: F401

    for name in _MODULES:
        importlib.import_module(f"deblur.cli.{name}")
    for module in ("blind", "nonblind", "networks", "photo", "psf", "stack", "benchmark"):
        package = importlib.import_module(f"deblur.{module}")
        for name in package.__all__:
            getattr(package, name)
    for name in deblur.networks.training.__all__:
        getattr(deblur.networks.training, name)
    _cache.code_version()


def start(arguments: tuple[str, ...], folder: Path, said: Path, prepare: Callable[[], object] | None = None) -> int:
    """Run the command in a fork, in `folder`, and return its process number; `said` gets what it prints.

    An interrupt waits until the command begins: what is done here before is not part of it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT,))
        return pid
    code = 70
    try:
        os.chdir(folder)
        out = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        atexit._clear()
        if prepare is not None:
            prepare()
        code = _run(arguments)
    finally:
        os._exit(code)


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
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def finish(pid: int, seconds: float = 60.0) -> int | None:
    """Wait for a process, and return its exit code (negative for a signal), or None if it had to be killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None
