"""The whole search, on the kinds of pictures that neither of its halves was made for."""

import numpy as np
import skimage.data
import torch

from deblur.blind import sparse_edges
from deblur.blind._kernels import similarity
from deblur.operators import Convolution
from deblur.psf import camera_shake

from ...nonblind.cases import psnr, valid_picture
from ..cases import page


def test_a_thin_trace_of_63_pixels_is_found_in_a_small_picture() -> None:
    true = camera_shake(55, seed=2)
    scene = skimage.data.camera()[75:437, 46:466] / 255.0
    y = valid_picture(scene, true, 0.002)[0]
    assert y.shape == (300, 400)
    assert true.shape == (63, 21)
    found = sparse_edges(y)
    assert similarity(torch.from_numpy(found.psf), torch.from_numpy(true)) > 0.7


def test_a_shaken_page_is_legible_again() -> None:
    true, truth = camera_shake(25, seed=2), page(180, 260)
    noise = np.random.default_rng(0).normal(0, 0.003, truth.shape)
    y = np.rint(255 * (Convolution(true, truth.shape, "replicate")(truth) + noise).clip(0, 1)).astype(np.uint8)
    found = sparse_edges(y, 31)
    assert similarity(torch.from_numpy(found.psf), torch.from_numpy(true)) > 0.7
    assert aligned_psnr(found.image, truth) > aligned_psnr(y / 255, truth) + 3


def aligned_psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """The PSNR without the borders, at the best shift by whole pixels: where the scene was, nobody can tell."""
    inner = (slice(16, -16), slice(16, -16))
    return max(psnr(np.roll(image, (i, j), (0, 1))[inner], truth[inner]) for i in range(-8, 9) for j in range(-8, 9))
