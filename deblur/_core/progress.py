"""How far a computation is: one convention for every method and front end."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

_LEAST_PART, _LEAST_SECONDS = 0.03, 1.0  # done; earlier the pace is that of decoding, and tells nothing. By hand

Progress = Callable[[float, str], None]
"""``progress(fraction, stage)``: the completed fraction of the work, 0 to 1, and a phrase for what is being done.

Raising an exception from it cancels the work.
"""


Callback = Callable[[int, Any, float], bool | None]
"""``callback(iteration, estimate, objective)``, called after each iteration, counted from 0; returning True stops."""


def silent(fraction: float, stage: str) -> None:
    """Ignore a report: the progress function of a caller who gave none."""


def span(progress: Progress | None, start: float, stop: float) -> Progress:
    """Return a progress function for the part of a larger job that runs from `start` to `stop`.

    Parameters
    ----------
    progress : callable, optional
        The progress function of the whole job.
    start, stop : float
        Completed fractions of the whole job where its part begins and ends, 0 to 1.

    Examples
    --------
    >>> half = span(lambda fraction, stage: print(f"{fraction:.2f} {stage}"), 0.5, 1.0)
    >>> half(0.5, "sharpening")
    0.75 sharpening
    """
    if progress is None:
        return silent
    return lambda fraction, stage: progress(start + (stop - start) * fraction, stage)


class Stopwatch:
    """A progress function that measures: the seconds of each stage, and those that are left at the pace so far.

    Examples
    --------
    >>> watch = Stopwatch()
    >>> watch(0.0, "reading")
    >>> watch(0.5, "sharpening")
    >>> list(watch.stages()), watch.seconds_left()
    (['reading', 'sharpening'], None)
    """

    def __init__(self) -> None:
        self._start = self._since = time.monotonic()
        self._stage, self._stages = "", dict[str, float]()
        self._expected_end: float | None = None

    def __call__(self, fraction: float, stage: str) -> None:
        """Take a report of the completed fraction, 0 to 1, and of what is being done."""
        now = time.monotonic()
        self._stages[self._stage] = self._stages.get(self._stage, 0.0) + now - self._since
        self._stage, self._since = stage, now
        if fraction > _LEAST_PART and now - self._start >= _LEAST_SECONDS:
            self._expected_end = self._start + (now - self._start) / fraction

    def stages(self) -> dict[str, float]:
        """Return the seconds of every stage so far, in their order."""
        last = {self._stage: self._stages.get(self._stage, 0.0) + time.monotonic() - self._since}
        return {stage: seconds for stage, seconds in (self._stages | last).items() if stage}

    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._start

    def seconds_left(self) -> float | None:
        """Return the seconds left at the pace of the last report; None while too little is done to tell."""
        return None if self._expected_end is None else max(0.0, self._expected_end - time.monotonic())


def per_iteration(progress: Progress | None, max_iter: int, stage: str) -> Callable[[int], None]:
    """Return a function that reports the end of an iteration, counted from 0, out of at most `max_iter`.

    Examples
    --------
    >>> report = per_iteration(lambda fraction, stage: print(f"{fraction:.1f} {stage}"), 10, "sharpening")
    >>> report(4)
    0.5 sharpening
    """
    if progress is None:
        return lambda iteration: None
    return lambda iteration: progress((iteration + 1) / max_iter, stage)
