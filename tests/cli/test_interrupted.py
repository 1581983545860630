"""`deblur restore` when it is killed, and its progress bar."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.photo import Photo
from tests.signals import hear_ctrl_c

from .conftest import TERMINAL, Start

pty = pytest.importorskip("pty", reason="needs a POSIX terminal")

NEVER = rb"(?!)"


def read_until(terminal: int, pattern: bytes) -> bytes:
    """Read what a terminal shows, until `pattern` comes or its other end is closed."""
    shown = b""
    while not re.search(pattern, shown):
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # how Linux says that it is the end
            break
        if not chunk:
            break
        shown += chunk
    return shown


def test_the_stage_and_the_time_are_shown_before_any_part_is_done(start: Start, long_work: list[str]) -> None:
    terminal, theirs = pty.openpty()
    work = start("restore", *long_work, stderr=theirs, variables=TERMINAL)
    os.close(theirs)
    shown = read_until(terminal, rb"a\.tif: [a-z]+ .*so far")
    work.terminate()
    work.wait()
    os.close(terminal)
    assert b"so far" in shown
    assert not re.search(rb"[1-9]\d?%", shown)


@pytest.fixture
def long_work(tmp_path: Path) -> list[str]:
    """Minutes of work."""
    noise = np.random.default_rng(0).random((900, 900), dtype=np.float32)
    photo.write(tmp_path / "a.tif", Photo(noise, dtype=np.dtype(np.float32)))
    return [
        "a.tif",
        "--psf",
        "disk:radius=9",
        "--method",
        "richardson-lucy",
        "--iterations",
        "1000",
        "--noise-level",
        "0",
    ]


@pytest.mark.parametrize(
    ("number", "code", "said", "own_process"),
    [
        (signal.SIGINT, 130, [b"deblur: interrupted\r\n"], False),
        (signal.SIGINT, 130, [b"deblur: interrupted\r\n"], True),
        (signal.SIGTERM, 143, [], False),
        (signal.SIGKILL, -signal.SIGKILL, [], False),
    ],
)
def test_killed_while_it_computes_it_leaves_no_file(
    start: Start, tmp_path: Path, long_work: list[str], number: int, code: int, said: list[bytes], own_process: bool
) -> None:
    terminal, theirs = pty.openpty()
    work = start("restore", *long_work, stderr=theirs, variables=TERMINAL, own_process=own_process)
    os.close(theirs)
    shown = read_until(terminal, rb"[1-9]%")
    assert b"a.tif" in shown
    work.send_signal(number)
    shown += read_until(terminal, NEVER)
    assert work.communicate()[0] == b""
    assert work.returncode == code
    os.close(terminal)
    assert b"Traceback" not in shown
    assert re.findall(rb"deblur: .*\s+", shown) == said
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


def test_terminated_while_it_writes_it_leaves_no_part_of_a_file(start: Start, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((2000, 2000), dtype=np.float32)
    photo.write(tmp_path / "a.tif", Photo(noise, dtype=np.dtype(np.float32)))
    arguments = ["a.tif", "--psf", "gaussian:sigma=0", "--method", "wiener", "-o", "b.png"]
    work = start("restore", *arguments)
    while work.poll() is None and not list(tmp_path.glob(".deblur-*")):
        time.sleep(0.005)
    work.terminate()
    work.communicate()
    assert work.returncode in (143, 0)  # or it was done a moment before
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif"} | ({"b.png"} if work.returncode == 0 else set())


def test_the_bar_is_erased_and_the_messages_stay(start: Start, tmp_path: Path, blurred: np.ndarray) -> None:
    photo.write(tmp_path / "[red]a.png", Photo(blurred, -1))
    terminal, theirs = pty.openpty()
    arguments = ["[red]a.png", "no.png", "--psf", "disk:radius=2", "--method", "richardson-lucy", "--json"]
    work = start("restore", *arguments, stderr=theirs, variables=TERMINAL)
    os.close(theirs)
    shown = read_until(terminal, NEVER).decode()
    results = work.communicate()[0].decode()
    os.close(terminal)
    assert work.returncode == 1
    assert '"output": "[red]a-restored.png"' in results
    assert "\x1b" not in results
    assert "━" in shown
    assert "[red]a.png" in shown
    assert "deblur: no.png: No such file or directory\r\n" in shown
    assert "━" not in shown.rpartition("\x1b[2K")[2]  # after the last line that was wiped out


def test_an_interrupt_inside_a_destructor_is_not_lost(environment: dict[str, str]) -> None:
    program = """
import os, signal, sys, time
from deblur.cli import _app

class Cleaned:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)

def work(arguments):
    Cleaned()
    time.sleep(60)

_app._run = work
_app.main()
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=hear_ctrl_c,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "deblur: interrupted\n")


def test_the_bar_says_which_file_the_stage_and_the_time_left(start: Start, tmp_path: Path) -> None:
    names = ["a-photograph-whose-name-is-far-too-long-for-a-line.tif", "b.tif"]
    for name in names:
        noise = np.random.default_rng(0).random((600, 600), dtype=np.float32)
        photo.write(tmp_path / name, Photo(noise, dtype=np.dtype(np.float32)))
    terminal, theirs = pty.openpty()
    options = ["--psf", "disk:radius=2", "--method", "richardson-lucy", "--iterations", "300", "--noise-level", "0"]
    work = start("restore", *names, *options, stderr=theirs, variables=TERMINAL)
    os.close(theirs)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", read_until(terminal, NEVER).decode())
    work.communicate()
    os.close(terminal)
    assert work.returncode == 0
    lines = [line.strip() for line in re.split(r"[\r\n]+", shown) if re.search(r"\d (left|so far)$", line.strip())]
    assert max(map(len, lines)) <= 80
    bar = r"([12] of 2)  (\S+): (sharpening) [╺╸━ ]+ +\d+% \d+:\d\d (left|so far)$"
    seen = [re.search(bar, line) for line in lines]
    assert {found[1] for found in seen if found} == {"1 of 2", "2 of 2"}
    assert {found[2] for found in seen if found} == {"a-photogr…line.tif", "b.tif"}
    assert "left" in {found[4] for found in seen if found}
