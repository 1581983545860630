"""Uploads in memory and the job queue, without processes."""

from __future__ import annotations

import time

import pytest

pytest.importorskip("starlette", reason="the page needs the extra web")

from deblur.web._jobs import Job, JobQueue
from deblur.web._limits import BusyError, Limits
from deblur.web._sessions import Sessions, Upload


def job() -> Job:
    return Job(b"", ".png", None, None)


def test_a_full_queue_keeps_the_job_that_would_be_replaced() -> None:
    queue, first, second = JobQueue([], max_waiting=2), job(), job()
    queue.submit(first)
    queue.submit(second)
    running = job()
    running.start()
    with pytest.raises(BusyError, match="2 photos are waiting"):
        queue.submit(job(), replaces=running)
    assert running.state == "running"
    third = job()
    queue.submit(third, replaces=first)
    assert first.state == "cancelled"
    assert (queue.jobs_ahead(second), queue.jobs_ahead(third)) == (0, 1)


def test_the_longest_idle_upload_makes_room_for_a_new_one() -> None:
    sessions = Sessions(Limits(file_bytes=100, held_bytes=100, unseen_seconds=10))
    old, older, busy = (Upload(name, bytes(30)) for name in ("old", "older", "busy"))
    for upload, age in ((old, 20), (older, 30), (busy, 40)):
        upload.last_used = time.monotonic() - age
        sessions.add(upload)
    busy.job = job()
    with sessions.arrival("a", 40) as arrived:
        arrived(40)
        assert list(sessions.uploads.values()) == [old, busy]
        with pytest.raises(BusyError, match="Too many people"), sessions.arrival("b", 100):
            pass
    old.last_used = time.monotonic()
    with pytest.raises(BusyError), sessions.arrival("b", 100):
        pass


def test_one_visitor_takes_only_a_share_of_the_memory_and_nothing_before_it_has_arrived() -> None:
    sessions = Sessions(Limits(file_bytes=20, held_bytes=100))
    with sessions.arrival("a", 20), sessions.arrival("a", None) as first, sessions.arrival("a", 20) as second:
        first(20)
        second(20)
        with pytest.raises(BusyError, match="from you already"):
            second(1)
        with sessions.arrival("b", 20) as other:
            other(20)
    with sessions.arrival("a", 20) as again:
        again(20)


def test_a_new_job_replaces_the_last_one_and_removing_cancels_it() -> None:
    sessions = Sessions(Limits())
    upload = Upload("a.png", b"")
    sessions.add(upload)
    first, second = job(), job()
    sessions.submit(upload, first)
    sessions.submit(upload, second)
    assert (first.state, upload.job) == ("cancelled", second)
    sessions.remove(upload)
    assert second.state == "cancelled"
    assert not sessions.uploads


def test_the_remaining_time_is_extrapolated_from_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("deblur.web._jobs.time.monotonic", lambda: now)
    running = job()
    assert running.seconds_left is None
    running.start()
    now += 30
    running.report(0.02, "sharpening")  # too early to tell
    assert running.seconds_left is None
    running.report(0.25, "sharpening")
    assert running.seconds_left == 90
    now += 40
    assert running.seconds_left == 50
