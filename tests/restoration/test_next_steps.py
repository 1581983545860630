"""What is offered where a picture was left as it was: by its size, the method, and the kind of blur that was read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deblur import Restoration
from deblur.restoration._next_steps import next_steps


def unchanged(method: str, shape: tuple[int, ...] = (64, 64), **details: Any) -> Restoration:
    image = np.zeros(shape, np.float32)
    return Restoration(image, np.ones((1, 1)), 0.0, method, 0.0, 0.0, "nothing", changed=False, details=details)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (unchanged("sparse-edges"), ("focus", "motion", "size", "crop", "psf")),
        (unchanged("soft"), ("shake", "focus", "motion", "size", "crop", "psf")),
        (unchanged("blind", blur="shake"), ("size", "crop", "psf")),  # for it has tried the others
        (unchanged("blind", blur="none"), ("shake",)),
        (unchanged("blind", blur="soft"), ("shake",)),
    ],
)
def test_what_was_tried_is_not_offered(made: Restoration, expected: tuple[str, ...]) -> None:
    assert next_steps(made, None, is_sized=False) == expected
    assert next_steps(made, None, is_sized=True) == tuple(step for step in expected if step != "size")


def test_of_a_large_picture_a_smaller_copy_is_the_first() -> None:
    color = unchanged("sparse-edges", (3, 1300, 1300))
    assert next_steps(color, 0, is_sized=True) == ("smaller", "focus", "motion", "crop", "psf")
    assert "smaller" not in next_steps(unchanged("sparse-edges", (3, 1000, 1000)), 0, is_sized=True)
