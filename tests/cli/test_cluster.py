"""`deblur restore` on a Dask cluster writes what one process writes, even if workers are killed."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import tifffile
from skimage import data

from deblur import photo
from deblur.cli._files import Job
from deblur.photo import Photo
from tests.commands import Commands

from .conftest import BLUR, TERMINAL, Run, Start
from .test_interrupted import NEVER, read_until

pytest.importorskip("distributed", reason="the extra dask")

import distributed

from deblur.cli import _cluster

PICTURES = 8
PATIENCE = 240  # seconds: machines may be busy
OPTIONS = ("--psf", BLUR, "--method", "richardson-lucy", "--iterations", "50")


@dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Cluster]:
    """A scheduler and two workers: processes that talk over the loopback."""
    folder = tmp_path_factory.mktemp("cluster")
    dask = shutil.which("dask", path=str(Path(sys.executable).parent))
    assert dask, "Dask's command is not installed beside this Python"
    file = folder / "scheduler.json"
    processes = []

    def launch(*arguments: str) -> subprocess.Popen:
        with (folder / f"{len(processes)}.log").open("w") as log:
            process = subprocess.Popen(
                [dask, *arguments, "--scheduler-file", file],
                cwd=folder,
                env={**environment, "OMP_NUM_THREADS": "2"},  # not that of the command, which decides
                stdout=log,
                stderr=log,
            )
        processes.append(process)
        return process

    try:
        launch("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
        options = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")
        workers = [launch("worker", *options, "--name", str(number)) for number in range(2)]
        end = time.monotonic() + PATIENCE
        while not all("Registered to" in (folder / f"{number}.log").read_text() for number in (1, 2)):
            assert time.monotonic() < end, [path.read_text() for path in folder.glob("*.log")]
            time.sleep(0.1)
        yield Cluster(json.loads(file.read_text())["address"], workers)
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, commands: Commands, environment: dict[str, str]) -> Path:
    """Pictures in `blurred`, with what one process makes of them in `here`."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "blurred").mkdir()
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        pixels = data.camera()[number * 20 :][:128, :128] / np.float32(255)
        noisy = (pixels + rng.normal(0, 0.01, pixels.shape)).astype(np.float32)
        suffix, dtype = (".tif", np.float32) if number % 2 else (".png", np.uint16)
        photo.write(folder / "blurred" / f"{number}{suffix}", Photo(noisy, dtype=np.dtype(dtype)))
    work = commands.start(["restore", "blurred", *OPTIONS, "-o", "here"], cwd=folder, environment=environment)
    assert work.communicate()[1] == b""
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def visible(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if not name.startswith(".deblur-")}


def test_a_worker_that_is_killed_loses_nothing_and_doubles_nothing(
    start: Start, cluster: Cluster, folder: Path
) -> None:
    arguments = ["restore", "blurred", *OPTIONS, "-o", "there", "--scheduler", cluster.address]
    work = start(*arguments, cwd=folder, text=True)
    assert work.stdout
    lines = [work.stdout.readline() for _ in range(2)]
    cluster.workers[0].kill()
    rest, errors = work.communicate(timeout=PATIENCE)
    assert work.returncode == 0, errors
    assert errors == ""
    lines += rest.splitlines(keepends=True)
    assert len(lines) == PICTURES
    assert {line.split(" -> ")[0] for line in lines} == {
        str(p.relative_to(folder)) for p in (folder / "blurred").iterdir()
    }
    # A process that is killed in the very moment of writing cannot take away what it has begun.
    assert visible(folder / "there") == contents(folder / "here")


def test_progress_is_shown_and_existing_results_are_skipped(start: Start, cluster: Cluster, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
    for name in ("first", "second"):
        noise = np.random.default_rng(0).random((500, 500), dtype=np.float32)
        photo.write(tmp_path / f"{name}.tif", Photo(noise, dtype=np.dtype(np.float32)))
    (tmp_path / "first-restored.tif").write_text("left alone")
    terminal, theirs = pty.openpty()
    options = [*OPTIONS[:-1], "200", "--noise-level", "0", "--skip-existing", "--scheduler", cluster.address]
    work = start("restore", "first.tif", "second.tif", *options, stderr=theirs, variables=TERMINAL)
    os.close(theirs)
    shown = read_until(terminal, rb"[1-9]\d?%")
    assert work.poll() is None
    shown += read_until(terminal, NEVER)
    os.close(terminal)
    lines = work.communicate()[0].decode().splitlines()
    assert work.returncode == 0, shown
    assert b"deblur: 1 of 2 are there already" in shown
    assert b"second.tif" in shown
    assert [line.split(" -> ")[0] for line in lines] == ["second.tif"]
    assert (tmp_path / "first-restored.tif").read_text() == "left alone"


def test_messages_of_workers_name_the_files_of_the_user(
    run: Run, cluster: Cluster, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    shutil.copy(folder / "blurred" / "0.png", tmp_path / "good.png")
    arguments = ["good.png", "bad.png", "gone.png", *OPTIONS, "--json", "--scheduler", cluster.address]
    done = run("restore", *arguments, code=1)
    results = json.loads(done.stdout)
    assert [result["input"] for result in results] == ["good.png", "bad.png", "gone.png"]
    assert results[0]["output"] == "good-restored.png"
    assert results[0]["method"] == "richardson-lucy"
    assert results[1]["error"].startswith("cannot read bad.png: it is not a JPEG, PNG, TIFF, WebP, AVIF, ")
    assert results[2]["error"] == "gone.png: No such file or directory"
    assert {path.name for path in tmp_path.iterdir()} == {"good.png", "bad.png", "good-restored.png"}


def test_processes_here_write_what_one_writes(run: Run, folder: Path, tmp_path: Path) -> None:
    pictures = sorted((folder / "blurred").iterdir())[:3]
    run("restore", *pictures, *OPTIONS, "-o", "there", "--jobs", "2")
    found, expected = contents(tmp_path / "there"), contents(folder / "here")
    assert len(found) == 3
    assert found == {name: expected[name] for name in found}


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGINT, 130, b"deblur: interrupted\n"), (signal.SIGTERM, 143, b"")]
)
def test_interrupted_it_leaves_no_partial_file_of_a_worker(
    start: Start, tmp_path: Path, number: int, code: int, said: bytes
) -> None:
    (tmp_path / "blurred").mkdir()
    # So many that the first worker is far from its end when the other begins: a frame takes a third of a second.
    frames = np.random.default_rng(0).integers(0, 60000, (90, 300, 300), dtype=np.uint16)
    for name in ("a", "b"):  # stacks are written by parts: their files are there from the beginning
        tifffile.imwrite(tmp_path / "blurred" / f"{name}.ome.tif", frames, metadata={"axes": "TYX"})
    options = ["--psf", BLUR, "--method", "richardson-lucy", "--iterations", "100000", "--noise-level", "0"]
    work = start("restore", "blurred", *options, "-o", "out", "--jobs", "2")
    while len(list(tmp_path.glob("out/.deblur-*.tif"))) < 2:
        assert work.poll() is None
        time.sleep(0.1)
    work.send_signal(number)
    _, errors = work.communicate(timeout=PATIENCE)
    assert (work.returncode, errors) == (code, said)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--jobs", "2", "--scheduler", "tcp://127.0.0.1:1"], "--jobs starts processes here"),
        (["--skip-existing", "--force"], "--skip-existing leaves results alone"),
        (["--scheduler", "localhost"], "it must look like tcp://host:8786, got 'localhost'"),
        (["--scheduler", "tcp://127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_options_that_exclude_each_other(run: Run, folder: Path, tmp_path: Path, options: list[str], said: str) -> None:
    shutil.copy(folder / "blurred" / "0.png", tmp_path)
    done = run("restore", "0.png", *OPTIONS, *options, code=2)
    assert re.fullmatch(f"deblur: .*{said}.*\n", done.stderr)


class TestAttempt:
    """One picture on a worker, which an earlier worker may have begun."""

    @pytest.fixture
    def job(self, tmp_path: Path) -> Job:
        (tmp_path / "mark").touch()
        return Job(tmp_path / "a.png", tmp_path / "b.png")

    @pytest.fixture(autouse=True)
    def worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        worker = Mock(status=distributed.Status.running)
        monkeypatch.setattr(distributed, "get_worker", lambda: worker)

    def attempt(self, job: Job, **options: object) -> object:
        def restore(job: Job, advance: object) -> dict[str, object]:
            if job.source.name == "bad.png":
                raise ValueError("it is bad")
            job.target.write_text("new")
            return {"method": "wiener"}

        return _cluster._attempt(
            job, 0, _cluster.Run(restore, 1, **{"mark": "mark", "topic": None, "force": False} | options)
        )

    def test_restores(self, job: Job) -> None:
        assert self.attempt(job) == {"method": "wiener"}
        assert job.target.read_text() == "new"

    def test_keeps_the_result_of_a_lost_worker(self, job: Job) -> None:
        job.target.write_text("old")
        assert self.attempt(job) == {"reason": "written by a worker that was lost then"}
        assert job.target.read_text() == "old"
        assert self.attempt(job, force=True) == {"method": "wiener"}

    def test_errors_are_returned(self, job: Job) -> None:
        assert self.attempt(Job(job.source.with_name("bad.png"), job.target)) == "it is bad"
        assert "does not see" in str(self.attempt(job, mark="of another folder"))
        assert "has deblur" in str(self.attempt(job, version="0"))
        assert not job.target.exists()
