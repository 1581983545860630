"""A few cases of each attack; the attacks themselves are commands, see docs/reliability.md."""

import os
from functools import partial

import pytest

if os.name == "nt":
    pytest.skip("the attacks fork, and limit memory", allow_module_level=True)

pytest.importorskip("zarr", reason="needs the extra zarr")
pytest.importorskip("httpx", reason="the server is asked with httpx")

from attack import _targets, leaks, numbers
from attack._child import outcomes
from attack._tally import Tally


def test_damaged_files_texts_and_arguments() -> None:
    made = list(outcomes(_targets.prepare(7), range(80), partial(_targets.kind_of, 7)))
    assert [each for each in made if each.fault] == []
    assert len({each.kind for each in made}) > 6


def test_a_case_that_hangs_or_dies_is_found_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("attack._child.SECONDS", 2.0)

    def attempt(number: int) -> tuple[str, str | None]:
        if number == 1:
            os._exit(3)
        while number == 2:
            pass
        return "kind", None

    made = list(outcomes(lambda folder: attempt, range(4), str))
    assert [each.fault for each in made] == [
        None,
        "the process died, exit code 3",
        "hangs: nothing after 2 s",
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
    tally, table = numbers.attack((image,), methods)
    assert tally.failures == []
    if "NaN" in image or "infinity" in image:
        assert set(table.values()) == {"refused"}


def test_memory_and_open_files_stay_flat() -> None:
    tally = Tally("leaks", 0)
    leaks.restores(60, tally)
    assert tally.failures == []
