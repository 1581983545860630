"""The unrolled networks: what they compute, and on what it depends."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deblur.networks import UDN, Denoiser, UnrolledHQS, _padding
from deblur.networks._denoiser import noise_features
from deblur.networks._padding import SeamlessView, grid_for
from deblur.solvers.fourier import corner, inverse_fourier, roughness
from deblur.solvers.framed import FramedBlur

from .cases import TINY, lively, photograph, rand, silent_parameters

BOUNDARIES = ("unknown", "circular")


def unrolled() -> nn.Module:
    torch.manual_seed(0)
    return lively(UnrolledHQS(3, **TINY))


def udn() -> nn.Module:
    torch.manual_seed(0)
    return lively(UDN(3, width=8))


KINDS = pytest.mark.parametrize("make", [unrolled, udn])
EACH_BOUNDARY = pytest.mark.parametrize("boundary", BOUNDARIES)


def psfs(count: int, *shape: int) -> torch.Tensor:
    values = rand(count, *shape, seed=3)
    return values / values.sum((-2, -1), keepdim=True)


@KINDS
@EACH_BOUNDARY
@torch.no_grad()
def test_an_image_does_not_depend_on_its_batch(make, boundary: str) -> None:
    net, y, kernels, levels = make(), rand(3, 1, 33, 46), psfs(3, 5, 4), torch.tensor([0.0, 0.01, 0.1])
    together = net(y, kernels, levels, boundary)
    for index in range(3):
        one = slice(index, index + 1)
        alone = net(y[one], kernels[one], levels[one], boundary)
        torch.testing.assert_close(together[one], alone, rtol=0, atol=1e-4)  # three stages of float32 sums
        torch.testing.assert_close(net(y[one], kernels[index], levels[one], boundary), alone, rtol=0, atol=1e-4)


@KINDS
@EACH_BOUNDARY
@settings(max_examples=15)
@given(height=st.integers(1, 40), width=st.integers(1, 40), rows=st.integers(1, 9), columns=st.integers(1, 9))
@torch.no_grad()
def test_any_size(make, boundary: str, height: int, width: int, rows: int, columns: int) -> None:
    kernel = psfs(1, min(rows, height), min(columns, width))[0]
    estimates = make().estimates(rand(2, 1, height, width), kernel, torch.tensor([0.0, 0.05]), boundary)
    assert len(estimates) == 3
    assert all(each.shape == (2, 1, height, width) and each.isfinite().all() for each in estimates)


@KINDS
@EACH_BOUNDARY
def test_gradients_reach_every_parameter(make, boundary: str) -> None:
    net = make().train()
    net(rand(2, 1, 24, 24), psfs(2, 5, 5), torch.tensor([0.01, 0.05]), boundary).square().sum().backward()
    constant = () if make is unrolled else tuple(f"convolutions.{layer}.bias" for layer in range(1, 6))
    assert [name for name in silent_parameters(net) if not name.endswith(constant or ("never",))] == []


@KINDS
@EACH_BOUNDARY
def test_the_gradient_is_finite_where_the_filter_has_zeros(make, boundary: str) -> None:
    net, flat = make(), torch.ones(8, 8) / 64
    net(torch.zeros(1, 1, 32, 32), flat, torch.zeros(1), boundary).sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize(("seam", "tolerance"), [(40, 1e-5), (None, 0.1)])
@torch.no_grad()
def test_a_circular_image_has_no_seam(seam: int | None, tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rolling the input by the U-Net's multiple rolls the output: exactly, if padded by the field of view of 3 stages.

    The network sees 8 pixels past the image. What lies further away makes 7 % of the correction of a network with
    random weights, which do not fade with distance; with no padding at all it is 40 %.
    """
    if seam is not None:
        monkeypatch.setattr(_padding, "_SEAM", seam)
    net, y, kernel, level = unrolled(), photograph(96, 88), psfs(1, 5, 5)[0], torch.tensor([0.02])
    by = (net.unet.multiple * 3, net.unet.multiple * 4)
    answer = net(y, kernel, level, "circular")
    rolled = net(y.roll(by, (-2, -1)), kernel, level, "circular").roll([-b for b in by], (-2, -1))
    assert (answer - y).std() > 0.1
    assert (rolled - answer).std() < tolerance * (answer - y).std()


@EACH_BOUNDARY
@torch.no_grad()
def test_the_first_stage_of_a_denoiser_is_plug_and_play(boundary: str) -> None:
    """The smooth solution, less the gain times what the denoiser takes for its noise."""
    torch.manual_seed(0)
    denoiser, net = lively(Denoiser(**TINY)), lively(UnrolledHQS(2, **TINY))
    net.start_from(denoiser)
    y, kernel, noise = rand(2, 1, 30, 37), psfs(1, 5, 5)[0], torch.tensor([0.01, 0.05])
    log_noise = noise.log()
    level = (net.level[0, 0] + net.level[1, 0] * log_noise).exp()
    weight = (net.weight[0, 0] + net.weight[1, 0] * log_noise).exp()[:, None, None, None]
    grid = grid_for(y, kernel, boundary)
    blur, view = FramedBlur(y, kernel, grid), SeamlessView((30, 37), grid)
    weight = weight * roughness(None, grid, y).sqrt()
    smooth = inverse_fourier(blur.filtered(blur.fill(weight, num_iter=100), weight), grid)
    padded = view.pad(smooth)
    noise_found = view.crop(padded - denoiser(padded, level))
    expected = corner(smooth - net.gain[0] * noise_found, (30, 37))
    torch.testing.assert_close(net.estimates(y, kernel, noise, boundary)[0], expected, rtol=0, atol=1e-5)


@torch.no_grad()
def test_the_unet_started_from_a_denoiser_predicts_the_same_noise() -> None:
    denoiser, net = lively(Denoiser(**TINY)), lively(UnrolledHQS(2, **TINY))
    net.start_from(denoiser)
    x, level = rand(1, 1, 16, 20), torch.tensor([0.05])
    others, stage = rand(1, 10, 16, 20, seed=5), rand(1, 2, seed=6)  # which it has no weights for yet
    answer = net.unet(torch.cat([x, others], 1), torch.cat([noise_features(level), stage], 1))[:, :1]
    torch.testing.assert_close(answer, denoiser.unet(x, noise_features(level)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("other", [Denoiser(3, **TINY), Denoiser(**(TINY | {"widths": (8, 24)})), Denoiser()])
def test_another_denoiser_is_refused_and_nothing_changes(other: Denoiser) -> None:
    net = unrolled()
    before = [p.clone() for p in net.parameters()]
    with pytest.raises(ValueError, match="denoiser must be for gray images and have the widths and depths"):
        net.start_from(other)
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


@EACH_BOUNDARY
@torch.no_grad()
def test_without_correction_the_stages_are_consistent_data_steps(boundary: str) -> None:
    """With silent networks and nearly no noise, x converges to what explains y."""
    net = UnrolledHQS(4, **TINY)
    net.gain.zero_()
    x = corner(rand(1, 1, 64, 64), (40, 40))
    kernel = torch.zeros(3, 3)
    kernel[1, 1], kernel[0, 1], kernel[1, 2] = 0.8, 0.1, 0.1
    blur = FramedBlur(x, kernel, (40, 40))
    y = inverse_fourier(torch.fft.rfft2(x) * blur.kernel, (40, 40))
    answer = net(y, kernel, torch.tensor([0.001]), boundary)
    inside = slice(4, 36) if boundary == "unknown" else slice(None)
    assert (answer - x)[..., inside, inside].std() < 0.2 * (y - x)[..., inside, inside].std()


@KINDS
@pytest.mark.parametrize(
    ("y", "psf", "level", "boundary", "message"),
    [
        ((1, 3, 9, 9), (3, 3), (1,), "unknown", r"y must have shape \(batch, 1, height, width\), got \(1, 3, 9, 9\)"),
        ((9, 9), (3, 3), (1,), "unknown", "y must have shape"),
        ((2, 1, 9, 9), (3,), (2,), "unknown", r"psf must have 2 axes, .*, got \(3,\)"),
        ((2, 1, 9, 9), (3, 3, 3), (2,), "unknown", r"psf must have 2 axes, .*, got \(3, 3, 3\)"),
        ((2, 1, 9, 9), (3, 3), (1,), "unknown", r"noise_level must have shape \(batch,\)"),
        ((2, 1, 9, 9), (3, 3), (), "unknown", r"noise_level must have shape \(batch,\)"),
        ((2, 1, 9, 9), (3, 3), (2,), "reflect", "boundary must be unknown or circular, got 'reflect'"),
    ],
)
def test_bad_input(make, y: tuple, psf: tuple, level: tuple, boundary: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()(rand(*y), rand(*psf), rand(*level), boundary)


def test_bad_depths() -> None:
    with pytest.raises(ValueError, match="stages must be at least 1, got 0"):
        UnrolledHQS(0)
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        UDN(0)
