"""The image step: a scene of few edges."""

import torch

from deblur.blind._sparse_edges.image_step import grid_for, scene_of_edges
from deblur.blind._view import View
from deblur.operators import Convolution
from deblur.psf import camera_shake, gaussian
from deblur.solvers.fourier import continue_smoothly

from ..cases import page, unclipped


def test_a_picture_of_few_edges_is_kept_and_clipped_pixels_are_filled() -> None:
    x = torch.zeros((64, 64), dtype=torch.float64)
    x[20:40, 25:50] = 0.8
    blur = torch.from_numpy(gaussian(1.2))
    y = Convolution(blur, (64, 64), "replicate")(x)
    valid = torch.ones_like(y, dtype=torch.bool)
    valid[28:31, 35:38] = False
    view = View(torch.where(valid, y, 1.0), valid)
    filled = continue_smoothly(view.y, grid_for((64, 64), tuple(blur.shape)))
    for _ in range(3):
        found, filled = scene_of_edges(view, blur, filled, 2e-3)
    assert (found[:64, :64] - x).abs().mean() < 0.25 * (y - x).abs().mean()
    assert (filled[28:31, 35:38] - y[28:31, 35:38]).abs().max() < 0.02


def test_a_page_is_separated_from_its_letters_where_it_is_known_to_be_white() -> None:
    x = torch.from_numpy(page(140, 200)).float()
    blur = torch.from_numpy(camera_shake(9, seed=2)).float()
    y = Convolution(blur, tuple(x.shape), "replicate")(x)
    filled = continue_smoothly(y, grid_for(tuple(y.shape), tuple(blur.shape)))
    blank, known = (
        scene_of_edges(unclipped(y)._replace(background=value), blur, filled, 2e-3)[0][:140, :200]
        for value in (None, 1.0)
    )
    assert (known - x).abs().mean() < 0.95 * (blank - x).abs().mean()
    assert (known - x)[x == 1].abs().median() < 0.5 * (blank - x)[x == 1].abs().median()
