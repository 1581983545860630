"""Paired timing: what is compared takes turns, so that other work on the machine disturbs all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def seconds(function: Callable[[], object], repeats: int = 5) -> list[float]:
    """Time a function after one call to warm up."""
    return alternating({"": function}, repeats)[""]


def alternating(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Time functions that take turns, after one call of each to warm up.

    Returns
    -------
    dict of str to list of float
        Seconds of each repeat, by name: the i-th values of all were taken in the same round.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return times


def medians(times: Mapping[str, list[float]]) -> dict[str, float]:
    """Return the median of each list."""
    return {name: statistics.median(values) for name, values in times.items()}


def paired_ratio(times: list[float], baseline: list[float]) -> float:
    """Return the median of the ratios within each round, which slow rounds disturb less than the ratio of medians."""
    return statistics.median(ours / theirs for ours, theirs in zip(times, baseline, strict=True))
