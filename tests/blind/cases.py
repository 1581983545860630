"""Scenes and blurs that the suites of this folder share."""

import numpy as np
import scipy.signal
import skimage.data
import torch
from PIL import Image, ImageDraw

from deblur import psf
from deblur.blind._view import View

from ..nonblind.cases import valid_picture

BLUR = psf.camera_shake(9, seed=3)
_WORDS = "How vexingly quick daft zebras jump over my box of liquor jugs"


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """The greatest normalized correlation over all shifts."""
    products = scipy.signal.correlate(a, b, method="fft")
    return float(products.max() / np.linalg.norm(a) / np.linalg.norm(b))


def shaken(noise: float = 0.002) -> tuple[np.ndarray, np.ndarray]:
    """A photograph blurred by BLUR, 180 pixels a side, and the truth."""
    scene = skimage.data.camera()[60 : 60 + 188, 150 : 150 + 188] / 255.0
    return valid_picture(scene, BLUR, noise)


def kernel(shape: tuple[int, int]) -> torch.Tensor:
    """Random values of sum 1."""
    values = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    return values / values.sum()


def unclipped(y: torch.Tensor) -> View:
    """A view of which all pixels are valid."""
    return View(y, torch.ones_like(y, dtype=torch.bool))


def page(rows: int, columns: int, lines: int = 99) -> np.ndarray:
    """A white page with lines of dark text."""
    image = Image.new("L", (columns, rows), 255)
    for number, top in enumerate(range(24, min(24 + 30 * lines, rows - 40), 30)):
        start = 7 * number % len(_WORDS)
        words = (_WORDS[start:] + _WORDS)[: columns // 10 - 6]
        ImageDraw.Draw(image).text((24, top), words, fill=20, font_size=20)
    return np.asarray(image) / 255.0
