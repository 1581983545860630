"""Operations on estimated kernels."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.blind._kernels import (
    centered,
    cleaned,
    delta,
    enlarged,
    fitted_to,
    least_width,
    likeness_to_gaussian,
    similarity,
    spread,
    trimmed,
)
from deblur.psf import camera_shake, gaussian

from .cases import kernel


def test_faint_and_lone_parts_of_a_kernel_go_and_the_largest_stays() -> None:
    k = torch.zeros((9, 9))
    k[4, 2:6], k[0, 0], k[8, 8], k[2, 7] = 1.0, 0.01, 0.06, -0.5
    assert torch.equal(cleaned(k, threshold=0.03, least_part=0.03), torch.where(k == 1, 0.25, 0.0))
    apart = torch.eye(3).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert float(cleaned(apart, threshold=0.1, least_part=2.0).sum()) == pytest.approx(1)
    assert torch.equal(cleaned(-k.abs(), threshold=0.1, least_part=0.1), delta(k))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))
def test_a_centered_kernel_keeps_its_size_and_has_its_centroid_in_the_middle(m: int, n: int, seed: int) -> None:
    shape = (2 * m + 1, 2 * n + 1)
    k = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    k[: m - 1] *= 0.01
    moved = centered(k)
    assert moved.shape == k.shape
    assert float(moved.sum()) == pytest.approx(1)
    larger = enlarged(k, (2 * m + 5, 2 * n + 3))
    assert larger.shape == (2 * m + 5, 2 * n + 3)
    assert float(larger.min()) >= 0


@given(*[st.integers(1, 12)] * 4)
def test_a_kernel_is_fitted_to_a_shape_about_its_middle(m: int, n: int, more_rows: int, more_columns: int) -> None:
    small = kernel((2 * m + 1, 2 * n + 1))
    shape = (small.shape[0] + 2 * more_rows, small.shape[1] + 2 * more_columns)
    large = fitted_to(small, shape)
    assert large.shape == shape
    assert float(large[shape[0] // 2, shape[1] // 2]) == pytest.approx(float(small[m, n]))
    torch.testing.assert_close(fitted_to(large, (small.shape[0], small.shape[1])), small)
    crossed = fitted_to(small, (shape[0], 1))
    assert crossed.shape == (shape[0], 1)
    assert float(crossed.sum()) == pytest.approx(1)


def test_trimming_leaves_out_only_zeros() -> None:
    k = torch.zeros((15, 15))
    k[5:10, 6:9] = 1
    assert torch.equal(trimmed(k), torch.ones((5, 3)))


def test_a_kernel_is_similar_to_itself_anywhere() -> None:
    k = torch.from_numpy(camera_shake(11, shape=(21, 21), seed=1))
    assert similarity(k, k.roll((2, -1), (0, 1))) == pytest.approx(1)
    assert similarity(k, torch.from_numpy(gaussian(1.0))) < 0.9


def test_the_spread_of_a_kernel_is_the_standard_deviation_of_its_light() -> None:
    spot = torch.from_numpy(gaussian(2.0, shape=31))
    assert float(spread(spot)) == pytest.approx(2 * 2**0.5, rel=0.02)
    assert spread(torch.roll(spot, (3, -2), (0, 1))) == pytest.approx(spread(spot), rel=1e-3)
    assert spread(delta(torch.zeros(5, 5))) == 0


def test_a_blob_is_like_a_gaussian_wherever_it_is_and_a_path_is_not() -> None:
    blob = torch.from_numpy(gaussian((3.0, 5.0), angle=30))
    moved = torch.nn.functional.pad(2 * blob, (0, 6, 8, 0))
    assert likeness_to_gaussian(blob) > 0.98
    assert least_width(blob) == pytest.approx(3.0, rel=0.05)
    assert likeness_to_gaussian(moved) == pytest.approx(likeness_to_gaussian(blob), abs=1e-3)
    assert all(likeness_to_gaussian(torch.from_numpy(camera_shake(27, seed=each))) < 0.92 for each in range(20))


@pytest.mark.parametrize("row", range(9))
def test_no_psf_is_lost_between_the_samples_of_a_coarser_grid(row: int) -> None:
    point = torch.zeros(9, 9)
    point[row, 4] = 1
    assert float(enlarged(point, (3, 3)).sum()) == pytest.approx(1)
