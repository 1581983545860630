"""The U-Net: any size, any upsampling layer, each image independent of its batch."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from deblur.networks import UNet
from deblur.networks._unet import SKIPS, UPS, _Resize, _Subpixel, _Transpose, _Unpool

from .cases import TINY, lively, rand, silent_parameters


def network(**options) -> UNet:
    torch.manual_seed(0)
    return lively(UNet(**(TINY | options)))


NETWORKS = {(up, skip): network(conditions=2, up=up, skip=skip) for up in UPS for skip in SKIPS}
every_kind = pytest.mark.parametrize("net", list(NETWORKS.values()), ids=["-".join(kind) for kind in NETWORKS])


@every_kind
@given(height=st.integers(1, 21), width=st.integers(1, 21))
@torch.no_grad()
def test_any_size(net: UNet, height: int, width: int) -> None:
    answer = net(rand(2, 1, height, width), rand(2, 2))
    assert answer.shape == (2, 1, height, width)
    assert answer.isfinite().all()


@every_kind
@torch.no_grad()
def test_an_image_does_not_depend_on_its_batch(net: UNet) -> None:
    x, condition = rand(3, 1, 19, 26), rand(3, 2)
    together = net(x, condition)
    for index in range(3):
        alone = net(x[index : index + 1], condition[index : index + 1])[0]
        torch.testing.assert_close(together[index], alone, rtol=0, atol=1e-5)  # another order of float32 sums


@pytest.mark.parametrize("fold", [1, 2])
@every_kind
@torch.no_grad()
def test_a_shift_by_the_multiple_shifts_the_answer(net: UNet, fold: int) -> None:
    if fold == 1:
        net = network(fold=1)
    m = net.multiple
    assert m == fold * 2
    condition = rand(1, 2) if fold == 2 else None
    wide = rand(1, 1, 108, 108)
    a, b = net(wide[..., :100, :100], condition), net(wide[..., m : 100 + m, 2 * m : 100 + 2 * m], condition)
    reach = 9 * m  # further than 7 convolutions at the finest scale and 3 at half of it see
    moved = a[..., reach + m : 100 - reach, reach + 2 * m : 100 - reach]
    same = b[..., reach : 100 - reach - m, reach : 100 - reach - 2 * m]
    assert moved.std() > 1e-4
    torch.testing.assert_close(moved, same, rtol=0, atol=1e-5)


def test_other_shifts_do_not() -> None:
    net, wide = NETWORKS["subpixel", "add"], rand(1, 1, 80, 80)
    with torch.no_grad():
        a, b = net(wide[..., :64, :64], rand(1, 2)), net(wide[..., 1:65, :64], rand(1, 2))
    assert (a[..., 25:40, 25:40] - b[..., 24:39, 25:40]).abs().max() > 1e-4


@every_kind
def test_gradients_reach_every_parameter(net: UNet) -> None:
    net.zero_grad()
    net(rand(2, 1, 17, 18), rand(2, 2)).square().sum().backward()
    assert silent_parameters(net) == []


@every_kind
@torch.no_grad()
def test_the_condition_changes_the_answer(net: UNet) -> None:
    x = rand(1, 1, 16, 16)
    answers = [net(x, torch.tensor([condition])) for condition in ([0.0, 0.0], [1.0, 0.0], [0.0, 1.0])]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert (answers[a] - answers[b]).abs().max() > 1e-4


@every_kind
@torch.no_grad()
def test_memory_layout_does_not_matter(net: UNet) -> None:
    x, condition = rand(2, 1, 21, 34), rand(2, 2)
    expected = net(x, condition)
    net.to(memory_format=torch.channels_last)
    answer = net(x.to(memory_format=torch.channels_last), condition)
    net.to(memory_format=torch.contiguous_format)
    torch.testing.assert_close(answer, expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_channels_and_scales() -> None:
    assert network(in_channels=3, out_channels=5)(rand(2, 3, 9, 10)).shape == (2, 5, 9, 10)
    one_scale = network(widths=(8,), depths=(2,))
    assert one_scale.multiple == 2
    assert one_scale(rand(1, 1, 7, 9)).shape == (1, 1, 7, 9)
    assert network(widths=(4, 8, 16), depths=(1, 1, 1), fold=1).multiple == 4


@torch.no_grad()
def test_subpixel_is_a_pixel_shuffle_is_a_transposed_convolution() -> None:
    x, up = rand(2, 6, 5, 7), _Subpixel(6, 3)
    mixed = torch.einsum("oc,bchw->bohw", up.mix.weight[..., 0, 0], x) + up.mix.bias[:, None, None]
    torch.testing.assert_close(up(x, None), functional.pixel_shuffle(mixed, 2))
    transposed = _Transpose(6, 3)
    # Weight (4 fine, coarse) of the 1x1 convolution against (coarse, fine, 2, 2); a bias for each position of a block.
    transposed.spread.weight.copy_(up.mix.weight[..., 0, 0].reshape(3, 2, 2, 6).permute(3, 0, 1, 2))
    transposed.spread.bias.zero_()
    bias = functional.pixel_shuffle(up.mix.bias.reshape(1, 12, 1, 1).expand(2, 12, 5, 7), 2)
    torch.testing.assert_close(up(x, None), transposed(x, None) + bias)


@torch.no_grad()
def test_transpose_is_the_adjoint_of_a_strided_convolution() -> None:
    up = _Transpose(6, 3)
    up.spread.bias.zero_()
    x, y = rand(1, 6, 5, 7), rand(1, 3, 10, 14)
    down = functional.conv2d(y, up.spread.weight, stride=2)
    torch.testing.assert_close((up(x, None) * y).sum(), (x * down).sum(), rtol=1e-5, atol=0)


@torch.no_grad()
def test_resize_keeps_what_is_even_and_a_ramp() -> None:
    up = _Resize(1, 1)
    up.mix.weight.zero_()[0, 0, 1, 1] = 1
    up.mix.bias.zero_()
    torch.testing.assert_close(up(torch.full((1, 1, 4, 5), 0.7), None), torch.full((1, 1, 8, 10), 0.7))
    ramp = up(torch.arange(8.0).expand(1, 1, 4, 8), None)[0, 0, 3, 1:-1]
    torch.testing.assert_close(ramp.diff(), torch.full((13,), 0.5))


@torch.no_grad()
def test_unpool_restores_the_positions_of_the_maxima() -> None:
    before = rand(2, 3, 8, 10)
    pooled, places = functional.max_pool2d(before, 2, return_indices=True)
    up = _Unpool(3, 3)
    up.mix.weight.copy_(torch.eye(3)[..., None, None])
    up.mix.bias.zero_()
    answer = up(pooled, places)
    assert ((answer == before) | (answer == 0)).all()
    assert (answer != 0).sum() == pooled.numel()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"up": "bilinear"}, "up must be transpose, subpixel, resize, unpool, got 'bilinear'"),
        ({"skip": "none"}, "skip must be add, concat, got 'none'"),
        ({"widths": (8, 16), "depths": (1,)}, r"the same scales, got \(8, 16\) and \(1,\)"),
        ({"widths": (), "depths": ()}, "the same scales"),
    ],
)
def test_bad_settings(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        UNet(**(TINY | options))


@pytest.mark.parametrize(
    ("x", "condition", "message"),
    [
        ((1, 3, 8, 8), (1, 2), r"images must have shape \(batch, 1, height, width\), got \(1, 3, 8, 8\)"),
        ((8, 8), (1, 2), "images must have shape"),
        ((1, 1, 0, 8), (1, 2), "images must have shape"),
        ((2, 1, 8, 8), (1, 2), r"condition must have shape \(2, 2\), got \(1, 2\)"),
        ((2, 1, 8, 8), None, r"condition must have shape \(2, 2\), got None"),
    ],
)
def test_bad_shapes(x: tuple, condition: tuple | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        NETWORKS["subpixel", "add"](rand(*x), None if condition is None else rand(*condition))
    if condition is None:
        with pytest.raises(ValueError, match="condition must have shape None, got"):
            network()(rand(2, 1, 8, 8), rand(2, 2))
