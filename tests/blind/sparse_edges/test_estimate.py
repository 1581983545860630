"""Estimation of a kernel from coarse to fine."""

import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.blind._kernels import similarity
from deblur.blind._sparse_edges.edges import Edges, all_edges, strongest_edges, useful_edges
from deblur.blind._sparse_edges.estimate import Tuning, estimate_psf, kernel_shapes, largest_size, odd
from deblur.operators import Convolution
from deblur.psf import camera_shake, pad_to

from ..cases import unclipped

TRUE = torch.from_numpy(pad_to(camera_shake(13, seed=2), (17, 17))).float()


@given(st.integers(3, 120), st.integers(3, 120))
def test_kernels_grow_from_scale_to_scale(rows: int, columns: int) -> None:
    shape = (odd(rows), odd(columns))
    shapes = kernel_shapes(shape)
    assert shapes[-1] == shape
    assert max(shapes[0]) <= 5
    assert all(side % 2 and side >= 3 for each in shapes for side in each)
    assert shapes == sorted(shapes)
    assert kernel_shapes(shape, 2) == shapes[-2:]


@given(st.integers(32, 200), st.integers(32, 200), st.integers(1, 40), st.integers(1, 40))
def test_the_largest_size_is_odd_and_half_the_view_or_what_is_given(rows: int, columns: int, m: int, n: int) -> None:
    view = unclipped(torch.zeros(rows, columns))
    assert all(
        half - side in (0, 1) for half, side in zip((rows // 2, columns // 2), largest_size(view, None), strict=True)
    )
    most = (2 * m + 1, 2 * n + 1)
    for side, free, bound in zip(largest_size(view, most), largest_size(view, None), most, strict=True):
        assert side == min(free, bound)


@pytest.mark.parametrize("rule", [all_edges, useful_edges, strongest_edges])
def test_a_kernel_is_found_by_every_rule_for_edges(rule: Edges) -> None:
    scene = torch.from_numpy(skimage.data.camera()[120:290, 120:310] / 255.0).float()
    view = unclipped(Convolution(TRUE, tuple(scene.shape), "valid")(scene))
    parts: list[float] = []
    found = estimate_psf(view, (17, 19), Tuning(4e-3, 0.04, 0.05, rule), lambda part, stage: parts.append(part))
    assert found.shape == (17, 19)
    assert float(found.min()) >= 0
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert similarity(found, TRUE) > 0.8
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1)
