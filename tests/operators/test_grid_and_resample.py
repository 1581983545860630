import numpy as np
import pytest
import torch
import torch.nn.functional as F

from deblur.operators import Crop, Differences, Downsample, MaxUnpool, Pad, Stack, SubPixel, Upsample

from .cases import random

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}


@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_upsample_equals_torch(ndim, factor):
    shape = (3, 4, 5)[:ndim]
    x = torch.from_numpy(random((2, 3, *shape)))
    torch.testing.assert_close(Upsample(shape, factor)(x), F.interpolate(x, scale_factor=factor))
    for corners in (False, True):
        ours = Upsample(shape, factor, mode="linear", align_corners=corners)(x)
        torch.testing.assert_close(
            ours, F.interpolate(x, scale_factor=factor, mode=LINEAR[ndim], align_corners=corners)
        )


def test_subpixel_is_pixel_shuffle_and_orthogonal():
    x = torch.from_numpy(random((5, 18, 4, 3)))
    operator = SubPixel(2, (4, 3), 3)
    torch.testing.assert_close(operator(x), F.pixel_shuffle(x, 3))
    for ndim in (1, 2, 3):
        operator = SubPixel(2, (4, 3, 5)[:ndim], 2)
        y = random(operator.domain_shape)
        np.testing.assert_array_equal(operator.T(operator(y)), y)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_max_unpool_equals_torch(ndim):
    pool = [F.max_pool1d, F.max_pool2d, F.max_pool3d][ndim - 1]
    unpool = [F.max_unpool1d, F.max_unpool2d, F.max_unpool3d][ndim - 1]
    x = torch.from_numpy(random((2, 3, *(6, 4, 8)[:ndim])))
    pooled, indices = pool(x, 2, return_indices=True)
    operator = MaxUnpool(indices, x.shape[2:])
    torch.testing.assert_close(operator(pooled), unpool(pooled, indices, 2))
    torch.testing.assert_close(operator.T(x), pooled)


@pytest.mark.parametrize("mode", ["zero", "circular", "reflect", "replicate"])
def test_pad_equals_numpy(mode):
    x = random((4, 5))
    widths = [(3, 9), (0, 12)]
    numpy_mode = {"zero": "constant", "circular": "wrap", "reflect": "reflect", "replicate": "edge"}[mode]
    np.testing.assert_array_equal(Pad(x.shape, widths, mode=mode)(x), np.pad(x, widths, mode=numpy_mode))


def test_crop_is_a_slice_and_centered_if_nothing_is_said():
    x = random((9, 8))
    np.testing.assert_array_equal(Crop(x.shape, (3, 2))(x), x[3:6, 3:5])
    np.testing.assert_array_equal(Crop(x.shape, (4, 8))(x), x[2:6])
    np.testing.assert_array_equal(Crop(x.shape, (9, 1), start=(0, 7))(x), x[:, 7:])
    np.testing.assert_array_equal(Crop(x.shape, (7, 7), start=1)(x), x[1:8, 1:8])
    np.testing.assert_array_equal(Crop(x.shape, (3, 2)).T(x[3:6, 3:5]), np.pad(x[3:6, 3:5], [(3, 3), (3, 3)]))


def test_differences_equal_numpy():
    x = random((4, 5))
    rows, columns = Differences(x.shape, boundary="replicate")(x)
    np.testing.assert_allclose(rows[:-1], np.diff(x, axis=0))
    np.testing.assert_allclose(columns[:, :-1], np.diff(x, axis=1))
    assert not rows[-1].any()
    np.testing.assert_allclose(Differences(x.shape)(x)[0], np.roll(x, -1, 0) - x)
    np.testing.assert_allclose(Differences(x.shape, boundary="zero")(x)[1][:, -1], -x[:, -1])


def test_downsample_of_its_adjoint_is_the_identity():
    operator = Downsample((7, 9), (2, 3), offset=1)
    y = random(operator.range_shape)
    np.testing.assert_array_equal(operator(operator.T(y)), y)
    np.testing.assert_array_equal(operator.T(y)[1::2, 1::3], y)


BAD = [
    (lambda: Crop((4, 4), (5, 4)), "does not lie within"),
    (lambda: Crop((4, 4), (2, 2), start=3), "does not lie within"),
    (lambda: Crop((4, 4), (2,)), "window must have 2 entries"),
    (lambda: Pad((4,), 1, mode="edge"), "mode must be"),
    (lambda: Pad((4,), -1), "width must be"),
    (lambda: Differences((4,), boundary="mirror"), "boundary must be"),
    (lambda: Upsample((4,), 2, mode="cubic"), "mode must be nearest or linear"),
    (lambda: Upsample((4,), 2, align_corners=True), "align_corners"),
    (lambda: Upsample((4,), 0), "positive"),
    (lambda: Upsample((4, 0), 2), "positive"),
    (lambda: Downsample((4,), 2, offset=2), "offset"),
    (lambda: Downsample((4, 0), 2), "positive integers"),
    (lambda: SubPixel(0, (4,), 2), "positive"),
    (lambda: MaxUnpool(torch.tensor([[9]]), (4,)), "must lie in 0 to 3"),
    (lambda: MaxUnpool(torch.tensor([[0.5]]), (4,)), "integers"),
    (lambda: Stack([]), "one domain and range shape"),
    (lambda: Stack([Crop((4,), (2,)), Crop((4,), (3,))]), "one domain and range shape"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message):
        make()
