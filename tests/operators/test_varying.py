"""Blurs that vary: against one convolution where they do not, and against each other."""

import numpy as np
import pytest
import torch

from deblur.operators import Convolution, ProductConvolution, TiledConvolution
from deblur.operators._varying import _windows

from .cases import random


@pytest.mark.parametrize("boundary", ["zero", "valid", "full"])
@pytest.mark.parametrize(("shape", "kernel_shape", "tiles"), [((17,), (4,), (3,)), ((12, 9), (3, 2), (2, 4))])
def test_tiles_of_one_psf_are_its_convolution(shape, kernel_shape, tiles, boundary):
    kernel = random(kernel_shape)
    A = TiledConvolution(np.broadcast_to(kernel, (*tiles, *kernel_shape)).copy(), shape, boundary)
    x = random(shape, 1)
    np.testing.assert_allclose(A(x), Convolution(kernel, shape, boundary)(x), atol=1e-12)


def test_tiles_are_a_product_convolution_with_their_windows():
    psfs, x = random((3, 2, 4, 3)), random((14, 11), 1)
    windows = [np.zeros((count, size)) for count, size in ((3, 14), (2, 11))]
    for dense, (count, size) in zip(windows, ((3, 14), (2, 11)), strict=True):
        for i, (start, values) in enumerate(_windows(size, count)):
            dense[i, start : start + len(values)] = values
        np.testing.assert_allclose(dense.sum(0), 1)
    weights = np.einsum("ay,bx->abyx", *windows).reshape(6, 14, 11)
    product = ProductConvolution(psfs.reshape(6, 4, 3), weights, "zero")
    np.testing.assert_allclose(TiledConvolution(psfs, (14, 11), "zero")(x), product(x), atol=1e-12)


def test_in_the_middle_of_a_tile_is_its_psf():
    psfs = np.abs(random((3, 1, 5, 5)))
    A = TiledConvolution(psfs, (45, 15))
    for i, row in enumerate((7, 22, 37)):
        x = np.zeros((45, 15))
        x[row, 7] = 1
        np.testing.assert_allclose(A(x)[row - 2 : row + 3, 5:10], psfs[i, 0], atol=1e-12)


def test_a_psf_for_every_sample():
    psfs, x = random((6, 3)), random((6,), 1)
    expected = np.zeros(8)
    for i in range(6):
        expected[i : i + 3] += x[i] * psfs[i]
    np.testing.assert_allclose(ProductConvolution(psfs, np.eye(6), "full")(x), expected, atol=1e-12)
    np.testing.assert_allclose(TiledConvolution(psfs, (6,), "full")(x), expected, atol=1e-12)


def test_gradients_reach_the_weights_of_a_scene():
    A = TiledConvolution(torch.from_numpy(random((2, 1, 3, 3))), (8, 8))
    x = torch.from_numpy(random((8, 8), 1)).requires_grad_()
    assert torch.autograd.gradcheck(A, (x,))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ProductConvolution(random((2, 3)), random((3, 9))), "as many terms and axes"),
        (lambda: ProductConvolution(random((3,)), random((3,))), "as many terms and axes"),
        (lambda: TiledConvolution(random((2, 3)), (9, 9)), "2 tile axes and 2 kernel axes"),
        (lambda: TiledConvolution(random((10, 3)), (9,)), "more than there are samples"),
        (lambda: TiledConvolution(random((2, 3)), (9,), "circular"), "boundary must be zero, valid, full"),
        (lambda: TiledConvolution(random((1, 12)), (9,), "valid"), "larger than the shape"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()
