"""The steps of kernel estimation, each by what it promises."""

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.blind._kernels import centered, cleaned, delta, enlarged, similarity, spread, trimmed
from deblur.blind._sparse_edges.confidence import assess
from deblur.blind._sparse_edges.estimate import kernel_shapes, odd, refined, rough_psf
from deblur.blind._sparse_edges.image_step import grid_for, scene_of_edges
from deblur.blind._sparse_edges.kernel_step import fit_psf
from deblur.blind._sparse_edges.search import Candidate, SearchResult, choose, rings
from deblur.blind._sparse_edges.sharpen import sharpen
from deblur.blind._view import View, smooth
from deblur.operators import Convolution
from deblur.psf import camera_shake, disk, gaussian
from deblur.solvers.fourier import continue_smoothly


def kernel(shape: tuple[int, int]) -> torch.Tensor:
    values = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    return values / values.sum()


def unclipped(y: torch.Tensor) -> View:
    return View(y, torch.ones_like(y, dtype=torch.bool))


@pytest.fixture
def scene() -> torch.Tensor:
    return torch.rand((60, 50), dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(7, 7), (3, 9), (5, 3)])
def test_the_kernel_step_finds_the_kernel_that_was_there(scene: torch.Tensor, shape: tuple[int, int]) -> None:
    true = kernel(shape)
    y = Convolution(true, tuple(scene.shape), "reflect")(scene)
    found = fit_psf(scene, unclipped(y), delta(true), weight=0.0)
    torch.testing.assert_close(found, true, atol=1e-5, rtol=0)


def test_the_kernel_step_does_not_look_at_clipped_pixels(scene: torch.Tensor) -> None:
    true = kernel((5, 5))
    y = Convolution(true, tuple(scene.shape), "reflect")(scene)
    valid = torch.ones_like(y, dtype=torch.bool)
    valid[20:25, 30:33] = False
    spoilt = torch.where(valid, y, 9.0)
    torch.testing.assert_close(
        fit_psf(scene, View(spoilt, valid), delta(true)), fit_psf(scene, View(y, valid), delta(true))
    )


def test_the_image_step_keeps_a_picture_of_few_edges_and_fills_clipped_pixels() -> None:
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


def test_the_final_step_does_not_look_at_clipped_pixels(scene: torch.Tensor) -> None:
    valid = torch.ones_like(scene, dtype=torch.bool)
    valid[10:14, 10:14] = False
    a, first = sharpen(torch.where(valid, scene, 0.0), valid, kernel((3, 3)), 1e-2)
    b, second = sharpen(torch.where(valid, scene, 5.0), valid, kernel((3, 3)), 1e-2)
    torch.testing.assert_close(a, b, atol=0.05, rtol=0)
    assert first == pytest.approx(second, rel=1e-3)


def test_the_final_step_lowers_what_it_minimizes(scene: torch.Tensor) -> None:
    y = Convolution(kernel((5, 5)), tuple(scene.shape), "reflect")(scene)
    energies = [
        sharpen(y, torch.ones_like(y, dtype=torch.bool), kernel((5, 5)), 1e-3, rounds=rounds)[1] for rounds in (1, 2, 4)
    ]
    assert energies[2] < energies[1] < energies[0]


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


def test_trimming_leaves_out_only_zeros() -> None:
    k = torch.zeros((15, 15))
    k[5:10, 6:9] = 1
    assert torch.equal(trimmed(k), torch.ones((5, 3)))


@given(st.integers(3, 120), st.integers(3, 120))
def test_kernels_grow_from_scale_to_scale(rows: int, columns: int) -> None:
    shape = (odd(rows), odd(columns))
    shapes = kernel_shapes(shape)
    assert shapes[-1] == shape
    assert max(shapes[0]) <= 5
    assert all(side % 2 and side >= 3 for each in shapes for side in each)
    assert shapes == sorted(shapes)


def test_a_large_kernel_is_found_at_half_the_size_and_refined() -> None:
    true = camera_shake(40, seed=2)
    scene = torch.from_numpy(skimage.data.camera()[120:380, 120:380] / 255.0).float()
    y = Convolution(torch.from_numpy(true).float(), tuple(scene.shape), "valid")(scene)
    rough = rough_psf(unclipped(y), (65, 65))
    assert all(extent <= 33 for extent in rough.shape)
    found = refined(unclipped(y), rough, (65, 65))
    assert all(side % 2 == 1 and side <= 65 for side in found.shape)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert similarity(found, torch.from_numpy(true).float()) > 0.8


def test_of_nearly_equal_candidates_one_that_is_not_cramped_is_best() -> None:
    cramped, free = (torch.from_numpy(each) for each in (disk(10, shape=21), camera_shake(11, shape=21, seed=1)))
    image = torch.zeros(8, 8)
    scores = [(cramped, 0.0), (free, 0.001), (free, 0.002), (free, -0.003)]
    candidates = [Candidate(psf, image, 1.0, score) for psf, score in scores]
    assert choose(candidates) == 1
    assert choose([*candidates, Candidate(cramped, image, 1.0, -0.1)]) == 4


def test_a_kernel_is_similar_to_itself_anywhere() -> None:
    k = torch.from_numpy(camera_shake(11, shape=(21, 21), seed=1))
    assert similarity(k, k.roll((2, -1), (0, 1))) == pytest.approx(1)
    assert similarity(k, torch.from_numpy(gaussian(1.0))) < 0.9


def test_smoothing_keeps_the_mean_of_a_constant_and_adds_its_variance() -> None:
    assert np.ptp(smooth(torch.full((20, 30), 0.3), 1.1).numpy()) < 1e-6
    spot = torch.zeros((41, 41), dtype=torch.float64)
    spot[20, 20] = 1
    place = torch.arange(41.0) - 20
    assert float((smooth(spot, 1.3).sum(0) * place.square()).sum()) == pytest.approx(1.69, abs=0.01)


def test_the_spread_of_a_kernel_is_the_standard_deviation_of_its_light() -> None:
    spot = torch.from_numpy(gaussian(2.0, shape=31))
    assert float(spread(spot)) == pytest.approx(2 * 2**0.5, rel=0.02)
    assert spread(torch.roll(spot, (3, -2), (0, 1))) == pytest.approx(spread(spot), rel=1e-3)
    assert spread(delta(torch.zeros(5, 5))) == 0


@pytest.mark.parametrize(
    ("best", "other", "gain", "is_usable", "reason"),
    [
        (camera_shake(11, shape=21, seed=1), camera_shake(11, shape=21, seed=1), 0.3, True, ""),
        (camera_shake(11, shape=21, seed=1), camera_shake(11, shape=21, seed=1), 0.05, False, "no one motion"),
        (camera_shake(11, shape=21, seed=1), disk(8, shape=21), 0.15, False, "no one motion"),
        (camera_shake(11, shape=21, seed=1), disk(8, shape=21), 0.3, True, "different estimates"),
        (gaussian(0.8, shape=11), gaussian(0.8, shape=11), 0.3, False, "not blurred"),
        (disk(10, shape=21), disk(10, shape=21), 0.3, True, "larger"),
    ],
    ids=["clear", "in vain", "doubtful", "divided", "sharp", "cramped"],
)
def test_assessments(best: np.ndarray, other: np.ndarray, gain: float, is_usable: bool, reason: str) -> None:
    image = torch.zeros(8, 8)
    first, second = (Candidate(torch.from_numpy(each), image, 1.0, 0.0) for each in (best, other))
    assessment = assess(SearchResult(first, [second], gain))
    assert assessment.is_usable is is_usable
    assert reason in assessment.reason
    assert (assessment.reason == "") == (assessment.confidence == 1)


def test_pictures_far_below_black_are_not_believed() -> None:
    kernel = torch.from_numpy(camera_shake(11, shape=21, seed=1))
    ringing = torch.linspace(-1, 1, 10_000).reshape(100, 100)
    assert rings(ringing)
    assert not rings(ringing.clamp_min(-0.1))
    assessment = assess(SearchResult(Candidate(kernel, ringing, 1.0, 0.0), [], 0.3))
    assert not assessment.is_usable
    assert "rings" in assessment.reason
