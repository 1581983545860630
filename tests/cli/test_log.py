"""`--log`: a line for every picture, with the time, errors too."""

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.photo import Photo

from .conftest import Run

QUICK = ("--psf", "disk:radius=1", "--method", "wiener")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two good pictures, a bad one, and a text."""
    (tmp_path / "shots").mkdir()
    for name in ("a.png", "c.png"):
        photo.write(tmp_path / "shots" / name, Photo(np.random.default_rng(0).random((24, 30))))
    (tmp_path / "shots/b.png").write_text("not what its name says")
    (tmp_path / "shots/notes.txt").write_text("not a picture")
    return tmp_path


def test_lines_are_appended(run: Run, folder: Path) -> None:
    (folder / "log.txt").write_text("an earlier line\n")
    for _ in range(2):
        run("restore", "shots", *QUICK, "--log", "log.txt", "--force", code=1)
    earlier, *lines = (folder / "log.txt").read_text().splitlines()
    assert earlier == "an earlier line"
    texts = []
    for line in lines:
        time, _, text = line.partition(" ")
        assert abs((datetime.now().astimezone() - datetime.fromisoformat(time)).total_seconds()) < 600
        texts.append(text)
    assert len(texts) == 10  # in the second run the two results too, which are left out
    starts = [
        "shots/notes.txt: skipped: it is not a picture",
        "shots/a.png -> shots/a-restored.png (wiener, ",
        "error: cannot read shots/b.png",
        "shots/c.png -> shots/c-restored.png (wiener, ",
    ]
    for text, start in zip(texts[:4], starts, strict=True):
        assert text.startswith(start)


def test_json_lines(run: Run, folder: Path) -> None:
    done = run("restore", "shots", *QUICK, "--log", "log.jsonl", "--json", code=1)
    records = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(datetime.fromisoformat(record.pop("time")).tzinfo for record in records)
    assert sorted(records, key=lambda each: each["input"]) == sorted(
        json.loads(done.stdout), key=lambda each: each["input"]
    )


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("missing/log.txt", "cannot write the log missing/log.txt: No such file or directory"),
        ("shots", "cannot write the log shots: Is a directory"),
        ("shots/a.png", "--log shots/a.png is the name of a picture; give one such as restore.log"),
        ("", "it is empty"),
    ],
)
def test_a_log_that_cannot_be_written_stops_the_run(run: Run, folder: Path, log: str, message: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = run("restore", "shots", *QUICK, "--log", log, code=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_under_the_log_does_not_stop_the_work(run: Run, folder: Path) -> None:
    done = run("restore", "shots/a.png", "shots/c.png", *QUICK, "--log", "/dev/full", code=1)
    assert done.stderr == "deblur: /dev/full: No space left on device\n"
    assert (folder / "shots/c-restored.png").exists()
