"""Smooth continuation into missing samples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deblur.solvers.filling import fill_smoothly


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_known_samples_stay_and_constants_continue(ndim) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.rand((2, *(17,) * ndim), generator=generator, dtype=torch.float64)
    seen = torch.rand(y.shape, generator=generator) > 0.4
    filled = fill_smoothly(torch.where(seen, y, torch.nan).nan_to_num(99.0), seen, ndim)
    assert torch.equal(filled[seen], y[seen])
    assert y.min() <= filled.min()
    assert filled.max() <= y.max()
    flat = fill_smoothly(torch.where(seen, 3.0, 0.0), seen, ndim)
    torch.testing.assert_close(flat, torch.full_like(flat, 3.0))


def test_a_ramp_is_continued_without_a_step() -> None:
    ramp = torch.linspace(0, 1, 64, dtype=torch.float64).expand(64, 64)
    seen = torch.ones(64, 64, dtype=torch.bool)
    seen[20:44, 24:40] = False
    filled = fill_smoothly(ramp * seen, seen, 2)
    assert float((filled - ramp).abs().max()) < 0.12
    assert float(np.abs(np.diff(filled.numpy(), axis=1)).max()) < 0.1


def test_without_a_known_sample_there_is_nothing() -> None:
    assert torch.equal(fill_smoothly(torch.ones(5, 6), torch.zeros(5, 6), 2), torch.zeros(5, 6))
