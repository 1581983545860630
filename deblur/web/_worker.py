"""Worker processes: decoding and restoration run there, so that they can be killed, and a crash harms no one else."""

from __future__ import annotations

import asyncio
import multiprocessing
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.web import _child
from deblur.web._limits import RefusedError

if TYPE_CHECKING:  # importing torch takes seconds, and the server process does not need it
    from deblur._core.progress import Progress

_TERMINATION_SECONDS = 5.0  # then a process is killed


class SupersededError(Exception):
    """The task was interrupted for a more urgent one."""


class WorkerError(RuntimeError):
    """The process of a worker failed, died or does not start."""


class Worker:
    """A process with all libraries loaded, restarted whenever it was stopped.

    Parameters
    ----------
    max_pixels : int
        Largest photograph.
    background : bool
        Whether it runs at a lower priority.
    device : str
        Where it computes, see `deblur.restore`.
    """

    def __init__(self, max_pixels: int, *, background: bool, device: str = "auto") -> None:
        self._max_pixels, self._background, self._device = max_pixels, background, device
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._task_lock = asyncio.Lock()
        self._is_running = self._is_interruptible = False
        # Threads of its own: asyncio's are few, and were all taken by workers that wait where there are many of them.
        self._threads = ThreadPoolExecutor(2, "deblur-web-worker")  # a killed process may still hold one for a moment

    async def start(self) -> None:
        """Start the process unless it runs, and wait until it has loaded everything."""
        async with self._task_lock:
            await self._start()

    async def run(
        self,
        name: str,
        *,
        progress: Progress | None = None,
        interruptible: bool = False,
        seconds: float | None = None,
        grace: float = 0.0,
        **arguments: Any,
    ) -> Any:
        """Run a task and return its result; if it is cancelled or takes too long, kill the process.

        Parameters
        ----------
        name : str
            A method of `deblur.web._tasks.Tasks`.
        progress : callable, optional
            ``progress(fraction, stage)``.
        interruptible : bool
            Whether the task is abandoned as soon as another one arrives.
        seconds : float, optional
            Longest time that the task may take, once it has begun.
        grace : float
            Seconds that a cancelled task has to end by itself, as most do, before the process is killed.
        **arguments
            Of the method.

        Raises
        ------
        RefusedError
            If the request or file is invalid, or the task takes too long; the message is for the visitor.
        SupersededError
            If it was abandoned for another task.
        WorkerError
            If the process failed or died.
        """
        if self._is_interruptible:
            self._interrupt()
        async with self._task_lock:
            await self._start()
            work = asyncio.create_task(self._work((name, arguments), progress, interruptible))
            work.add_done_callback(lambda done: done.cancelled() or done.exception())  # also if nobody awaits it
            try:
                await asyncio.wait([work], timeout=seconds)
            except asyncio.CancelledError:
                self._interrupt()
                await asyncio.wait([work], timeout=grace)
                raise
            finally:
                self._is_running = self._is_interruptible = False
                if not (is_over := work.done()):
                    work.cancel()
                    self.stop()
            if not is_over:
                raise RefusedError(f"This was stopped after {seconds:g} seconds. Try a smaller picture.")
            return work.result()

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.is_alive()

    def stop(self) -> None:
        """Kill the process, if there is one, and remove its folder."""
        if self._process is not None:
            self._process.terminate()
            self._process.join(_TERMINATION_SECONDS)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        if self._connection is not None:
            self._connection.close()
        if self._folder is not None:
            self._folder.cleanup()
        self._process = self._connection = self._folder = None

    async def _work(self, task: tuple[str, dict[str, Any]], progress: Progress | None, interruptible: bool) -> Any:
        """Send a task to the process, and return the result that it sends back."""
        assert self._connection is not None
        try:
            await self._in_thread(self._connection.send, task)
            # Only now: else two threads could write to the pipe at once.
            self._is_running, self._is_interruptible = True, interruptible
            while True:
                kind, *rest = await self._in_thread(self._connection.recv)
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
                    raise WorkerError("a task failed; the worker process has printed its traceback")
        except (EOFError, OSError) as error:
            self.stop()
            raise WorkerError("the worker process died") from error

    def _interrupt(self) -> None:
        """Ask the process to end its task at the next report of progress."""
        if self._is_running and self._connection is not None:
            self._is_running = self._is_interruptible = False
            with suppress(OSError):  # the process died: the call that waits for it raises
                self._connection.send(None)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def _start(self) -> None:
        if self.is_alive:
            return
        self.stop()
        context = multiprocessing.get_context("spawn")  # a fork would inherit the locks of the server's threads
        self._connection, child_end = context.Pipe()
        self._folder = tempfile.TemporaryDirectory(prefix="deblur-web-")
        arguments = (child_end, Path(self._folder.name), self._max_pixels, self._background, self._device)
        self._process = context.Process(target=_child.main, args=arguments, daemon=True)
        self._process.start()
        child_end.close()
        try:
            await self._in_thread(self._connection.recv)
        except (EOFError, OSError) as error:
            self.stop()
            raise WorkerError("the worker process does not start") from error
        except asyncio.CancelledError:
            self.stop()
            raise
