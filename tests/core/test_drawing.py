"""Pictures of PSFs: enlarged by whole numbers, centered, with the faint parts visible."""

from __future__ import annotations

import numpy as np
import pytest

from deblur import psf
from deblur._core.drawing import psf_image


def test_the_picture_is_the_psf_enlarged_with_a_margin() -> None:
    kernel = psf.camera_shake(9, seed=3)
    drawn = psf_image(kernel, min_side=100, margin=2)
    scale = drawn.shape[0] // (kernel.shape[0] + 4)
    assert max(drawn.shape) >= 100
    samples = drawn[::scale, ::scale][2:-2, 2:-2]
    np.testing.assert_array_equal(samples, np.rint(255 * np.sqrt(kernel / kernel.max())))
    np.testing.assert_array_equal(drawn, np.kron(np.pad(samples, 2), np.ones((scale, scale))))


@pytest.mark.parametrize("shape", [(3, 9), (9, 3), (4, 7)])
def test_a_square_picture_has_the_psf_in_its_middle(shape: tuple[int, int]) -> None:
    drawn = psf_image(np.ones(shape), min_side=0, square=True)
    rows, columns = np.nonzero(drawn)
    assert drawn.shape == (max(shape) + 2,) * 2
    for places, size in ((rows, shape[0]), (columns, shape[1])):
        assert places.max() - places.min() + 1 == size
        assert abs(places.min() - (len(drawn) - 1 - places.max())) <= 1


def test_negative_values_and_an_empty_psf_are_black() -> None:
    np.testing.assert_array_equal(psf_image(np.array([[-1.0, 4.0, 1.0]]), min_side=0, margin=0), [[0, 255, 128]])
    assert not psf_image(np.zeros((3, 3))).any()
