"""Forks of this process, which holds every import already: a case costs the time of its work, and cannot harm others.

A fork has a limit on its time and its memory, a folder of its own, and ends without the exit handlers of its parent.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from tests.robustness._tally import peak_bytes

SECONDS = 10.0
"""A case that takes longer hangs."""

MEMORY = 2**31
"""Bytes that a case may hold beyond what the process holds when it is warm."""

_STARTING = 120.0
_CRASHED = 70  # EX_SOFTWARE

Send = Callable[[Any], None]
Attempt = Callable[[int], tuple[str, str | None]]
"""Run a case by its number, and return its kind, and what is wrong with its outcome or None."""


class Ending(NamedTuple):
    """How a call in a fork ended.

    Attributes
    ----------
    value : object
        What the call returned; None if it did not return.
    exit_code : int or None
        Of the process: negative for a signal, None if it had to be killed after the time limit.
    """

    value: Any
    exit_code: int | None


class Fork:
    """A fork of this process that runs one call.

    Parameters
    ----------
    call : callable
        ``call(send)`` returns the exit code, None for 0; what it sends is received by `receive`.
    cwd : path, optional
        Folder to work in.
    output : path, optional
        File for standard output and error; standard input is empty then.
    hold_interrupts : bool
        Whether Ctrl-C waits until the call unblocks its signal.
    """

    def __init__(
        self,
        call: Callable[[Send], int | None],
        *,
        cwd: Path | None = None,
        output: Path | None = None,
        hold_interrupts: bool = False,
    ) -> None:
        self._connection, theirs = Pipe(duplex=False)
        # An interrupt waits until the fork is set up: what is done here is not part of the call.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
        self.pid = os.fork()
        if self.pid == 0:
            self._connection.close()
            unblock = () if hold_interrupts else (signal.SIGINT,)
            _run_and_exit(call, theirs, cwd, output, unblock)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
        self._exit_code: int | None = None

    def receive(self, seconds: float) -> Any:
        """Return the next object that the call sends.

        Raises
        ------
        TimeoutError
            If nothing comes in time.
        EOFError
            If the process ends first.
        """
        if not self._connection.poll(seconds):
            raise TimeoutError
        return self._connection.recv()

    def wait(self, seconds: float) -> int | None:
        """Return the exit code (negative for a signal), or None if the process had to be killed after the limit."""
        end = time.monotonic() + seconds
        while self._exit_code is None and time.monotonic() < end:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self._exit_code = os.waitstatus_to_exitcode(status)
                self._connection.close()
                return self._exit_code
            time.sleep(0.002)
        if self._exit_code is None:
            self.kill()
            return None
        return self._exit_code

    def kill(self) -> None:
        """End the process at once, unless it has ended."""
        if self._exit_code is None:
            os.kill(self.pid, signal.SIGKILL)
            self._exit_code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._connection.close()


def _run_and_exit(
    call: Callable[[Send], int | None],
    connection: Connection,
    cwd: Path | None,
    out: Path | None,
    unblock: tuple[signal.Signals, ...],
) -> None:
    code: int | None = _CRASHED
    try:
        if cwd is not None:
            os.chdir(cwd)
        if out is not None:
            _redirect(out)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, unblock)
        code = call(connection.send)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)


def _redirect(out: Path) -> None:
    """Send both streams to a file, and take nothing from standard input."""
    opened = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o666)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115


def limit_memory(beyond: int) -> None:
    """Let this process hold so many bytes more than it holds now."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + beyond, held + beyond))


def run_in_fork(call: Callable[[], Any], seconds: float, memory: int | None = None, cwd: Path | None = None) -> Ending:
    """Run `call` in a fork, and return what it returned and how the fork ended.

    Parameters
    ----------
    call : callable
        Returns what can be pickled.
    seconds : float
        Time limit, after which the fork is killed.
    memory : int, optional
        Bytes that it may hold beyond what this process holds.
    cwd : path, optional
        Folder to work in.
    """

    def work(send: Send) -> None:
        if memory is not None:
            limit_memory(memory)
        send(call())

    fork, value = Fork(work, cwd=cwd), None
    end = time.monotonic() + seconds
    with contextlib.suppress(EOFError, TimeoutError):
        value = fork.receive(seconds)
    return Ending(value, fork.wait(max(end - time.monotonic(), 0.1)))


class Outcome(NamedTuple):
    """The outcome of a case: `fault` says in one line what is wrong, `peak` is in bytes."""

    number: int
    kind: str
    seconds: float
    fault: str | None
    peak: int


def outcomes(make: Callable[[Path], Attempt], numbers: Iterable[int], name: Callable[[int], str]) -> Iterator[Outcome]:
    """Run cases one after the other in a fork, which is replaced when a case kills it or hangs.

    Parameters
    ----------
    make : callable
        ``make(folder)`` sets the fork up, in an empty folder, and returns the function that runs a case.
    numbers : iterable of int
        The cases.
    name : callable
        The kind of a case, for those that did not live to tell it.
    """
    left = list(numbers)
    while left:
        with tempfile.TemporaryDirectory(prefix="robustness-") as place:
            folder = Path(place)
            fork = Fork(lambda send, cases=tuple(left), folder=folder: _serve(send, make, folder, cases), cwd=folder)
            try:
                fork.receive(_STARTING)
                while left:
                    outcome, alive = _next_outcome(fork, left[0], name)
                    del left[0]
                    yield outcome
                    if not alive:
                        break
            finally:
                fork.kill()


def _next_outcome(fork: Fork, number: int, name: Callable[[int], str]) -> tuple[Outcome, bool]:
    """Return the outcome of the case that the fork works on, and whether the fork survived it."""
    began = time.monotonic()
    try:
        kind, fault, peak = fork.receive(SECONDS)
    except TimeoutError:
        fault = f"hangs: nothing after {SECONDS:.0f} s"
        return Outcome(number, name(number), time.monotonic() - began, fault, peak_bytes(fork.pid)), False
    except EOFError:
        fault = f"the process died, exit code {fork.wait(SECONDS)}"
        return Outcome(number, name(number), time.monotonic() - began, fault, 0), False
    return Outcome(number, kind, time.monotonic() - began, fault, peak), True


def _serve(send: Send, make: Callable[[Path], Attempt], folder: Path, numbers: tuple[int, ...]) -> None:
    attempt = make(folder)
    limit_memory(MEMORY)
    send("ready")
    for number in numbers:
        faulthandler.dump_traceback_later(SECONDS - 1)  # says on standard error where it hangs
        answer = attempt(number)
        faulthandler.cancel_dump_traceback_later()
        send((*answer, peak_bytes()))
