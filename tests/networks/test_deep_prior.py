"""The two generators of SelfDeblur, layer by layer."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from deblur.networks._deep_prior import Hourglass, KernelGenerator, _Comparison

from .cases import rand


def count(net: nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())


def test_the_published_numbers_of_parameters() -> None:
    assert count(Hourglass()) == 2_365_521
    assert count(KernelGenerator((21, 21))) == 201_000 + 1001 * 21**2 == 642_441
    assert count(KernelGenerator((75, 75))) == 5_831_625


def test_the_hourglass_is_the_one_described() -> None:
    """Per scale, finest first: across 1x1, down 3x3 stride 2, refine 3x3, and on the way up 3x3 and 1x1."""
    net = Hourglass()
    scale, tail, last = net
    assert (tail.in_channels, tail.out_channels, tail.kernel_size) == (128, 1, (1, 1))
    assert isinstance(last, nn.Sigmoid)
    for number in range(5):
        into = 8 if number == 0 else 128
        layers = [scale.skip[0], scale.down[0], scale.refine[0], scale.merge[1], scale.merge[4]]
        found = [(layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in layers]
        assert found == [(into, 16, 1, 1), (into, 128, 3, 2), (128, 128, 3, 1), (144, 128, 3, 1), (128, 128, 1, 1)]
        assert all(layer.padding_mode == "reflect" for layer in layers)
        assert [scale.merge[place].num_features for place in (0, 2, 5)] == [144, 128, 128]
        rectifiers = [scale.skip[2], scale.down[2], scale.refine[2], scale.merge[3], scale.merge[6]]
        assert [each.negative_slope for each in rectifiers] == [0.2] * 5
        assert isinstance(scale.compare, _Comparison) == (number >= 2)
        scale = scale.coarser if number < 4 else scale
    assert isinstance(scale.coarser, nn.Identity)


def test_the_sizes_at_every_scale() -> None:
    net, seen = Hourglass(width=4, across=2), []
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.stride == (2, 2):
            module.register_forward_hook(lambda module, given, answer: seen.append(tuple(answer.shape[2:])))
    assert net(rand(1, 8, 275, 261)).shape == (1, 1, 275, 261)
    assert seen == [(138, 131), (69, 66), (35, 33), (18, 17), (9, 9)]


@given(height=st.integers(9, 30), width=st.integers(9, 30))
@torch.no_grad()
def test_any_size_to_between_zero_and_one(height: int, width: int) -> None:
    torch.manual_seed(0)
    answer = Hourglass(width=4, across=2, scales=3)(rand(1, 8, height, width))
    assert answer.shape == (1, 1, height, width)
    assert 0 < float(answer.min()) <= float(answer.max()) < 1


def test_the_comparison_begins_as_nothing_and_is_a_sum_over_all_pairs() -> None:
    torch.manual_seed(0)
    block, x = _Comparison(6).double(), rand(1, 6, 7, 8).double()
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)
    nn.init.ones_(block.out[1].weight)
    pooled = [nn.functional.max_pool2d(layer(x), 2).flatten(2)[0] for layer in (block.key, block.value)]
    query, (key, value) = block.query(x).flatten(2)[0], pooled
    likeness = query.T @ key / key.shape[1]  # places x pooled places, as published
    expected = x + block.out((likeness @ value.T).T.reshape(1, 3, 7, 8))
    torch.testing.assert_close(block(x), expected)


def test_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    net = Hourglass(width=4, across=2)
    for module in net.modules():
        if isinstance(module, _Comparison):
            nn.init.ones_(module.out[1].weight)
    net(rand(1, 8, 64, 64)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_kernels_are_positive_and_sum_to_one_and_can_start_anywhere() -> None:
    torch.manual_seed(0)
    net, z = KernelGenerator((5, 9)), torch.rand(200)
    assert net(z).shape == (5, 9)
    assert float(net(z).detach().sum()) == pytest.approx(1, abs=1e-6)
    assert float(net(z).detach().min()) > 0
    kernel = torch.zeros(5, 9)
    kernel[2, 3:6] = torch.tensor([0.25, 0.5, 0.25])
    net.start_from(kernel)
    torch.testing.assert_close(net(z).detach(), kernel, rtol=0, atol=0.03)
    (net(z) * torch.randn(5, 9)).sum().backward()
    assert float(net[2].weight.grad.abs().max()) > 0
