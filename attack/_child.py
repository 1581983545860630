"""Cases in a process of their own, which has a limit on its memory and is replaced when it dies or hangs."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from attack._tally import peak_bytes

SECONDS = 10.0
"""A case that takes longer hangs."""

ROOM = 2**31
"""Bytes that a case may hold beyond what the process holds when it is warm."""

_STARTING = 120.0

Attempt = Callable[[int], tuple[str, str | None]]
"""Does a case by its number, and returns its kind, and what is wrong with its outcome or None."""


class Outcome(NamedTuple):
    """What came of a case."""

    number: int
    kind: str
    seconds: float
    fault: str | None
    peak: int


def outcomes(make: Callable[[Path], Attempt], numbers: Iterable[int], name: Callable[[int], str]) -> Iterator[Outcome]:
    """Do cases, one after the other, in a child that is forked anew whenever one kills it.

    Parameters
    ----------
    make : callable
        ``make(folder)`` sets the child up, in an empty folder, and returns what does a case.
    numbers : iterable of int
        The cases.
    name : callable
        The kind of a case, for those that did not live to tell it.
    """
    child = None
    for number in numbers:
        child = child or _Child(make)
        began = time.monotonic()
        answer = child.ask(number)
        seconds = time.monotonic() - began
        if isinstance(answer, str):
            yield Outcome(number, name(number), seconds, answer, child.peak)
            child.end()
            child = None
        else:
            yield Outcome(number, answer[0], seconds, answer[1], child.peak)
    if child is not None:
        child.end()


class _Child:
    def __init__(self, make: Callable[[Path], Attempt]) -> None:
        context = multiprocessing.get_context("fork")
        self._folder = tempfile.TemporaryDirectory(prefix="attack-")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, Path(self._folder.name)), daemon=True)
        self._process.start()
        theirs.close()
        self.peak = 0
        if not self._ours.poll(_STARTING) or self._ours.recv() != "ready":
            raise RuntimeError("the child of the attack does not start")

    def ask(self, number: int) -> tuple[str, str | None] | str:
        """Return the kind and fault of a case, or a line about how it ended the child."""
        self._ours.send(number)
        if not self._ours.poll(SECONDS):
            self.peak = peak_bytes(self._process.pid or 0)
            return f"hangs: nothing after {SECONDS:.0f} s"
        try:
            kind, fault, self.peak = self._ours.recv()
        except EOFError:
            self._process.join()
            return f"the process died, exit code {self._process.exitcode}"
        return kind, fault

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._ours.close()
        self._folder.cleanup()


def _serve(connection: Connection, make: Callable[[Path], Attempt], folder: Path) -> None:
    os.chdir(folder)
    attempt = make(folder)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (held + ROOM, held + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    connection.send("ready")
    while True:
        number = connection.recv()
        faulthandler.dump_traceback_later(SECONDS - 1)  # says on standard error where it hangs
        answer = attempt(number)
        faulthandler.cancel_dump_traceback_later()
        connection.send((*answer, peak_bytes()))
