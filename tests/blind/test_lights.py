"""Clipped pixels: lost lights, or a white page."""

import pytest
import torch

from deblur.blind._lights import without_lights
from deblur.operators import Convolution
from deblur.psf import camera_shake

from .cases import page

SHAKE = torch.from_numpy(camera_shake(15, seed=4)).float()


def photographed(scene: torch.Tensor) -> torch.Tensor:
    """The scene, shaken and then clipped."""
    return Convolution(SHAKE, tuple(scene.shape), "replicate")(scene).clamp(0, 1)


def night(lamp: float) -> torch.Tensor:
    """A dim street with one small lamp."""
    scene = 0.1 + 0.2 * torch.rand((12, 16), generator=torch.Generator().manual_seed(0))
    scene = scene.repeat_interleave(10, 0).repeat_interleave(10, 1)
    scene[60:66, 70:76] = lamp
    return photographed(scene)


@pytest.mark.parametrize("lines", [1, 4, 12])
def test_the_white_of_a_page_is_no_lost_light_however_much_of_it_there_is(lines: int) -> None:
    y = photographed(torch.from_numpy(page(400, 400, lines)).float())
    assert bool((y > 0.99).any())
    view, has_lights = without_lights(y[None], y)
    assert not has_lights
    assert bool(view.valid.all())
    assert view.background == 1


def test_a_small_bright_lamp_is_a_lost_light_and_left_out() -> None:
    y = night(60.0)
    view, has_lights = without_lights(y[None], y)
    assert has_lights
    assert not bool(view.valid[y > 0.99].any())
    assert float((~view.valid).float().mean()) < 0.05
    assert view.background is None


def test_where_nothing_is_clipped_all_is_valid() -> None:
    y = night(0.6)
    view, has_lights = without_lights(y[None], y)
    assert not has_lights
    assert bool(view.valid.all())
    assert view.y is y


def test_the_channel_that_has_lost_least_is_looked_at() -> None:
    red = night(60.0)
    blue = 0.97 * red
    view, has_lights = without_lights(torch.stack([red, red, blue]), red)
    assert has_lights
    assert torch.equal(view.y, blue)
    assert bool(view.valid.all())


@pytest.mark.parametrize(("share", "background"), [(0.3, 0.0), (0.02, None)])
def test_black_that_takes_up_much_of_a_picture_is_a_page(share: float, background: float | None) -> None:
    y = 0.2 + 0.6 * torch.rand((100, 100), generator=torch.Generator().manual_seed(0))
    y[: round(100 * share)] = 0
    assert without_lights(y[None], y)[0].background == background
