"""Kernels brought from a shrunk image to the full size."""

import pytest
import skimage.data
import torch
import torch.nn.functional as F

from deblur.blind._kernels import similarity
from deblur.blind._settings import Settings
from deblur.blind._sparse_edges.judge import evaluate
from deblur.blind._sparse_edges.refine import refined
from deblur.operators import Convolution
from deblur.psf import camera_shake, pad_to

from ..cases import unclipped

TRUE = torch.from_numpy(pad_to(camera_shake(20, seed=2), (25, 25))).float()
SETTINGS = Settings.for_noise(0.001)
SCENE = torch.from_numpy(skimage.data.camera()[120:300, 120:320] / 255.0).float()
WINDOW = unclipped(Convolution(TRUE, tuple(SCENE.shape), "valid")(SCENE))


def halved(psf: torch.Tensor) -> torch.Tensor:
    small = F.interpolate(psf[None, None], (13, 13), mode="area")[0, 0]
    return small / small.sum()


def test_a_rough_kernel_becomes_truer() -> None:
    rough = halved(TRUE)
    once, thrice = (refined(WINDOW, SETTINGS, rough, 2.0, None, repeatedly=each) for each in (False, True))
    coarse = F.interpolate(rough[None, None], (26, 26), mode="bilinear")[0, 0]
    assert similarity(coarse, TRUE) < similarity(once.psf, TRUE)
    assert similarity(thrice.psf, TRUE) > 0.9
    assert thrice.energy <= once.energy <= evaluate(coarse / coarse.sum(), WINDOW, SETTINGS).energy


@pytest.mark.parametrize("wrong", [torch.eye(13) / 13, torch.ones(1, 9) / 9], ids=["diagonal", "row"])
def test_the_energy_never_rises_even_from_a_wrong_kernel(wrong: torch.Tensor) -> None:
    size = [2 * side for side in wrong.shape]
    coarse = F.interpolate(wrong[None, None], [max(3, side) for side in size], mode="bilinear")[0, 0]
    before = evaluate(coarse / coarse.sum(), WINDOW, SETTINGS).energy
    found = refined(WINDOW, SETTINGS, wrong, 2.0, None, repeatedly=True)
    assert found.energy <= before * (1 + 1e-3)
    assert float(found.psf.min()) >= 0
    assert float(found.psf.sum()) == pytest.approx(1, abs=1e-5)


def test_a_kernel_grows_to_no_more_than_half_the_window() -> None:
    small = unclipped(WINDOW.y[:50, :61])
    found = refined(small, SETTINGS, torch.ones(12, 15) / 180, 2.0, None, repeatedly=True)
    assert all(side <= size // 2 for side, size in zip(found.psf.shape, small.y.shape, strict=True))


def test_a_size_that_is_given_is_kept_to() -> None:
    found = refined(WINDOW, SETTINGS, halved(TRUE), 2.0, (15, 21), repeatedly=True)
    assert all(side <= most for side, most in zip(found.psf.shape, (15, 21), strict=True))
