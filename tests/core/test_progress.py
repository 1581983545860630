"""Seconds of stages, and what is left."""

import pytest

from deblur._core import progress
from deblur._core.progress import Stopwatch


class Clock:
    """A clock that is set by hand."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_the_seconds_of_stages_add_up(clock: Clock) -> None:
    watch = Stopwatch()
    for seconds, stage in ((1, "reading"), (4, "sharpening"), (2, "reading"), (8, "sharpening")):
        watch(0.0, stage)
        clock.now += seconds
    assert watch.stages() == {"reading": 3, "sharpening": 12}
    assert sum(watch.stages().values()) == watch.seconds() == 15


def test_the_time_left_follows_the_pace_and_runs_down(clock: Clock) -> None:
    watch = Stopwatch()
    clock.now += 10
    watch(0.001, "sharpening")
    assert watch.seconds_left() is None  # too little to tell
    watch(0.25, "sharpening")
    assert watch.seconds_left() == pytest.approx(30)
    clock.now += 5
    assert watch.seconds_left() == pytest.approx(25)
    clock.now += 100
    assert watch.seconds_left() == 0


def test_a_first_moment_tells_nothing(clock: Clock) -> None:
    watch = Stopwatch()
    clock.now += 0.5
    watch(0.5, "sharpening")
    assert watch.seconds_left() is None
