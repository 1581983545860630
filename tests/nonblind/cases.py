"""Scenes, blurs and pictures that the suites of this folder share."""

import numpy as np
import scipy.signal
import skimage.data

from deblur import psf


def camera() -> np.ndarray:
    """A photograph, 256x256, in [0, 1]."""
    return skimage.data.camera()[::2, ::2] / 255.0


def valid_picture(
    scene: np.ndarray, blur: np.ndarray, noise: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a scene, blurred: what a camera sees, and the truth in the same frame."""
    y = scipy.signal.fftconvolve(scene, blur, mode="valid")
    y += noise * np.random.default_rng(seed).standard_normal(y.shape)
    corner = [(k - 1) - k // 2 for k in blur.shape]
    frame = tuple(slice(c, c + n) for c, n in zip(corner, y.shape, strict=True))
    return y, scene[frame]


def psnr(estimate: np.ndarray, truth: np.ndarray) -> float:
    return float(-10 * np.log10(np.mean((estimate - truth) ** 2)))


def uneven_psf(shape: tuple[int, ...]) -> np.ndarray:
    """An asymmetric PSF of sum 1."""
    values = np.random.default_rng(7).random(shape)
    return psf.normalize(values)
