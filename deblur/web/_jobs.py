"""Restoration jobs, the queue they wait in, and the processes that run them."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deblur._core.progress import Stopwatch
from deblur.web._limits import BusyError, RefusedError
from deblur.web._worker import Worker, WorkerError

LOGGER = logging.getLogger("deblur.web")
FAILED = "Something went wrong here, and the work stopped. Try again, or a smaller picture."


@dataclass(eq=False)
class Job:
    """The restoration of one upload.

    Attributes
    ----------
    data : bytes
        The file.
    suffix : str
        Format of the file, which the result keeps.
    blur : str or numpy.ndarray or None
        A text for `deblur.psf.parse`, a PSF, or None to estimate it.
    noise_level : float or None
        As a fraction of the range; None to estimate it.
    kind_of_blur : str
        What is to be estimated, see `deblur.restore_photo`.
    state : {"waiting", "running", "done", "failed", "cancelled"}
        Current state.
    fraction, stage : float, str
        The completed fraction of the work, and what is being done.
    last_polled : float
        When the visitor last asked for the progress, on the monotonic clock.
    result : dict
        What `deblur.web._tasks.Tasks.restore` returned.
    error : str
        Message for the visitor.
    """

    data: bytes
    suffix: str
    blur: str | np.ndarray | None
    noise_level: float | None
    kind_of_blur: str = "auto"
    state: str = "waiting"
    fraction: float = 0.0
    stage: str = "waiting"
    last_polled: float = field(default_factory=time.monotonic)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    task: asyncio.Task[None] | None = None
    _watch: Stopwatch = field(default_factory=Stopwatch)

    def start(self) -> None:
        """Mark the job as running."""
        self.state, self.stage, self._watch = "running", "starting", Stopwatch()

    def report(self, fraction: float, stage: str) -> None:
        """Record the progress."""
        self.fraction, self.stage = fraction, stage
        self._watch(fraction, stage)

    def cancel(self) -> None:
        """Stop the work at once."""
        if not self.is_finished:
            self.state = "cancelled"
            if self.task is not None:
                self.task.cancel()

    @property
    def is_finished(self) -> bool:
        """Whether the state is final."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds_left(self) -> float | None:
        """Remaining time at the pace so far; None while it cannot be estimated."""
        left = self._watch.seconds_left() if self.state == "running" else None
        return None if left is None else round(left, 1)


class JobQueue:
    """A bounded first-in, first-out queue of jobs, and the worker processes that empty it.

    Parameters
    ----------
    workers : list of Worker
        One job runs on each of them at a time.
    max_waiting : int
        Longest queue.
    """

    def __init__(self, workers: list[Worker], max_waiting: int) -> None:
        self._workers, self._max_waiting = workers, max_waiting
        self._waiting: list[Job] = []
        self._job_added = asyncio.Event()
        self._consumers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the worker processes, without waiting for them."""
        self._consumers = [asyncio.create_task(self._consume(worker)) for worker in self._workers]

    async def stop(self) -> None:
        """Stop the worker processes."""
        for consumer in self._consumers:
            consumer.cancel()
        await asyncio.gather(*self._consumers, return_exceptions=True)
        for worker in self._workers:
            worker.stop()

    def submit(self, job: Job, *, replaces: Job | None = None) -> None:
        """Append a job, and cancel the one it replaces.

        Raises
        ------
        BusyError
            If the queue is full; the job to be replaced goes on then.
        """
        others = sum(each is not replaces for each in self._waiting)
        if others >= self._max_waiting:
            raise BusyError(f"{others} photos are waiting already. Try again in a few minutes.")
        if replaces is not None:
            self.cancel(replaces)
        self._waiting.append(job)
        self._job_added.set()

    def cancel(self, job: Job) -> None:
        """Stop a job, and remove it from the queue."""
        job.cancel()
        if job in self._waiting:
            self._waiting.remove(job)

    def jobs_ahead(self, job: Job) -> int:
        """Return the number of jobs that wait before this one."""
        return self._waiting.index(job) if job in self._waiting else 0

    async def _consume(self, worker: Worker) -> None:
        """Run waiting jobs on one worker, one after another."""
        await restart(worker)
        while True:
            while not self._waiting:  # every worker is woken, and the first takes the job
                self._job_added.clear()
                await self._job_added.wait()
            job = self._waiting.pop(0)
            job.task = asyncio.create_task(_run(worker, job))
            await asyncio.wait([job.task])  # a cancelled job must not cancel its consumer
            await restart(worker)


async def _run(worker: Worker, job: Job) -> None:
    job.start()
    try:
        job.result = await worker.run(
            "restore",
            progress=job.report,
            data=job.data,
            suffix=job.suffix,
            blur=job.blur,
            noise_level=job.noise_level,
            kind_of_blur=job.kind_of_blur,
        )
        job.state = "done"
    except RefusedError as refusal:
        job.state, job.error = "failed", str(refusal)
    except WorkerError as error:
        LOGGER.error("%s", error)
        job.state, job.error = "failed", FAILED


async def restart(worker: Worker) -> None:
    """Start a process that was stopped now, because loading takes seconds that the next visitor would wait."""
    try:
        await worker.start()
    except WorkerError as error:  # the next job tries again, and its visitor gets the error
        LOGGER.error("%s", error)
