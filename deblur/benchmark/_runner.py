"""Running methods on the cases of a protocol: cached, resumable, and in parallel."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch

from deblur._core.progress import Progress, silent
from deblur._core.threads import one_thread

from ._cache import PICTURED, Cache, code_version
from ._methods import Method, method
from ._protocols import Protocol, protocol
from ._results import Failure, Results, Row

OnCase = Callable[[Row | Failure], None]


@dataclass(frozen=True)
class _Task:
    """One method on one picture; the restored picture is kept in `folder`, unless that is None."""

    protocol: Protocol
    method: Method
    noise: float
    image: str
    psf: str
    key: str
    folder: Path | None


def run(
    benchmark: str | Protocol,
    methods: Sequence[str | Method],
    *,
    noises: Sequence[float] | None = None,
    limit: int | None = None,
    jobs: int = 1,
    folder: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    on_case: OnCase | None = None,
) -> Results:
    """Score methods on a protocol.

    An exception of a method becomes a `Failure` and does not stop the others. Scores do not depend on `jobs`, `limit`
    or the other methods: the noise of a picture is seeded by its names, and each case is computed on one thread (sums
    over several threads differ in the last digits).

    Parameters
    ----------
    benchmark : str or Protocol
        The protocol, or its name.
    methods : sequence of str or Method
        Names with options, as `method` parses them.
    noises : sequence of float, optional
        Fractions of the range, 0.01 being 1 %. By default the protocol's own.
    limit : int, optional
        Pictures per noise level: the first ones in the protocol's order, which mixes images and PSFs.
    jobs : int
        Number of cases computed at once, best one per core. They are threads of this process, because the numerical
        libraries release the interpreter lock, and new processes would take seconds to load those libraries.
    folder : path-like, optional
        Where finished cases are stored, so that an interrupted run can resume; created if missing. A change to the
        package's sources makes its cases run again. By default nothing is stored.
    progress : callable, optional
        ``progress(fraction, stage)`` at the start and after every case: the fraction of finished cases, stored ones
        included, and their number with an estimate of the remaining time.
    on_case : callable, optional
        Called with the `Row` or `Failure` of every case that was computed, as soon as it is known.

    Returns
    -------
    Results
        By method, noise, image and PSF.

    Raises
    ------
    ValueError
        If the protocol or a method is unknown, a method needs the PSF that the protocol withholds, noise is requested
        for captured pictures or is not a number from 0 to 1, or a number is not positive.
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import cv2
    >>> from skimage import data
    >>> from deblur import psf
    >>> from deblur.benchmark import folder_protocol, run
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cv2.imwrite(f"{folder}/camera.png", data.camera()[100:196, 100:196])
    ...     psf.save(f"{folder}/blur.npy", psf.gaussian(1.5))
    ...     results = run(folder_protocol(f"{folder}", f"{folder}/blur.npy"), ["blurred", "wiener"])
    True
    >>> blurred, wiener = results.summary()
    >>> wiener.scores["psnr"] > blurred.scores["psnr"]
    True
    """
    benchmark = protocol(benchmark) if isinstance(benchmark, str) else benchmark
    resolved = [each if isinstance(each, Method) else method(each) for each in methods]
    chosen = list({each.label: each for each in resolved}.values())
    _check(benchmark, chosen, noises, limit, jobs)
    levels = list(dict.fromkeys(float(noise) for noise in (noises or benchmark.noises or (0.0,))))
    pairs = benchmark.pairs()[:limit]
    benchmark.observe(*pairs[0], levels[0])  # so that missing data raise one error, not a failure per case
    cache = None if folder is None else Cache(Path(folder).absolute())
    tasks = [
        _task(benchmark, each, noise, image, psf, cache.folder if cache and number < PICTURED else None)
        for noise in levels
        for number, (image, psf) in enumerate(pairs)
        for each in chosen
    ]
    outcomes = _with_cache(tasks, jobs, cache, progress or silent, on_case)
    tasks.sort(key=lambda task: (chosen.index(task.method), levels.index(task.noise), task.image, task.psf))
    ordered = [outcomes[task.key] for task in tasks]
    return Results(
        benchmark.name,
        benchmark.version,
        tuple(each for each in ordered if isinstance(each, Row)),
        tuple(each for each in ordered if isinstance(each, Failure)),
        tuple(each.label for each in chosen if len(each.tries) > 1),
    )


def case_key(benchmark: Protocol, label: str, noise: float, image: str, psf: str) -> str:
    """Return a text of all that a score depends on: a stored one is valid only while the text stays the same."""
    pictures = (benchmark.name, benchmark.version, benchmark.source, noise, image, psf)
    return json.dumps([label, *pictures, code_version()])


def _task(benchmark: Protocol, each: Method, noise: float, image: str, psf: str, folder: Path | None) -> _Task:
    return _Task(benchmark, each, noise, image, psf, case_key(benchmark, each.label, noise, image, psf), folder)


def _check(
    benchmark: Protocol, methods: Sequence[Method], noises: Sequence[float] | None, limit: int | None, jobs: int
) -> None:
    if not methods:
        raise ValueError("methods must name at least one, got none")
    for each in methods:
        if benchmark.blind and not each.blind:
            raise ValueError(f"{benchmark.name} withholds the PSF, which {each.label} needs; give a blind method")
    if noises and not benchmark.noises:
        raise ValueError(f"noises must not be given: the pictures of {benchmark.name} are captured, with their noise")
    if noises and not all(0 <= noise <= 1 for noise in noises):
        raise ValueError(f"noises must be fractions from 0 to 1, as 0.01 for 1 %, got {list(noises)}")
    if limit is not None and limit < 1:
        raise ValueError(f"limit must be at least 1, got {limit}")
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, got {jobs}")


def _with_cache(
    tasks: Sequence[_Task], jobs: int, cache: Cache | None, progress: Progress, on_case: OnCase | None
) -> dict[str, Row | Failure]:
    """Return the outcome of every task by its key: stored ones, and those computed now."""
    known = cache.rows() if cache else {}
    outcomes: dict[str, Row | Failure] = {}
    pending = []
    for task in tasks:
        if task.key in known and (task.folder is None or Cache(task.folder).has_picture(task.key)):
            outcomes[task.key] = known[task.key]
        else:
            pending.append(task)
    clock = _Clock(pending, len(tasks))
    progress(*clock.progress())
    for task, outcome in _outcomes(pending, jobs):
        outcomes[task.key] = outcome
        if cache and isinstance(outcome, Row):  # failures are not stored: the next run tries them again
            cache.add(task.key, outcome)
        clock.tick(task)
        if on_case is not None:
            on_case(outcome)
        progress(*clock.progress())
    return outcomes


class _Clock:
    """Estimator of the remaining time, from the wall-clock time of each method's finished cases."""

    def __init__(self, pending: Sequence[_Task], total: int) -> None:
        labels = [task.method.label for task in pending]
        self._left = {label: labels.count(label) for label in labels}
        self._done, self._spent = dict.fromkeys(labels, 0), dict.fromkeys(labels, 0.0)
        self._total, self._last = total, time.perf_counter()

    def tick(self, task: _Task) -> None:
        label, now = task.method.label, time.perf_counter()
        self._left[label] -= 1
        self._done[label] += 1
        self._spent[label] += now - self._last
        self._last = now

    def progress(self) -> tuple[float, str]:
        """Return the fraction of finished cases, and their number with the remaining time."""
        finished = self._total - sum(self._left.values())
        return finished / self._total, f"{finished} of {self._total} cases{_time_left(self.seconds_left())}"

    def seconds_left(self) -> float | None:
        """Return the remaining time; None before the first case is finished and after the last one."""
        done = sum(self._done.values())
        if not done or not any(self._left.values()):
            return None
        mean = sum(self._spent.values()) / done
        rates = {label: self._spent[label] / n if n else mean for label, n in self._done.items()}
        return sum(rates[label] * n for label, n in self._left.items())


def _time_left(seconds: float | None) -> str:
    """Write the remaining time, rounded to what such an estimate is worth."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f", {seconds:.0f} s left"
    minutes = round(seconds / 60)
    return f", {minutes} min left" if minutes < 90 else f", {minutes / 60:.1f} h left"


def _outcomes(tasks: Sequence[_Task], jobs: int) -> Iterator[tuple[_Task, Row | Failure]]:
    """Yield every task with its outcome, in the order in which they finish."""
    if jobs == 1:
        with one_thread():
            for task in tasks:
                yield task, _perform(task)
        return
    with ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        futures = {pool.submit(_perform, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _perform(task: _Task) -> Row | Failure:
    """Restore and score; any exception becomes a `Failure`, so that the run continues."""
    names = (task.method.label, task.noise, task.image, task.psf)
    try:
        sample = task.protocol.observe(task.image, task.psf, task.noise)
        start = time.perf_counter()
        tries = [attempt(sample) for attempt in task.method.tries]
        seconds = (time.perf_counter() - start) / len(tries)
        scored = [(task.protocol.score(restored, sample), restored) for restored in tries]
        scores, best = max(scored, key=lambda pair: pair[0]["psnr"])
        if task.folder:
            Cache(task.folder).add_picture(task.key, task.protocol.compared(best.image, sample)[0])
    except Exception as error:
        return Failure(*names, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}")
    return Row(*names, {name: round(value, 6) for name, value in scores.items()}, seconds)
