"""Odd surroundings of the command: closed streams, no folder, little memory, links that lead nowhere."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.photo import Photo

if os.name == "nt":
    pytest.skip("a POSIX shell prepares the surroundings", allow_module_level=True)

OPTIONS = "--psf disk:radius=1 --method wiener"
COMMAND = f"{shlex.quote(sys.executable)} -m deblur"


@pytest.fixture(autouse=True)
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    photo.write(path, Photo(np.random.default_rng(0).random((24, 30)), dtype=np.dtype(np.uint8)))
    return path


def shell(line: str, folder: Path) -> tuple[int, str]:
    """Run a line of shell in which $DEBLUR is the command; return its exit code and its lines on standard error."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
    variables = {**os.environ, "PYTHONPATH": path}
    line = line.replace("$DEBLUR", COMMAND)
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=variables, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip()


def test_a_closed_standard_output_loses_no_result_in_silence(tmp_path: Path) -> None:
    closed = shell(f"$DEBLUR restore - {OPTIONS} < a.png >&-", tmp_path)
    assert closed == (2, "deblur: standard output is closed; redirect it, or give -o FILE")
    assert shell(f"$DEBLUR restore - {OPTIONS} -o b.png < a.png >&-", tmp_path)[0] == 0
    assert shell(f"$DEBLUR restore - {OPTIONS} < a.png > /dev/null", tmp_path)[0] == 0


def test_standard_input_is_not_read_without_end(tmp_path: Path) -> None:
    code, said = shell(f"$DEBLUR restore - {OPTIONS} < /dev/zero", tmp_path)
    assert (code, said) == (2, "deblur: standard input holds more than 100 MB; give the name of a file")


def test_a_working_directory_that_is_gone(tmp_path: Path, picture: Path) -> None:
    code, said = shell(f"mkdir d && cd d && rmdir ../d && $DEBLUR restore {picture} {OPTIONS}", tmp_path)
    assert code == 2
    assert said.splitlines()[-1] == "deblur: the working directory is gone; change to one that exists"


def test_too_little_address_space(tmp_path: Path) -> None:
    assert shell(f"ulimit -v 500000 && $DEBLUR restore a.png {OPTIONS}", tmp_path) == (2, "deblur: not enough memory")


def test_links_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("nowhere")
    code, said = shell(f"$DEBLUR restore a.png {OPTIONS} -o dangling/", tmp_path)
    assert code == 2
    assert said.endswith("dangling is a link to nowhere, which is missing")
    (tmp_path / "loop.png").symlink_to("loop.png")
    assert shell(f"$DEBLUR restore a.png {OPTIONS} -o loop.png", tmp_path)[0] == 2
    assert (tmp_path / "loop.png").is_symlink()
    assert shell(f"$DEBLUR restore a.png {OPTIONS} -o loop.png --force", tmp_path)[0] == 0
