"""The last fit of the PSF, to a scene with the edges of photographs."""

import skimage.data
import torch

from deblur.blind._kernels import similarity
from deblur.blind._settings import Settings
from deblur.blind._sparse_edges.refit import refitted
from deblur.blind._view import View, smooth
from deblur.operators import Convolution
from deblur.psf import camera_shake, pad_to

from ..cases import unclipped

TRUE = torch.from_numpy(pad_to(camera_shake(10, seed=2), (19, 19))).float()


def blurred() -> View:
    scene = smooth(torch.from_numpy(skimage.data.camera()[150:330, 150:330] / 255.0).float(), 0.5)
    return unclipped(Convolution(TRUE, tuple(scene.shape), "valid")(scene))


def test_a_kernel_that_is_too_soft_becomes_truer() -> None:
    soft = smooth(TRUE, 0.6)
    found = refitted(soft, blurred(), Settings.for_noise(0.001))
    assert found.shape == soft.shape
    assert abs(float(found.sum()) - 1) < 1e-5
    assert 1 - similarity(found, TRUE) < 0.75 * (1 - similarity(soft, TRUE))


def test_in_noise_a_kernel_that_is_too_soft_becomes_truer_too() -> None:
    view, soft = blurred(), smooth(TRUE, 1.0)
    noise = 0.01 * torch.randn(view.y.shape, generator=torch.Generator().manual_seed(0))
    found = refitted(soft, view._replace(y=view.y + noise), Settings.for_noise(0.01))
    assert 1 - similarity(found, TRUE) < 0.9 * (1 - similarity(soft, TRUE))
