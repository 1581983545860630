"""A process that has loaded the package, and forks a copy of itself for each command that a test runs.

Loading torch takes a command two seconds, and the tests run hundreds of commands. A fork of a process that has loaded
it is ready in some hundredths of a second, and is a process all the same: it has its own arguments, folder,
environment and streams, ends with an exit code, and can be sent signals. `tests.commands` is the client.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import struct
import sys
import tempfile
import threading
import traceback
import types
from contextlib import suppress
from typing import Any

LIBRARIES = (
    *("cv2", "pywt", "rich.progress", "scipy.fft", "scipy.ndimage", "scipy.optimize", "scipy.signal", "scipy.sparse"),
    *("skimage.data", "skimage.metrics", "skimage.restoration", "tifffile", "torch", "PIL.Image", "PIL.ImageCms"),
    *("distributed", "starlette.applications", "uvicorn", "zarr"),
)
"""What the commands import, of which some is optional. None of it may start a thread: a fork has but one."""

NUMBER = struct.Struct("=i")
"""How the number of a fork and its exit code are sent."""


def main() -> None:
    """Serve forks until the client has gone; in a fork, run the command."""
    del sys.path[0]  # the folder of this file
    control = socket.socket(fileno=int(sys.argv[1]))
    load()
    streams = serve(control)
    if streams is not None:
        leave(run(become(*streams)))


def load() -> None:
    """Import whatever a command could need."""
    import typer

    import deblur
    from deblur.cli import app

    modules = [found.name for found in pkgutil.walk_packages(deblur.__path__, "deblur.")]
    for name in (*LIBRARIES, *(name for name in modules if "napari" not in name)):
        with suppress(ImportError):  # an extra that is not installed
            importlib.import_module(name)
    typer.main.get_command(app).make_context("deblur", ["demo"])  # loads the rest of Typer
    gc.collect()
    gc.freeze()  # the collector of a fork has nothing to find here


def serve(control: socket.socket) -> list[int] | None:
    """Fork for every message from `control`, and write the number of each fork, and its exit code, to its socket.

    A message has four file descriptors: standard input, output and error, and a socket.

    Returns
    -------
    list of int or None
        In a fork, its file descriptors; here None, when the other end of `control` is closed.
    """
    running: dict[int, socket.socket] = {}
    wake, woken = os.pipe()
    for end in (wake, woken):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wake, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if wake in ready:
                os.read(wake, 4096)
                report_ended(running)
            if control.fileno() in ready:
                message, streams, *_ = socket.recv_fds(control, 1, 4)
                if not message:
                    for pid in running:
                        os.kill(pid, signal.SIGKILL)
                    return None
                pid = os.fork()
                if pid == 0:
                    break
                running[pid] = socket.socket(fileno=streams.pop())
                for stream in streams:
                    os.close(stream)
                running[pid].sendall(NUMBER.pack(pid))
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in (control, *running.values()):
        each.close()
    for end in (wake, woken):
        os.close(end)
    return streams


def report_ended(running: dict[int, socket.socket]) -> None:
    """Tell the clients of the forks that have ended their exit codes."""
    for pid in list(running):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            with running.pop(pid) as client, suppress(OSError):  # nobody may be waiting
                client.sendall(NUMBER.pack(os.waitstatus_to_exitcode(status)))


def become(stdin: int, stdout: int, stderr: int, client: int) -> str:
    """Turn this fork into the process that the client describes in a line of JSON, and return the code to run first."""
    with socket.socket(fileno=client) as received, received.makefile("rb") as lines:
        request: dict[str, Any] = json.loads(lines.readline())
    for number, stream in enumerate((stdin, stdout, stderr)):
        os.dup2(stream, number)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests run in the background
    if request["new_session"]:
        os.setsid()
    for name, most in request["limits"].items():
        import resource

        resource.setrlimit(getattr(resource, name), (most, most))
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    tempfile.tempdir = None
    sys.argv = request["arguments"]
    # Buffered as their files want it, and not those of the server.
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    return request["prelude"]


def run(prelude: str) -> int:
    """Run the command, and return its exit code."""
    from deblur.cli import main

    # Without a file: what the command starts by multiprocessing must not import this one.
    kept, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
    try:
        exec(prelude, {})  # noqa: S102
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        del kept
    return 0


def leave(code: int) -> None:
    """End as Python does, but without taking down every module, which takes longer than most commands."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        code = 120  # as Python says it
    os._exit(code)


if __name__ == "__main__":
    main()
