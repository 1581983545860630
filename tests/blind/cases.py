"""Scenes and blurs that the suites of this folder share."""

import numpy as np
import scipy.signal
import skimage.data

from deblur import psf

from ..nonblind.cases import valid_picture

BLUR = psf.camera_shake(9, seed=3)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest normalized correlation over all shifts."""
    products = scipy.signal.correlate(a, b, method="fft")
    return float(products.max() / np.linalg.norm(a) / np.linalg.norm(b))


def shaken(noise: float = 0.002) -> tuple[np.ndarray, np.ndarray]:
    """A photograph blurred by BLUR, 180 pixels a side, and the truth."""
    scene = skimage.data.camera()[60 : 60 + 188, 150 : 150 + 188] / 255.0
    return valid_picture(scene, BLUR, noise)
