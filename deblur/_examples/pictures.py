"""Sample photographs from scikit-image: blurred ones, and sharp ones that are blurred here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from deblur import photo, psf
from deblur.operators import Convolution

Pixels = npt.NDArray[np.floating]


@dataclass(frozen=True)
class ExamplePhoto:
    """A blurred photograph that is always available.

    Attributes
    ----------
    make : callable
        Returns the pixels: sRGB, nominally in [0, 1].
    blur : str or None
        The blur as a text for `deblur.psf.parse`; None if it has to be estimated.
    """

    make: Callable[[], Pixels]
    blur: str | None


def sample(name: str) -> npt.NDArray[np.float32]:
    """Return an 8-bit photograph of `skimage.data` in [0, 1], ``(height, width)`` or ``(height, width, 3)``.

    Examples
    --------
    >>> sample("clock").shape
    (300, 400)
    """
    from skimage import data  # slow to import

    pixels: npt.NDArray[np.float32] = getattr(data, name)().astype(np.float32) / 255
    return pixels


def blur_photo(scene: Pixels, kernel: Pixels, *, noise_level: float, seed: int) -> Pixels:
    """Blur a photograph as a camera does, and add noise.

    The blur acts in linear light, because a sensor adds up light. The scene continues beyond the image domain, as in
    life: only the part of the blurred picture is kept that depends on nothing outside the given scene.

    Parameters
    ----------
    scene : numpy.ndarray
        sRGB in [0, 1], ``(height, width)`` or ``(height, width, 3)``.
    kernel : numpy.ndarray
        The PSF, ``(rows, columns)``.
    noise_level : float
        Standard deviation of the noise, in the unit of the result.
    seed : int
        Of the noise.

    Returns
    -------
    numpy.ndarray
        sRGB, not clipped, ``height - rows + 1`` by ``width - columns + 1`` pixels: those of `visible_part`.

    Examples
    --------
    >>> blur_photo(np.full((9, 8), 0.5), np.full((3, 2), 1 / 6), noise_level=0, seed=0).shape
    (7, 7)
    """
    convolution = Convolution(kernel, scene.shape[:2], "valid")
    linear = photo.to_linear(scene)
    light = np.moveaxis(convolution(np.moveaxis(linear, -1, 0)), 0, -1) if scene.ndim == 3 else convolution(linear)
    noise = np.random.default_rng(seed).normal(0, noise_level, light.shape)
    blurred: Pixels = photo.from_linear(light) + noise
    return blurred


def visible_part(scene: Pixels, kernel: Pixels) -> Pixels:
    """Return the part of a sharp scene that its blurred picture, by `blur_photo`, shows.

    Examples
    --------
    >>> visible_part(np.arange(5.0)[None], np.ones((1, 3)))
    array([[1., 2., 3.]])
    """
    rows, columns = (
        slice((k - 1) // 2, (k - 1) // 2 + size - k + 1) for size, k in zip(scene.shape, kernel.shape, strict=False)
    )
    return scene[rows, columns]


def _shaken_cat() -> Pixels:
    return blur_photo(sample("cat"), psf.camera_shake(15, seed=6), noise_level=0.005, seed=0)


def _unfocused_coffee() -> Pixels:
    return blur_photo(sample("coffee"), psf.disk(3.5), noise_level=0.005, seed=1)


EXAMPLES = {
    "cat": ExamplePhoto(_shaken_cat, None),
    "clock": ExamplePhoto(partial(sample, "clock"), "motion:length=36,angle=1.6"),
    "coffee": ExamplePhoto(_unfocused_coffee, "disk:radius=3.5"),
}
"""A cat with camera shake, a clock photographed while moving the camera, a cup of coffee out of focus."""
