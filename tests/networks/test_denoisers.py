"""The denoisers: their predictions, fields of view and sizes."""

import pytest
import torch

from deblur.networks import UDN, Denoiser, DilatedDenoiser

from .cases import TINY, lively, rand, silent_parameters


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("channels", [1, 3])
@torch.no_grad()
def test_denoiser_predicts_the_noise(channels: int) -> None:
    net = lively(Denoiser(channels, **TINY))
    x, level = rand(2, channels, 13, 18), torch.tensor([0.0, 0.2])
    assert net(x, level).shape == x.shape
    net.unet.tail.weight.zero_()
    net.unet.tail.bias.zero_()
    torch.testing.assert_close(net(x, level), x)


@torch.no_grad()
def test_denoiser_knows_the_noise_level() -> None:
    net, x = lively(Denoiser(**TINY)), rand(1, 1, 16, 16).expand(3, 1, 16, 16)
    quiet, louder, loud = net(x, torch.tensor([0.0, 0.05, 0.2]))
    assert (quiet - louder).abs().max() > 1e-4
    assert (louder - loud).abs().max() > 1e-4
    torch.testing.assert_close(net(x[:1], torch.tensor([0.05]))[0], louder, rtol=0, atol=1e-5)


@pytest.mark.parametrize("level", [torch.tensor(0.1), torch.tensor([0.1]), torch.full((2, 1), 0.1)])
def test_denoiser_needs_one_noise_level_per_image(level: torch.Tensor) -> None:
    with pytest.raises(ValueError, match=r"noise_level must have shape \(batch,\), one per image, got"):
        Denoiser(**TINY)(rand(2, 1, 8, 8), level)


def test_sizes_of_the_seed_system() -> None:
    assert count(DilatedDenoiser()) == count(DilatedDenoiser(skips=True)) == 186_497
    assert count(UDN(8)) == 8 * 186_497 == 1_491_976
    assert count(UDN(10)) == 10 * 186_497 == 1_864_970


@pytest.mark.parametrize("skips", [False, True])
def test_the_field_of_view_of_a_dilated_denoiser(skips: bool) -> None:
    """1 + 2 + 3 + 4 + 3 + 2 + 1, and the corners of that square too."""
    torch.manual_seed(0)
    net = lively(DilatedDenoiser(16, skips=skips))
    x = rand(1, 1, 41, 41).requires_grad_()
    net(x)[0, 0, 20, 20].backward()
    seen = x.grad[0, 0] != 0
    expected = torch.zeros(41, 41, dtype=torch.bool)
    expected[4:37, 4:37] = True
    assert torch.equal(seen.any(0), expected.any(0))
    assert torch.equal(seen.any(1), expected.any(1))
    assert not (seen & ~expected).any()


@torch.no_grad()
def test_skips_add_the_second_to_the_fourth_and_the_first_to_the_fifth() -> None:
    net, x = lively(DilatedDenoiser(8, skips=True)), rand(1, 1, 20, 21)
    plain = DilatedDenoiser(8)
    plain.load_state_dict(net.state_dict())
    assert (net(x) - plain.eval()(x)).abs().max() > 1e-4
    layers = [lambda t, c=c, n=n: n(c(t)).relu() for c, n in zip(net.convolutions[1:-1], net.norms, strict=True)]
    x1 = net.convolutions[0](x).relu()
    x2 = layers[0](x1)
    x4 = layers[2](layers[1](x2))
    x5 = layers[3](x4 + x2)
    x6 = layers[4](x5 + x1)
    torch.testing.assert_close(net(x), x - net.convolutions[-1](x6))


@pytest.mark.parametrize("size", [(1, 1), (2, 17), (40, 33)])
def test_dilated_denoiser_takes_any_size(size: tuple[int, int]) -> None:
    net = DilatedDenoiser(8)
    answer = net(rand(2, 1, *size))
    assert answer.shape == (2, 1, *size)
    answer.square().sum().backward()
    if size == (40, 33):
        silent = [name for name in silent_parameters(net) if not name.startswith("convolutions") or "bias" not in name]
        assert silent == []  # a bias before a normalization has none
