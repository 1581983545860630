"""Restoration with a candidate kernel."""

import pytest
import torch

from deblur.blind._sparse_edges.sharpen import sharpen
from deblur.operators import Convolution

from ..cases import kernel

SCENE = torch.rand((60, 50), dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_clipped_pixels_are_not_looked_at() -> None:
    valid = torch.ones_like(SCENE, dtype=torch.bool)
    valid[10:14, 10:14] = False
    a, energy, misfit = sharpen(torch.where(valid, SCENE, 0.0), valid, kernel((3, 3)), 1e-2)
    b, *others = sharpen(torch.where(valid, SCENE, 5.0), valid, kernel((3, 3)), 1e-2)
    torch.testing.assert_close(a, b, atol=0.05, rtol=0)
    assert [energy, misfit] == pytest.approx(others, rel=1e-3)


def test_what_is_minimized_falls_and_is_no_less_than_its_first_term() -> None:
    y = Convolution(kernel((5, 5)), tuple(SCENE.shape), "reflect")(SCENE)
    valid = torch.ones_like(y, dtype=torch.bool)
    measured = [sharpen(y, valid, kernel((5, 5)), 1e-3, rounds=rounds)[1:] for rounds in (1, 2, 4)]
    assert measured[2][0] < measured[1][0] < measured[0][0]
    assert all(0 < misfit < energy for energy, misfit in measured)


def test_the_true_kernel_explains_the_image_better_than_none() -> None:
    true = kernel((5, 5))
    y = Convolution(true, tuple(SCENE.shape), "reflect")(SCENE)
    valid = torch.ones_like(y, dtype=torch.bool)
    wrong = kernel((9, 9)).flip(0)
    assert sharpen(y, valid, true, 1e-4)[2] < 0.5 * sharpen(y, valid, wrong, 1e-4)[2]
