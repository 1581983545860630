"""Uploaded photographs in memory: how many fit, and when they are removed."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deblur.web._jobs import Job, JobQueue
from deblur.web._limits import BusyError, Limits
from deblur.web._worker import Worker

_EXPIRY_INTERVAL = 5.0  # seconds between two looks for idle uploads: short compared with the time limits


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
        self._incoming_bytes = 0
        self._expiry: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start all processes, and wait for the one that computes previews."""
        self.queue.start()
        self._expiry = asyncio.create_task(self._expire())
        await self.preview_worker.start()

    async def stop(self) -> None:
        """Remove all uploads and stop all processes."""
        for upload in list(self.uploads.values()):
            self.remove(upload)
        if self._expiry is not None:
            self._expiry.cancel()
        await self.queue.stop()
        self.preview_worker.stop()

    @contextmanager
    def reserve(self, size: int | None) -> Iterator[None]:
        """Reserve memory for a file while it arrives: its size, or the largest allowed if that is not known.

        Raises
        ------
        BusyError
            If there is not enough memory, and nothing idle to remove.
        """
        size = self.limits.file_bytes if size is None else min(size, self.limits.file_bytes)
        self._make_room(size)
        self._incoming_bytes += size
        try:
            yield
        finally:
            self._incoming_bytes -= size

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
        used = self._incoming_bytes + sum(upload.size for upload in self.uploads.values())
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
