"""Uploaded photographs in memory: how many fit, and when they are removed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deblur.web._jobs import Job, JobQueue, restart
from deblur.web._limits import BusyError, Limits
from deblur.web._worker import Worker

_EXPIRY_INTERVAL = 5.0  # seconds between two looks for idle uploads: short compared with the time limits
_GRACE_SECONDS = 2.0  # that a preview nobody waits for may go on; killing a process costs the next visitor seconds


@dataclass(eq=False)
class Upload:
    """A visitor's photograph, in memory.

    Attributes
    ----------
    name : str
        File name on the visitor's machine.
    data : bytes
        The file.
    id : str
        Unguessable: whoever knows it may see the photograph.
    facts : dict
        What `deblur.web._tasks.Tasks.open` returned.
    psf : numpy.ndarray or None
        From an uploaded PSF file.
    job : Job or None
        The latest restoration.
    last_used : float
        When the visitor last sent a request, on the monotonic clock.
    """

    name: str
    data: bytes
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    facts: dict[str, Any] = field(default_factory=dict)
    psf: np.ndarray | None = None
    job: Job | None = None
    last_used: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Bytes in memory, the result included."""
        result = self.job.result if self.job else {}
        return len(self.data) + sum(len(each) for each in result.values() if isinstance(each, bytes))


class Sessions:
    """All uploads, the queue of their jobs, and the process that computes previews.

    Parameters
    ----------
    limits : Limits
        Sizes, numbers and times.
    workers : int
        Number of photographs restored at once.
    device : str
        Where they are computed, see `deblur.restore`.
    """

    def __init__(self, limits: Limits, workers: int = 1, device: str = "auto") -> None:
        self.limits = limits
        self.uploads: dict[str, Upload] = {}
        # Previews have a process of their own, of normal priority, so that they never wait for a whole photograph.
        self.preview_worker = Worker(limits.pixels, background=False, device=device)
        background = [Worker(limits.pixels, background=True, device=device) for _ in range(workers)]
        self.queue = JobQueue(background, limits.waiting)
        self._arriving: Counter[str] = Counter()
        self._expiry: asyncio.Task[None] | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._is_stopping = False

    async def start(self) -> None:
        """Start all processes, and wait for the one that computes previews."""
        self.queue.start()
        self._expiry = asyncio.create_task(self._expire())
        await self.preview_worker.start()

    async def stop(self) -> None:
        """Remove all uploads and stop all processes."""
        self._is_stopping = True
        for upload in list(self.uploads.values()):
            self.remove(upload)
        for task in filter(None, (self._expiry, self._restarting)):
            task.cancel()
        await self.queue.stop()
        self.preview_worker.stop()

    @contextmanager
    def arrival(self, visitor: str, size: int | None) -> Iterator[Callable[[int], None]]:
        """Count the memory of a file while it arrives: each call of what this yields adds as many bytes.

        Only what has arrived is counted, so that whoever announces large files and sends nothing keeps nobody out.

        Parameters
        ----------
        visitor : str
            The address that the file comes from.
        size : int or None
            The announced size, if any.

        Raises
        ------
        BusyError
            If there is not enough memory, and nothing idle to remove, or this visitor takes more than a share of it;
            at once if the announced size does not fit.
        """
        self._make_room(min(size or 0, self.limits.file_bytes))
        arrived = 0

        def count(more: int) -> None:
            nonlocal arrived
            if self._arriving[visitor] + more > self.limits.arriving_bytes:
                raise BusyError("Several large files are arriving from you already. Try again when they are here.")
            self._make_room(more)
            self._arriving[visitor] += more
            arrived += more

        try:
            yield count
        finally:
            self._arriving[visitor] -= arrived
            if not self._arriving[visitor]:
                del self._arriving[visitor]

    async def look(self, name: str, **arguments: Any) -> Any:
        """Run a task of the process for previews, see `Worker.run`; a new process starts at once if it was killed."""
        try:
            return await self.preview_worker.run(
                name, seconds=self.limits.look_seconds, grace=_GRACE_SECONDS, **arguments
            )
        finally:
            if not self.preview_worker.is_alive and not self._is_stopping:
                self._restarting = asyncio.create_task(restart(self.preview_worker))

    def add(self, upload: Upload) -> None:
        """Keep an upload in memory."""
        self.uploads[upload.id] = upload

    def remove(self, upload: Upload) -> None:
        """Cancel the job of an upload, and delete all its data."""
        if upload.job is not None:
            self.queue.cancel(upload.job)
        self.uploads.pop(upload.id, None)

    def submit(self, upload: Upload, job: Job) -> None:
        """Queue the restoration of an upload, in place of an earlier one; `BusyError` if the queue is full."""
        self.queue.submit(job, replaces=upload.job)
        upload.job = job

    def _make_room(self, size: int) -> None:
        """Remove the uploads that were idle longest until `size` bytes fit, or raise `BusyError`."""
        idle = sorted((each for each in self.uploads.values() if _is_idle(each)), key=lambda each: each.last_used)
        while idle and not self._has_room(size) and _age(idle[0]) > self.limits.unseen_seconds:
            self.remove(idle.pop(0))
        if not self._has_room(size):
            raise BusyError("Too many people are using this page right now. Try again in a few minutes.")

    def _has_room(self, size: int) -> bool:
        used = sum(self._arriving.values()) + sum(upload.size for upload in self.uploads.values())
        return len(self.uploads) < self.limits.photos and used + size <= self.limits.held_bytes

    async def _expire(self) -> None:
        """Cancel jobs whose visitor has left, and remove idle uploads."""
        while True:
            await asyncio.sleep(_EXPIRY_INTERVAL)
            for upload in list(self.uploads.values()):
                if upload.job is not None and not upload.job.is_finished:
                    if time.monotonic() - upload.job.last_polled > self.limits.unseen_seconds:
                        self.queue.cancel(upload.job)
                elif _age(upload) > self.limits.idle_seconds:
                    self.remove(upload)


def _is_idle(upload: Upload) -> bool:
    return upload.job is None or upload.job.is_finished


def _age(upload: Upload) -> float:
    return time.monotonic() - upload.last_used
