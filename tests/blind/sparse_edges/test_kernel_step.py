"""The kernel step: least squares between the gradients of two images."""

import pytest
import torch

from deblur.blind._kernels import delta
from deblur.blind._sparse_edges.kernel_step import fit_psf
from deblur.blind._view import View, gradients
from deblur.operators import Convolution

from ..cases import kernel, unclipped

SCENE = torch.rand((60, 50), dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(7, 7), (3, 9), (5, 3)])
def test_the_kernel_that_was_there_is_found(shape: tuple[int, int]) -> None:
    true = kernel(shape)
    y = Convolution(true, tuple(SCENE.shape), "reflect")(SCENE)
    found = delta(true)
    for _ in range(2):  # one step goes some way, and starts from the last
        found = fit_psf(gradients(SCENE), unclipped(y), found, weight=0.0)
    torch.testing.assert_close(found, true, atol=1e-5, rtol=0)


def test_clipped_pixels_are_not_looked_at() -> None:
    true = kernel((5, 5))
    y = Convolution(true, tuple(SCENE.shape), "reflect")(SCENE)
    valid = torch.ones_like(y, dtype=torch.bool)
    valid[20:25, 30:33] = False
    spoilt = torch.where(valid, y, 9.0)
    torch.testing.assert_close(
        fit_psf(gradients(SCENE), View(spoilt, valid), delta(true)),
        fit_psf(gradients(SCENE), View(y, valid), delta(true)),
    )


def test_the_penalty_makes_the_kernel_smaller() -> None:
    true = kernel((5, 5))
    view = unclipped(Convolution(true, tuple(SCENE.shape), "reflect")(SCENE))
    norms = [float(fit_psf(gradients(SCENE), view, delta(true), weight=each).norm()) for each in (0.0, 5.0, 500.0)]
    assert norms[0] > norms[1] > norms[2]
