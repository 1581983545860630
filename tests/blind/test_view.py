"""The gray image from which a blur is estimated, smoothed and shrunk."""

import numpy as np
import pytest
import torch

from deblur.blind._view import View, gradients, smooth

from .cases import unclipped


def test_smoothing_keeps_the_mean_of_a_constant_and_adds_its_variance() -> None:
    assert np.ptp(smooth(torch.full((20, 30), 0.3), 1.1).numpy()) < 1e-6
    spot = torch.zeros((41, 41), dtype=torch.float64)
    spot[20, 20] = 1
    place = torch.arange(41.0) - 20
    assert float((smooth(spot, 1.3).sum(0) * place.square()).sum()) == pytest.approx(1.69, abs=0.01)


def test_the_gradients_of_a_plane_are_its_slopes() -> None:
    rows, columns = torch.meshgrid(torch.arange(9.0), torch.arange(7.0), indexing="ij")
    across, down = gradients(0.5 * columns - 2 * rows)
    assert across.shape == down.shape == (8, 6)
    assert torch.equal(across, torch.full((8, 6), 0.5))
    assert torch.equal(down, torch.full((8, 6), -2.0))


@pytest.mark.parametrize("factor", [1.25, 2.0, 3.7])
def test_a_shrunk_plane_is_a_steeper_plane(factor: float) -> None:
    rows, columns = torch.meshgrid(torch.arange(120.0), torch.arange(90.0), indexing="ij")
    view = unclipped(0.01 * columns + 0.02 * rows)
    shrunk = view.shrunk(factor)
    assert shrunk.y.shape == shrunk.valid.shape == (round(120 / factor), round(90 / factor))
    across, down = gradients(shrunk.y)[:, 8:-8, 8:-8].mean((1, 2))
    scales = [large / small for large, small in zip(view.y.shape, shrunk.y.shape, strict=True)]
    assert [float(down), float(across)] == pytest.approx([0.02 * scales[0], 0.01 * scales[1]], rel=0.02)


def test_a_pixel_that_is_clipped_in_part_is_clipped_in_the_shrunk_view_and_the_page_stays() -> None:
    valid = torch.ones((40, 40), dtype=torch.bool)
    valid[20, 20] = False
    view = View(torch.full((40, 40), 0.5), valid, background=1.0)
    shrunk = view.shrunk(2.0)
    assert shrunk.background == 1
    assert (~shrunk.valid).nonzero().tolist() == [[10, 10]]
    assert view.smoothed(1.0).background == 1
    assert view.shrunk(1.0) is view
