"""`deblur restore` on several processes or machines: a Dask task for each picture.

Only names of files travel, and what the JSON says of each: the workers read the pictures and write the results
themselves, whole or not at all. So a worker may be lost at any moment: what it had in work is given to another one,
which leaves alone what is there already.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import deblur
from deblur._core.extras import needs_extra
from deblur._core.progress import Progress
from deblur.cli._errors import DEBUG, describe
from deblur.cli._files import Job
from deblur.cli._progress import label

if TYPE_CHECKING:
    from distributed import Client

Restore = Callable[[Job, Progress], dict[str, Any]]
"""Restores a picture, reports meanwhile which part is done and its stage, and returns facts about it."""

PATIENCE = 5
"""Seconds to wait for the scheduler to answer."""

PAUSE = 0.5
"""Seconds between two reports of how far a picture is."""

FAREWELL = 20
"""Seconds that workers here have to drop what they do, and remove temporary files, before they are killed."""


@dataclass(frozen=True)
class Run:
    """What all tasks of one command share.

    Attributes
    ----------
    restore : callable
        What to do with a picture.
    threads : int
        To compute each picture on. Sums that are shared out among threads differ in the last digits, and more threads
        than cores are many times slower.
    mark : str
        Name of an empty file in each folder to write to, by which workers know that it is the same folder, and that the
        command goes on.
    topic : str or None
        Of the events that say how far a picture is; None if nobody looks.
    force : bool
        Whether existing files are replaced.
    version : str
        Of deblur where the command runs.
    """

    restore: Restore
    threads: int
    mark: str
    topic: str | None
    force: bool
    version: str = deblur.__version__


def restore_on_cluster(
    restore: Restore, jobs: list[Job], show: Callable[[float, str], None], cluster: str | int, *, force: bool
) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
    """Restore pictures on a cluster, and give the facts about each, or what went wrong, as they come.

    Parameters
    ----------
    restore : callable
        What to do with a picture; it and its arguments are sent to the workers.
    jobs : list of Job
        The pictures.
    show : callable
        ``show(done, what)`` of `progress_bar`.
    cluster : str or int
        Address of a Dask scheduler, or how many processes to start here.
    force : bool
        Whether existing files may be replaced.

    Yields
    ------
    tuple of int and dict or Exception
        Which picture, and its facts.

    Raises
    ------
    ModuleNotFoundError
        If Dask is not installed.
    OSError
        If the scheduler does not answer, or an output folder cannot be made.
    """
    with needs_extra("dask", "a restoration in several processes"):
        from distributed import as_completed
    import torch

    done: dict[int, float] = dict.fromkeys(range(len(jobs)), 0.0)

    def advance(event: tuple[float, Any]) -> None:
        index, part, stage = event[1]
        done[index] = max(done[index], part)
        show(sum(done.values()), label(index, len(jobs), jobs[index].source.name, stage))

    with ExitStack() as stack:
        client = stack.enter_context(_client(cluster))
        run = Run(
            restore,
            torch.get_num_threads() if "OMP_NUM_THREADS" in os.environ else 1,
            stack.enter_context(_marks({job.folder for job in jobs})),
            f"deblur-{secrets.token_hex(6)}" if sys.stderr.isatty() else None,
            force,
        )
        if run.topic is not None:
            client.subscribe_topic(run.topic, advance)
        # A task too, and not scattered data, so that it is made again if the only worker that has it is lost.
        shared = client.submit(_same, run, pure=False)
        whole = [job.absolute() for job in jobs]
        futures = client.map(_attempt, whole, range(len(jobs)), run=shared, pure=False)
        index_of = {future.key: index for index, future in enumerate(futures)}
        finished = as_completed(futures, loop=client.loop, with_results=True, raise_errors=False)
        del futures  # the scheduler runs those again whose results are lost, as long as somebody may ask for them
        for future, outcome in finished:
            index = index_of[future.key]
            yield index, _outcome(outcome, jobs[index], whole[index])
            advance((0.0, (index, 1.0, "")))


@contextmanager
def _client(cluster: str | int) -> Iterator[Client]:
    """Connect to a scheduler, or start one with workers here."""
    import dask
    from distributed import Client, LocalCluster

    if not os.environ.get(DEBUG):
        logging.disable()  # Dask logs over many lines what is said here in one
    is_ours = isinstance(cluster, int)
    with ExitStack() as stack:
        if isinstance(cluster, int):
            # Dask has workers give memory back to the system at once, which costs pictures half as much time again.
            stack.enter_context(dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}))
            cluster = stack.enter_context(
                LocalCluster(
                    n_workers=cluster,
                    threads_per_worker=1,
                    memory_limit=None,  # it would kill the worker with the one large picture
                    dashboard_address=None,
                    silence_logs=logging.CRITICAL,
                )
            )
        try:
            client = stack.enter_context(Client(cluster, timeout=PATIENCE, set_as_default=False))
        except OSError as error:
            raise OSError(f"no Dask scheduler answers at {cluster}: {error}") from error
        if not client.scheduler_info()["workers"]:
            print(f"deblur: {cluster} has no workers yet; waiting for them", file=sys.stderr, flush=True)
        try:
            yield client
        finally:
            end = time.monotonic() + FAREWELL
            while is_ours and any(client.processing().values()) and time.monotonic() < end:
                time.sleep(0.1)


@contextmanager
def _marks(folders: set[Path]) -> Iterator[str]:
    """Lay a file of one name into each folder, made where missing, and take them away in the end."""
    name = f".deblur-{secrets.token_hex(6)}"
    with ExitStack() as stack:
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            mark = folder / name
            mark.touch(exist_ok=False)
            stack.callback(mark.unlink, missing_ok=True)
        yield name


def _same(run: Run) -> Run:
    return run


def _attempt(job: Job, index: int, run: Run) -> dict[str, Any] | str:
    """Restore a picture on a worker, and return the facts, or a line about what went wrong."""
    import socket

    import torch
    from distributed import Status, get_worker

    if run.version != deblur.__version__:
        return f"the worker on {socket.gethostname()} has deblur {deblur.__version__}, and not {run.version}"
    mark = job.folder / run.mark
    if not mark.exists():
        return f"the worker on {socket.gethostname()} does not see {job.folder}: all machines need the same files"
    torch.set_num_threads(run.threads)
    worker = get_worker()
    worker.loop.add_callback(_exit_when_terminated)
    last = 0.0

    def advance(part: float, stage: str) -> None:
        nonlocal last
        if worker.status not in (Status.running, Status.paused):
            sys.exit()  # which leaves no temporary file, and nothing that Dask could take for a result
        if time.monotonic() - last > PAUSE:
            last = time.monotonic()
            if not mark.exists():
                raise InterruptedError("the command has ended")
            if run.topic is not None:
                worker.log_event(run.topic, (index, part, stage))

    try:
        job.refuse_existing(force=run.force)
        return run.restore(job, advance)
    except FileExistsError:  # it was not there when the command began: a worker was lost when it had just written it
        return {"reason": "written by a worker that was lost then"}
    except Exception as error:
        return describe(error)


def _exit_when_terminated() -> None:
    """Have a worker of a nanny exit at SIGTERM, which removes temporary files, where it would be gone at once."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _outcome(outcome: Any, job: Job, whole: Job) -> dict[str, Any] | Exception:
    """Return the facts, or an exception that names the files as the user did."""
    from distributed import KilledWorker

    if isinstance(outcome, dict):
        return outcome
    if isinstance(outcome, str):
        for given, sent in ((job.source, whole.source), (job.target, whole.target)):
            outcome = outcome.replace(str(sent), str(given))
        return ValueError(outcome)
    error = outcome[1] if isinstance(outcome, tuple) else outcome  # of Dask itself, and with a traceback
    if isinstance(error, KilledWorker):
        return ValueError("every worker that tried it was lost, perhaps for want of memory")
    return ValueError(f"the cluster failed: {type(error).__name__}: {error}")
