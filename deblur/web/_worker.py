"""A process that computes for the page: it can be stopped at any moment, and takes nothing down with it."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.web import _child
from deblur.web._limits import RefusedError

if TYPE_CHECKING:  # the server itself does not wait for torch
    from deblur.blind._fast import Progress

_PATIENCE = 5.0  # seconds that a process has to end


class SupersededError(Exception):
    """The task was interrupted for a more urgent one."""


class Worker:
    """A warm process, started anew whenever it was stopped.

    Parameters
    ----------
    most_pixels : int
        Of a photograph.
    background : bool
        Whether it makes way for other processes.
    """

    def __init__(self, most_pixels: int, *, background: bool) -> None:
        self._most_pixels, self._background = most_pixels, background
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._turn = asyncio.Lock()
        self._yields = False

    async def start(self) -> None:
        """Start the process, and wait until it is warm."""
        async with self._turn:
            await self._start()

    async def run(self, name: str, *, progress: Progress | None = None, yields: bool = False, **arguments: Any) -> Any:
        """Do a task, and return its result. Cancelled, it kills the process, and starts another.

        Parameters
        ----------
        name : str
            A method of `deblur.web._tasks.Tasks`.
        progress : callable, optional
            ``progress(part, what)``.
        yields : bool
            Whether the task gives up when another comes.
        **arguments
            Of the method.

        Raises
        ------
        RefusedError
            What the visitor is told, if it cannot be done.
        SupersededError
            If it gave up.
        RuntimeError
            If the process failed or died.
        """
        if self._yields and self._connection is not None:
            self._yields = False
            with suppress(OSError):  # it has died; whoever waits for it is told
                self._connection.send(None)
        async with self._turn:
            await self._start()
            assert self._connection is not None
            try:
                await asyncio.to_thread(self._connection.send, (name, arguments))
                self._yields = yields  # and not before: two would write at once
                return await self._answer(progress)
            except (EOFError, OSError) as error:
                self.stop()
                raise RuntimeError("the process that computes has died") from error
            except asyncio.CancelledError:
                self.stop()
                raise
            finally:
                self._yields = False

    def stop(self) -> None:
        """Kill the process, if there is one, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(_PATIENCE)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._connection is not None:
            self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._connection = self._folder = None

    async def _answer(self, progress: Progress | None) -> Any:
        while True:
            kind, *rest = await self._receive()
            if kind == "progress":
                if progress is not None:
                    progress(*rest)
            elif kind == "done":
                return rest[0]
            elif kind == "refused":
                raise RefusedError(rest[0])
            elif kind == "interrupted":
                raise SupersededError
            else:
                raise RuntimeError("a task failed; the process that computes has printed why")

    async def _receive(self) -> Any:
        assert self._connection is not None
        return await asyncio.to_thread(self._connection.recv)

    async def _start(self) -> None:
        if self._process is not None and self._process.is_alive():
            return
        self.stop()
        context = multiprocessing.get_context("spawn")  # a fork would inherit the threads of the server half alive
        self._connection, theirs = context.Pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="deblur-web-")
        arguments = (theirs, Path(self._folder.name), self._most_pixels, self._background)
        self._process = context.Process(target=_child.main, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        try:
            await self._receive()
        except (EOFError, OSError) as error:
            self.stop()
            raise RuntimeError("the process that computes does not start") from error
        except asyncio.CancelledError:
            self.stop()
            raise
