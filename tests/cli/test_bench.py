"""`deblur bench` as it is used: the table, the reports, what is left after a kill, and error messages."""

import csv
import json
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from deblur import photo, psf
from deblur.benchmark import PROTOCOLS, method_names
from deblur.photo import Photo

from .conftest import TERMINAL, Run, Start
from .test_interrupted import NEVER, read_until

METHODS = ["--method", "blurred", "--method", "wiener", "--method", "richardson-lucy(num_iter=3)"]
OWN = ["bench", "folder", "--images", "images", "--psfs", "psfs"]
SLOW = [*OWN, "--method", "unsupervised_wiener(min_iter=300, max_iter=300)"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Three pictures of different sizes and two PSFs."""
    rng = np.random.default_rng(0)
    for folder in ("images", "psfs"):
        (tmp_path / folder).mkdir()
    for number in range(3):
        photo.write(tmp_path / f"images/im{number}.png", Photo(rng.random((40 + 4 * number, 48))))
    psf.save(tmp_path / "psfs/disk.npy", psf.parse("disk:radius=2"))
    psf.save(tmp_path / "psfs/motion.tif", psf.parse("motion:length=5,angle=30"))
    return tmp_path


def scores(path: Path) -> list[dict[str, object]]:
    """The rows of a JSON file without their times, which differ between runs."""
    return [{key: row[key] for key in row if key != "seconds"} for row in json.loads(path.read_text())["rows"]]


def test_the_table_and_the_reports(run: Run, files: Path) -> None:
    done = run(*OWN, *METHODS, "--noise", "0.01", "--noise", "0.1", "-o", "out/deep", "--json", "scores.json")
    assert done.stderr == ""
    assert "folder, version 1: 3 images x 2 PSFs, valid border" in done.stdout
    assert re.findall(r"^(\S+) +(\S+) % +6 ", done.stdout, re.MULTILINE) == [
        (name, noise) for name in ("blurred", "wiener", "richardson_lucy(num_iter=3)") for noise in ("1", "10")
    ]
    assert "Report: out/deep/report.html\n" in done.stdout
    reports = {"results.json", "results.csv", "results.md", "report.html"}
    assert {path.name for path in (files / "out/deep").iterdir()} == reports | {"cases.jsonl", "pictures"}
    content = json.loads((files / "scores.json").read_text())
    assert content == json.loads((files / "out/deep/results.json").read_text())
    assert (content["protocol"], content["version"], len(content["rows"])) == ("folder", 1, 36)
    assert set(content["rows"][0]) == {"method", "noise", "image", "psf", "psnr", "ssim", "seconds"}
    summary = content["summary"][1]
    assert set(summary) == {"method", "noise", "n", "psnr", "ssim", "seconds", "psnr_low", "psnr_high"}
    assert (summary["method"], summary["noise"], summary["n"]) == ("blurred", 0.1, 6)
    rows = list(csv.DictReader((files / "out/deep/results.csv").open()))
    assert [row["psnr"] for row in rows] == [str(row["psnr"]) for row in content["rows"]]


def test_scores_are_the_same_in_every_run_and_for_any_number_of_jobs(run: Run, files: Path) -> None:
    one = run(*OWN, *METHODS, "-o", "one").stdout
    assert "Report: two/report.html" in run(*OWN, *METHODS, "-o", "two", "--jobs", "2").stdout
    assert scores(files / "one/results.json") == scores(files / "two/results.json")
    log = (files / "one/cases.jsonl").read_bytes()
    assert run(*OWN, *METHODS, "-o", "one").stdout == one  # the times too: nothing ran again
    assert (files / "one/cases.jsonl").read_bytes() == log


def test_by_default_all_methods_run_and_the_folder_has_the_name_of_the_protocol(run: Run, files: Path) -> None:
    run(*OWN, "--limit", "1")
    content = json.loads((files / "deblur-bench/folder/results.json").read_text())
    assert [each["method"] for each in content["summary"]] == method_names()
    assert [each["n"] for each in content["summary"]] == [1] * len(method_names())


def test_a_failure_is_reported_and_the_others_go_on(run: Run, files: Path) -> None:
    photo.write(files / "images/z.png", Photo(np.ones((4, 4))))
    done = run(*OWN, *METHODS[:4], "-o", "out", code=1)
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("deblur: blurred failed on z.png, ")
    assert "psf must not be larger than its image" in lines[0]
    assert lines[1].startswith("deblur: wiener failed on z.png, ")
    assert lines[2] == "deblur: blurred failed on 2 pictures in all; out/results.csv lists them"
    assert len(scores(files / "out/results.json")) == 12
    rows = list(csv.DictReader((files / "out/results.csv").open()))
    assert sum("larger than its image" in row["failure"] for row in rows) == 4
    (files / "images/z.png").unlink()
    assert run(*OWN, *METHODS[:4], "-o", "out").stderr == ""


def test_there_is_a_report_even_if_every_case_fails(run: Run, files: Path) -> None:
    for _ in range(2):  # the second finds a folder in which nothing was done
        done = run(*OWN, "--method", "wiener(balance=-1)", "-o", "out", code=1)
        assert "deblur: wiener(balance=-1) failed on im" in done.stderr
    assert json.loads((files / "out/results.json").read_text())["rows"] == []


@pytest.mark.parametrize(
    ("number", "code", "jobs"),
    [(signal.SIGINT, 130, "1"), (signal.SIGINT, 130, "2"), (signal.SIGTERM, 143, "2"), (signal.SIGKILL, -9, "2")],
)
def test_a_killed_run_resumes_where_it_stopped(
    run: Run, start: Start, files: Path, number: int, code: int, jobs: str
) -> None:
    log = files / "out/cases.jsonl"
    work = start(*SLOW, "--jobs", jobs, "-o", "out", new_session=True)
    while work.poll() is None and not (log.exists() and log.read_text().count("\n") > 1):
        time.sleep(0.01)
    work.send_signal(number)
    said = work.communicate()[1]
    assert work.returncode == code
    assert said == (b"deblur: interrupted\n" if number == signal.SIGINT else b"")
    done = log.read_text()
    assert 2 <= done.count("\n") < 6
    assert sorted(path.name for path in log.parent.iterdir()) == ["cases.jsonl", "pictures"]
    run(*SLOW, "-o", "out")
    assert log.read_text().startswith(done)
    assert log.read_text().count("\n") == 6


def test_a_terminal_shows_progress(start: Start, files: Path) -> None:
    pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
    terminal, theirs = pty.openpty()
    work = start(*SLOW, "-o", "out", stderr=theirs, variables=TERMINAL)
    os.close(theirs)
    shown = read_until(terminal, NEVER).decode()
    assert b"Report: out/report.html" in work.communicate()[0]
    os.close(terminal)
    assert work.returncode == 0
    assert re.search(r"folder: [1-5] of 6 cases, \d+ s left", shown)
    assert "━" in shown


def test_finished_cases_are_kept_when_the_disk_is_full(run: Run, files: Path) -> None:
    pytest.importorskip("resource", reason="needs POSIX limits")
    run(*OWN, "--method", "blurred", "-o", "out")
    size = (files / "out/cases.jsonl").stat().st_size
    full = run(*OWN, "--method", "wiener", "-o", "out", code=2, limits={"RLIMIT_FSIZE": size + 100})
    assert re.fullmatch(r"deblur: .*File too large\n", full.stderr)
    log = (files / "out/cases.jsonl").read_text()
    run(*OWN, "--method", "blurred", "--method", "wiener", "-o", "out")
    assert (files / "out/cases.jsonl").read_text().startswith(log)
    assert len(scores(files / "out/results.json")) == 12


def test_help_names_every_protocol_and_method(run: Run) -> None:
    shown = run("bench", "--help").stdout
    assert all(f"  {each.name} " in shown for each in PROTOCOLS)
    assert all(name in shown for name in method_names())


TABLE: list[tuple[list[str], str]] = [
    (["bench"], "PROTOCOL is missing; there are levin-blind,"),
    (["bench", "levin-blnid"], "got 'levin-blnid'; did you mean 'levin-blind'?"),
    (["bench", ""], "protocol must be a known name, got ''"),
    ([*OWN, "--method", "weiner"], "got 'weiner'; did you mean 'wiener'?"),
    ([*OWN, "--method", ""], "method must be a name"),
    ([*OWN, "--method", "wiener(__import__('os'))"], "method must be a name"),
    ([*OWN, "--method", "richardson_lucy(iterations=3)"], "richardson_lucy has no option 'iterations'"),
    ([*OWN, "--noise", "-0.1"], "noises must be fractions from 0 to 1"),
    ([*OWN, "--noise", "nan"], "noises must be fractions from 0 to 1"),
    ([*OWN, "--noise", "1%"], "--noise"),
    ([*OWN, "--limit", "0"], "limit must be at least 1, got 0"),
    ([*OWN, "--jobs", "0"], "jobs must be at least 1, got 0"),
    (["bench", "levin-nonblind", "--noise", "0.01"], "the pictures of levin-nonblind are captured"),
    (["bench", "levin-blind", "--method", "wiener"], "levin-blind withholds the PSF, which wiener needs"),
    (["bench", "set14-levin", "--method", "blurred"], "get them with: deblur datasets get set14"),
    (["bench", "set14-levin", "--psfs", "psfs"], "--psfs is for the protocol folder, not for set14-levin"),
    (["bench", "set14-levin", "--border", "valid"], "--border is for the protocol folder"),
    (["bench", "set14-levin", "--blind"], "--blind is for the protocol folder"),
    (["bench", "folder", "--blind", *OWN[2:], "--method", "wiener"], "withholds the PSF, which wiener needs"),
    (["bench", "folder"], "the protocol folder needs --images and --psfs"),
    (["bench", "folder", "--images", "images"], "the protocol folder needs --psfs"),
    (["bench", "folder", "--images", "", "--psfs", "psfs"], "--images"),
    (["bench", "folder", "--images", "none", "--psfs", "psfs"], "none, which does not exist"),
    (["bench", "folder", "--images", "empty", "--psfs", "psfs"], "got empty without one"),
    (["bench", "folder", "--images", "images", "--psfs", "empty"], "got empty without one"),
    (["bench", "folder", "--images", "images", "--psfs", "nan.npy"], "nan.npy"),
    (["bench", "folder", "--images", "images", "--psfs", "volume.npy"], "volume.npy"),
    (["bench", "folder", "--images", "images", "--psfs", "large.npy"], "psf must not be larger than its image"),
    (["bench", "folder", "--images", "text.png", "--psfs", "psfs"], "text.png is not a picture that can be read"),
    ([*OWN, "--border", "reflect"], "border must be"),
    ([*OWN, "-o", ""], "--output"),
    ([*OWN, "-o", "text.png"], "text.png is a file; give a folder"),
    ([*OWN, "-o", "text.png/deep"], "cannot write text.png/deep"),
    ([*OWN, "-o", "/proc/deblur"], "cannot write /proc/deblur"),
    ([*OWN, "-o", "foreign"], "foreign/results.csv exists and was not written by a benchmark"),
    ([*OWN, "--json", "text.png"], "text.png exists and was not written by a benchmark"),
    ([*OWN, "--json", "images"], "images is a folder"),
    ([*OWN, "--json", "none/a.json"], "cannot write none/a.json: the folder none does not exist"),
    ([*OWN, "--json", "/dev/full"], "/dev/full"),
    (["bench", "--quick", "levin-blind"], "--quick runs a fixed subset"),
    (["bench", "--quick", "--json", "a.json"], "--quick runs a fixed subset"),
    (["bench", "--quick"], "get them with: deblur datasets get"),
]


@pytest.mark.parametrize(
    ("arguments", "named"), TABLE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_one_line(
    run: Run,
    files: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    named: str,
) -> None:
    monkeypatch.setitem(environment, "DEBLUR_DATA", "")
    monkeypatch.setitem(environment, "DEBLUR_CACHE", str(files / "no-cache"))
    for folder in ("empty", "foreign"):
        (files / folder).mkdir()
    (files / "foreign/results.csv").write_text("my own")
    (files / "text.png").write_text("this is no picture\n")
    np.save(files / "nan.npy", np.full((3, 3), np.nan))
    np.save(files / "volume.npy", np.ones((3, 3, 3)))
    np.save(files / "large.npy", np.ones((99, 99)))
    before = {path: path.is_file() and path.read_bytes() for path in files.rglob("*")}
    done = run(*arguments, code=2)
    assert re.fullmatch(r"deblur: .*\n", done.stderr)
    assert named in done.stderr
    assert "internal error" not in done.stderr
    assert done.stdout == ""
    assert {path: path.is_file() and path.read_bytes() for path in files.rglob("*")} == before


def test_a_blind_protocol_has_error_ratios(run: Run, tmp_path: Path, data_dir: Path) -> None:
    done = run("bench", "levin-blind", "--method", "blurred", "--limit", "2", "--json", "scores.json")
    assert re.search(r"^blurred +- +2 +\d\d\.\d\d .* 0\.\d{4} ", done.stdout, re.MULTILINE)
    content = json.loads((tmp_path / "scores.json").read_text())
    assert set(content["rows"][0]) >= {"error_ratio"}
    assert set(content["summary"][0]) >= {"error_ratio", "success_2"}
