"""Who is here: the photographs that are held, the work on them, and the line that it waits in."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deblur.web._limits import Limits, RefusedError
from deblur.web._worker import Worker

LOGGER = logging.getLogger("deblur.web")
FAILED = "Something went wrong here, and the work stopped. Try again, or a smaller picture."
_SWEEP = 5.0  # seconds
_TELLING = 0.03  # of the work: before, the pace is that of the beginning


class BusyError(Exception):
    """Too many others are here; said to the visitor."""


@dataclass(eq=False)
class Job:
    """The restoration of a photograph.

    Attributes
    ----------
    state : {"waiting", "running", "done", "failed", "cancelled"}
        How far it is.
    part, what : float, str
        The part that is done, and what is being done.
    result : dict
        What `deblur.web._tasks.Tasks.restore` returned.
    error : str
        What the visitor is told.
    """

    held: Held
    blur: str | np.ndarray | None
    noise_level: float | None
    state: str = "waiting"
    part: float = 0.0
    what: str = "waiting"
    began: float = 0.0
    seen: float = field(default_factory=time.monotonic)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    task: asyncio.Task[None] | None = None
    _ends: float | None = None

    def told(self, part: float, what: str) -> None:
        """Note how far it is, and when it will be done at the pace so far."""
        self.part, self.what = part, what
        elapsed = time.monotonic() - self.began
        if part > _TELLING and elapsed > 1:
            self._ends = self.began + elapsed / part

    def cancel(self) -> None:
        """Stop the work, at once."""
        if self.state in ("waiting", "running"):
            self.state = "cancelled"
            if self.task is not None:
                self.task.cancel()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds_left(self) -> float | None:
        """What is left at the pace so far; None where that cannot be told yet."""
        if self.state != "running" or self._ends is None:
            return None
        return round(max(0.0, self._ends - time.monotonic()), 1)


@dataclass(eq=False)
class Held:
    """A photograph of a visitor, in memory.

    Attributes
    ----------
    name : str
        Of the file, as the visitor has it.
    data : bytes
        The file.
    facts : dict
        What `deblur.web._tasks.Tasks.open` returned.
    psf : numpy.ndarray or None
        From a PSF file.
    job : Job or None
        The work on it.
    """

    name: str
    data: bytes
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    facts: dict[str, Any] = field(default_factory=dict)
    psf: np.ndarray | None = None
    job: Job | None = None
    seen: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """The bytes that it takes."""
        result = self.job.result if self.job else {}
        return len(self.data) + sum(len(each) for each in result.values() if isinstance(each, bytes))


class Desk:
    """The photographs, the line, and the processes that work.

    Parameters
    ----------
    limits : Limits
        How much is taken on.
    workers : int
        How many photographs are restored at once.
    """

    def __init__(self, limits: Limits, workers: int = 1) -> None:
        self.limits = limits
        self.looker = Worker(limits.pixels, background=False)
        self.photos: dict[str, Held] = {}
        self._workers = [Worker(limits.pixels, background=True) for _ in range(workers)]
        self._line: list[Job] = []
        self._arriving = 0
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start all processes, and wait for the first."""
        self._tasks = [asyncio.create_task(self._attend(worker)) for worker in self._workers]
        self._tasks.append(asyncio.create_task(self._sweep()))
        await self.looker.start()

    async def close(self) -> None:
        """Stop everything, and forget everybody."""
        for held in list(self.photos.values()):
            self.forget(held)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in (self.looker, *self._workers):
            worker.stop()

    @contextmanager
    def arrival(self, size: int | None) -> Iterator[None]:
        """Keep room for a file while it comes: for its size, or for the largest if that is not known."""
        size = self.limits.file_bytes if size is None else min(size, self.limits.file_bytes)
        self._make_room(size)
        self._arriving += size
        try:
            yield
        finally:
            self._arriving -= size

    def _make_room(self, size: int) -> None:
        """Forget who has been idle longest until there is room for `size` bytes more, or raise `BusyError`."""
        idle = sorted((held for held in self.photos.values() if held.job is None or held.job.is_over), key=_seen)
        while idle and not self._has_room(size) and time.monotonic() - idle[0].seen > self.limits.unseen_seconds:
            self.forget(idle.pop(0))
        if not self._has_room(size):
            raise BusyError("Too many people are here just now. Try again in a few minutes.")

    def hold(self, held: Held) -> None:
        """Hold a photograph."""
        self.photos[held.id] = held

    def forget(self, held: Held) -> None:
        """Stop the work on a photograph, and drop all there is of it."""
        if held.job is not None:
            self.drop(held.job)
        self.photos.pop(held.id, None)

    def drop(self, job: Job) -> None:
        """Stop a job and take it out of the line."""
        job.cancel()
        if job in self._line:
            self._line.remove(job)

    async def enqueue(self, job: Job) -> None:
        """Put work in the line, or raise `BusyError` if it is full. Of one photograph, the last work counts."""
        others = sum(each.held is not job.held for each in self._line)
        if others >= self.limits.waiting:
            raise BusyError(f"{others} photos are waiting already. Try again in a few minutes.")
        if job.held.job is not None:
            self.drop(job.held.job)
        job.held.job = job
        self._line.append(job)
        async with self._news:
            self._news.notify()

    def place(self, job: Job) -> int:
        """Return how many are before a job in the line."""
        return self._line.index(job) if job in self._line else 0

    def _has_room(self, size: int) -> bool:
        taken = self._arriving + sum(held.size for held in self.photos.values())
        return len(self.photos) < self.limits.photos and taken + size <= self.limits.held_bytes

    async def _attend(self, worker: Worker) -> None:
        """Do the work in the line, one job after another."""
        await _warm(worker)
        while True:
            async with self._news:
                await self._news.wait_for(lambda: bool(self._line))
            while self._line:
                job = self._line.pop(0)
                job.task = asyncio.create_task(self._work(worker, job))
                await asyncio.wait([job.task])
                await _warm(worker)

    async def _work(self, worker: Worker, job: Job) -> None:
        job.state, job.what, job.began = "running", "starting", time.monotonic()
        suffix = str(job.held.facts["suffix"])
        try:
            job.result = await worker.run(
                "restore",
                progress=job.told,
                data=job.held.data,
                suffix=suffix,
                blur=job.blur,
                noise_level=job.noise_level,
            )
            job.state = "done"
        except RefusedError as refusal:
            job.state, job.error = "failed", str(refusal)
        except RuntimeError as error:
            LOGGER.error("%s", error)
            job.state, job.error = "failed", FAILED

    async def _sweep(self) -> None:
        """Stop work that nobody asks about any more, and forget who has left."""
        while True:
            await asyncio.sleep(_SWEEP)
            now = time.monotonic()
            for held in list(self.photos.values()):
                job = held.job
                if job is not None and not job.is_over:
                    if now - job.seen > self.limits.unseen_seconds:
                        self.drop(job)
                elif now - held.seen > self.limits.idle_seconds:
                    self.forget(held)


async def _warm(worker: Worker) -> None:
    """Start a process that was stopped, before somebody waits for it."""
    try:
        await worker.start()
    except RuntimeError as error:  # whoever comes next is told, if it fails again
        LOGGER.error("%s", error)


def _seen(held: Held) -> float:
    return held.seen
