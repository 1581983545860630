"""The pictures to try the page with: all come with scikit-image, and two are blurred here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from deblur import photo, psf
from deblur.operators import Convolution

Pixels = np.ndarray


@dataclass(frozen=True)
class Example:
    """A picture that ships.

    Attributes
    ----------
    make : callable
        Returns the pixels, sRGB on the scale [0, 1].
    blur : str or None
        What blurred it, as `deblur.psf.parse` takes it; None if that is to be found.
    """

    make: Callable[[], Pixels]
    blur: str | None


def _blurred(scene: Pixels, blur: Pixels, seed: int) -> Pixels:
    """Blur in linear light, as cameras do, keep what needs nothing from outside the frame, and add noise of 0.5 %."""
    convolution = Convolution(blur, scene.shape[:2], "valid")
    light = np.moveaxis(convolution(np.moveaxis(photo.to_linear(scene / 255), -1, 0)), 0, -1)
    return photo.from_linear(light) + np.random.default_rng(seed).normal(0, 0.005, light.shape)


def _clock() -> Pixels:
    from skimage import data

    return data.clock() / 255


def _cat() -> Pixels:
    from skimage import data

    return _blurred(data.cat().astype(np.float32), psf.camera_shake(15, seed=6), seed=0)


def _coffee() -> Pixels:
    from skimage import data

    return _blurred(data.coffee().astype(np.float32), psf.disk(3.5), seed=1)


EXAMPLES = {
    "cat": Example(_cat, None),
    "clock": Example(_clock, "motion:length=36,angle=1.6"),
    "coffee": Example(_coffee, "disk:radius=3.5"),
}
"""The examples by name: a shaken cat, a clock photographed while moving the camera, a cup out of focus."""
