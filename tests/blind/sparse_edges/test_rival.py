"""Shakes that leave edges as a simpler blur does."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from deblur import photo, psf
from deblur.blind._encoding import Encodings
from deblur.blind._kind import Reader
from deblur.blind._sparse_edges.method import begun
from deblur.blind._sparse_edges.rival import begins_better
from deblur.operators import Convolution


@pytest.mark.parametrize(
    ("kernel", "is_shaken"), [(psf.gaussian(2.2), False), (psf.camera_shake(27, seed=3), True)], ids=["soft", "shaken"]
)
def test_a_kernel_much_wider_than_the_edges_say_is_a_shake(kernel: np.ndarray, is_shaken: bool) -> None:
    scene = photo.to_linear(data.astronaut()[:320, 50:370].mean(-1) / 255)
    light = Convolution(kernel, scene.shape, "reflect")(scene) + np.random.default_rng(0).normal(0, 0.003, scene.shape)
    picture = Encodings(photo.from_linear(light.clip(0, 1)), None, None, encoded=True, method="test")
    assert begins_better(begun(picture, None)[0], Reader(picture).simple_psf) == is_shaken
