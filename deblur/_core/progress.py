"""How far a computation is: one convention for every method and front end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
