import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deblur.operators import StridedConvolution, Upsample, bilinear_kernel, checkerboard

from .cases import random

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSE = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_equals_torch(ndim):
    for stride, padding, dilation, groups in itertools.product((1, 2, 3), (0, 1, 3), (1, 2), (1, 2)):
        shape, weight = (9, 10, 8)[:ndim], torch.from_numpy(random((4, 6 // groups, *(3, 2, 3)[:ndim])))
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        operator = StridedConvolution(weight, shape, **options)
        x = torch.from_numpy(random((2, 6, *shape), 1))
        y = CONV[ndim](x, weight, **options)
        torch.testing.assert_close(operator(x), y)
        back = TRANSPOSE[ndim](y, weight, output_padding=operator.output_padding, **options)
        assert back.shape == x.shape
        torch.testing.assert_close(operator.T(y), back)


def test_gradcheck():
    weight = torch.from_numpy(random((2, 2, 3, 2)))
    operator = StridedConvolution(weight, (6, 7), stride=2, padding=1)
    x = torch.from_numpy(random(operator.domain_shape)).requires_grad_()
    assert torch.autograd.gradcheck(operator, (x,))


@pytest.mark.parametrize("ndim", [1, 2])
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bilinear_kernel_interpolates(ndim, factor):
    shape = (6,) * ndim
    large = tuple(factor * size for size in shape)
    up = StridedConvolution(bilinear_kernel(3, factor, ndim=ndim), large, stride=factor, padding=factor // 2).T
    assert up.range_shape == (3, *large)
    x = random((3, *shape))
    inside = (slice(None), *(slice(factor, -factor),) * ndim)
    np.testing.assert_allclose(up(x)[inside], Upsample(shape, factor, mode="linear")(x)[inside], atol=1e-6)


def test_checkerboard_needs_kernels_in_multiples_of_the_stride():
    def unevenness(size, stride):
        return checkerboard(StridedConvolution(torch.ones(1, 1, size, size), (48, 48), stride=stride, padding=1))

    assert isinstance(unevenness(4, 2), float)
    assert unevenness(4, 2) < 1e-12
    assert unevenness(6, 3) < 1e-12
    assert unevenness(3, 2) > 0.3
    assert unevenness(5, 3) > 0.2


BAD = [
    (lambda: StridedConvolution(torch.ones(1, 1, 3), (8, 8)), "weight must have shape"),
    (lambda: StridedConvolution(torch.ones(3, 1, 3, 3), (8, 8), groups=2), "groups must divide"),
    (lambda: StridedConvolution(torch.ones(1, 1, 3, 3), (2, 8)), "does not fit"),
    (lambda: StridedConvolution(torch.ones(1, 1, 3, 3), (8, 8), stride=0), "stride must hold positive"),
    (lambda: StridedConvolution(torch.ones(1, 1, 3, 3), (8, 8), padding=-1), "padding must be"),
    (lambda: StridedConvolution(torch.ones(1, 1, 1, 1, 1, 1), (8, 8, 8, 8)), "one to three"),
    (lambda: StridedConvolution(torch.ones(1, 1, 3), -8), "positive integers"),
    (lambda: bilinear_kernel(0, 2), "positive"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
