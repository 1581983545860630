"""-q and -v, before and after the name of a command; -h and -V."""

import re

import numpy as np
import pytest

from deblur import photo

from .conftest import Run

MAKE = ("psf", "make", "disk:radius=2", "-o", "psf.npy", "--force")


@pytest.mark.parametrize("words", [("-q", *MAKE), (*MAKE, "-q"), (*MAKE, "--quiet"), ("--quiet", *MAKE)])
def test_quiet_prints_nothing(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert (done.stdout, done.stderr) == ("", "")


def test_quiet_prints_errors_and_results_that_have_no_file(run: Run) -> None:
    assert run(*MAKE).stdout == "psf.npy: 5 x 5 pixels\n"
    assert run(*MAKE[:-1], "-q", code=2).stderr.startswith("deblur: ")
    assert "centroid" in run("psf", "show", "psf.npy", "-q").stdout


def test_the_option_after_the_name_counts(run: Run) -> None:
    assert run("-q", *MAKE, "-v").stdout == "psf.npy: 5 x 5 pixels\n"


def test_restore_quietly_and_verbosely(run: Run, tmp_path) -> None:
    photo.write(tmp_path / "a.png", photo.Photo(np.random.default_rng(0).random((24, 30))))
    restore = ("restore", "a.png", "--psf", "disk:radius=1", "--method", "wiener", "--force")
    quiet = run(*restore, "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    verbose = run(*restore, "-v", "--device", "cpu")
    assert verbose.stdout.startswith("a.png -> ")
    for decision in (
        "kind: photo (a picture file)",
        "light: linear",
        "clipped from: 0.9",
        "device: cpu",
        "noise level: ",
    ):
        assert decision in verbose.stderr
    assert re.search(
        r"^  seconds: reading \d+\.\d, preparing \d+\.\d, .*, writing \d+\.\d$", verbose.stderr, re.MULTILINE
    )
    assert run(*restore).stderr == ""


@pytest.mark.parametrize("words", [(), ("psf",), ("psf", "make"), ("datasets", "get"), ("restore",)])
def test_a_short_option_for_help(run: Run, words: tuple[str, ...]) -> None:
    assert run(*words, "-h").stdout == run(*words, "--help").stdout


def test_a_short_option_for_the_version(run: Run) -> None:
    assert run("-V").stdout == run("--version").stdout
