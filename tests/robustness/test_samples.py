"""A sample of each robustness command; docs/reliability.md has their full runs."""

import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

if os.name == "nt":
    pytest.skip("robustness tests fork, and limit memory", allow_module_level=True)

pytest.importorskip("zarr", reason="needs the extra zarr")
pytest.importorskip("httpx", reason="requests are sent with httpx")

from tests.robustness import _targets, leaks, numbers
from tests.robustness._forks import outcomes, run_in_fork
from tests.robustness._tally import Tally


def test_damaged_files_texts_and_arguments() -> None:
    made = list(outcomes(_targets.prepare(7), range(80), partial(_targets.kind_of, 7)))
    assert [each for each in made if each.fault] == []
    assert len({each.kind for each in made}) > 6


def test_a_case_that_hangs_or_dies_is_found_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.robustness._forks.SECONDS", 10.0)

    def attempt(number: int) -> tuple[str, str | None]:
        if number == 1:
            os._exit(3)
        while number == 2:
            time.sleep(1)
        return "kind", None

    made = list(outcomes(lambda folder: attempt, range(4), str))
    assert [each.fault for each in made] == [
        None,
        "the process died, exit code 3",
        "hangs: nothing after 10 s",
        None,
    ]


IMAGES = (
    "denormal",
    "1e-14, float32",
    "PSF of 1e-10, float32",
    "1e30, float32",
    "1e300",
    "rows of NaN",
    "one infinity",
    "bfloat16",
    "1 x 40",
    "1 x 1",
)


@pytest.mark.parametrize("image", IMAGES)
def test_extreme_images_come_out_finite_or_are_refused(image: str) -> None:
    methods = ("wiener", "richardson_lucy", "total_variation", "unrolled", "NMF kullback-leibler", "NMFD euclidean")
    tally, table = numbers.survey((image,), methods)
    assert tally.failures == []
    if "NaN" in image or "infinity" in image:
        assert set(table.values()) == {"refused"}


@pytest.mark.parametrize("condition", ["zero, float32", "empty channel, float16", "empty frame, float32"])
def test_nothing_comes_out_of_nothing(condition: str) -> None:
    methods = tuple(name for name in numbers.METHODS if name.removesuffix(numbers.GIVEN) not in numbers.BLIND)
    tally, table = numbers.survey((condition,), methods)
    assert tally.failures == []
    assert set(table.values()) == {"right"}


def test_memory_and_open_files_stay_flat() -> None:
    tally = Tally("leaks", 0)
    leaks.restores(40, tally)
    assert tally.failures == []


def test_a_fork_has_a_folder_and_limits_of_its_own(tmp_path: Path) -> None:
    assert run_in_fork(os.getcwd, 60, cwd=tmp_path) == (str(tmp_path.resolve()), 0)
    assert Path.cwd() != tmp_path
    assert run_in_fork(lambda: time.sleep(60), 0.3) == (None, None)
    assert run_in_fork(lambda: os.kill(os.getpid(), signal.SIGTERM), 60) == (None, -signal.SIGTERM)
    hungry = run_in_fork(lambda: len(bytearray(2**31)), 60, memory=2**28)
    assert hungry.value is None
    assert hungry.exit_code not in (0, None)


def test_an_absolute_constant_in_a_method_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    wiener = numbers.METHODS["wiener"]
    monkeypatch.setitem(numbers.METHODS, "flawed", lambda image, psf: wiener(image + image.dtype.type(1e-15), psf))
    tally, _ = numbers.survey(("1e-14, float32",), ("wiener", "flawed"))
    assert [line.split()[0] for line in tally.failures] == ["flawed"]
