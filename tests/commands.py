"""Runs of the command, in forks of a process that has loaded everything, or in processes of their own."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import IO, Any

from tests.forkserver import NUMBER

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "80"}
CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"  # whose libraries do not survive a fork
AT_START = ("PYTHON", "OMP_", "MKL_", "OPENBLAS_", "LD_")
"""How the names of variables begin that are read when Python or a library is loaded."""


class Process:
    """A running fork: the part of `subprocess.Popen` that the tests use."""

    def __init__(self, client: socket.socket, streams: list[IO[Any] | None]) -> None:
        self._client = client
        self.stdin, self.stdout, self.stderr = streams
        self.pid = self._number()
        self.returncode: int | None = None

    def _number(self) -> int:
        received = self._client.recv(NUMBER.size, socket.MSG_WAITALL)
        assert received, "the server of the forks has ended"
        return NUMBER.unpack(received)[0]

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self._client.settimeout(timeout)
            try:
                self.returncode = self._number()
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("deblur", timeout or 0) from None
            self._client.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, data: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Write all of `data`, read all that comes, and wait for the end."""
        read: dict[IO[Any], Any] = {}
        threads = [
            threading.Thread(target=lambda stream=stream: read.update({stream: stream.read()}), daemon=True)
            for stream in (self.stdout, self.stderr)
            if stream and not stream.closed
        ]
        for thread in threads:
            thread.start()
        if self.stdin:
            try:
                if data:
                    self.stdin.write(data)
                self.stdin.close()
            except BrokenPipeError:  # it has ended without reading
                pass
        self.wait(timeout)
        for thread in threads:
            thread.join()
        for stream in filter(None, (self.stdout, self.stderr)):
            stream.close()
        return read.get(self.stdout), read.get(self.stderr)  # type: ignore[arg-type]


class Commands:
    """Starts commands, and ends the server that they are forked from.

    Parameters
    ----------
    command : str
        Path of the installed command, which is run itself where forks do not do.
    environment : mapping
        Of the server.
    """

    def __init__(self, command: str, environment: Mapping[str, str]) -> None:
        self.command = command
        self._environment = dict(environment)
        self._control: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None

    def start(
        self,
        arguments: Sequence[str | Path],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        stdin: int | None = DEVNULL,
        stdout: int | None = PIPE,
        stderr: int | None = PIPE,
        text: bool = False,
        new_session: bool = False,
        limits: Mapping[str, int] | None = None,
        prelude: str = "",
        own_process: bool = False,
    ) -> Process | subprocess.Popen[Any]:
        """Start the command.

        Parameters
        ----------
        arguments : sequence of str or Path
            Of the command.
        cwd : Path
            Folder that it runs in.
        environment : mapping
            All its variables.
        stdin, stdout, stderr : int or None
            As in `subprocess.Popen`.
        text : bool
            Whether its output is text, and not bytes.
        new_session : bool
            Whether it gets none of the signals of this terminal.
        limits : mapping, optional
            Limits of `resource`, by name.
        prelude : str
            Python that runs before.
        own_process : bool
            Whether not to fork.

        Returns
        -------
        Process or subprocess.Popen
            The running command.
        """
        words = [os.fspath(each) for each in arguments]
        if own_process or not CAN_FORK or _at_start(environment) != _at_start(self._environment):
            return self._start_anew(
                words, prelude, limits or {}, cwd=cwd, env=environment, text=text, start_new_session=new_session,
                stdin=stdin, stdout=stdout, stderr=stderr,
            )  # fmt: skip
        request = {
            "arguments": [self.command, *words],
            "cwd": os.fspath(cwd),
            "environment": dict(environment),
            "new_session": new_session,
            "limits": limits or {},
            "prelude": prelude,
        }
        theirs, ours = [], []
        for number, (stream, mode) in enumerate(((stdin, "w"), (stdout, "r"), (stderr, "r"))):
            end, kept = (os.dup(theirs[1]), None) if stream == STDOUT else _ends(number, stream, mode == "w")
            theirs.append(end)
            binary = None if kept is None else os.fdopen(kept, f"{mode}b")
            ours.append(io.TextIOWrapper(binary) if binary is not None and text else binary)
        client, end = socket.socketpair()
        client.sendall(json.dumps(request).encode() + b"\n")
        socket.send_fds(self._connected(), [b"."], [*theirs, end.fileno()])
        end.close()
        for each in theirs:
            os.close(each)
        return Process(client, ours)

    def _start_anew(
        self, words: list[str], prelude: str, limits: Mapping[str, int], **options: Any
    ) -> subprocess.Popen[Any]:
        def prepare() -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # even if the tests run in the background
            if limits:
                import resource

                for name, most in limits.items():
                    resource.setrlimit(getattr(resource, name), (most, most))

        code = f"{prelude}\nfrom deblur.cli import main\nmain()"
        program = [sys.executable, "-c", code] if prelude else [self.command]
        return subprocess.Popen([*program, *words], preexec_fn=prepare if os.name == "posix" else None, **options)

    def _connected(self) -> socket.socket:
        if self._control is None:
            self._control, end = socket.socketpair()
            program = Path(__file__).with_name("forkserver.py")
            self._server = subprocess.Popen(
                [sys.executable, program, str(end.fileno())], env=self._environment, pass_fds=[end.fileno()]
            )
            end.close()
        return self._control

    def close(self) -> None:
        """End the server."""
        if self._control is not None and self._server is not None:
            self._control.close()
            self._server.wait()
            self._control = None


@cache
def installed() -> Commands:
    """Return the command that is installed beside this Python, with one server for all tests of this process."""
    path = shutil.which("deblur", path=str(Path(sys.executable).parent))
    assert path, "the command is not installed beside this Python: pip install -e ."
    return Commands(path, ENVIRONMENT)


def _ends(number: int, stream: int | None, writing: bool) -> tuple[int, int | None]:
    """Return the end of a stream that the command gets, and that of a pipe that stays here."""
    if stream == PIPE:
        reader, writer = os.pipe()
        return (reader, writer) if writing else (writer, reader)
    if stream == DEVNULL:
        return os.open(os.devnull, os.O_RDWR), None
    return os.dup(number if stream is None else stream), None


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}
