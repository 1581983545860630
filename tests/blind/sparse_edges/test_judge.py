"""What tells good candidates from bad ones."""

import itertools

import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur.blind._kernels import similarity
from deblur.blind._settings import Settings
from deblur.blind._sparse_edges.judge import (
    Candidate,
    best_of,
    distinct,
    evaluate,
    is_cramped,
    least_energy,
    rings,
    sparsest,
    sparsity,
)
from deblur.blind._view import smooth
from deblur.operators import Convolution
from deblur.psf import camera_shake, disk

from ..cases import unclipped

IMAGE = torch.zeros(8, 8)
KERNELS = [torch.from_numpy(camera_shake(15, shape=25, seed=seed)) for seed in range(4)]
SCORES = st.lists(st.tuples(st.floats(1e-6, 1.0), st.floats(0.1, 0.9)), min_size=1, max_size=6)


def candidates(scores: list[tuple[float, float]]) -> list[Candidate]:
    """One for each energy and sparsity."""
    return [Candidate(psf, IMAGE, *score) for psf, score in zip(itertools.cycle(KERNELS), scores, strict=False)]


@given(SCORES)
def test_the_chosen_candidate_explains_the_image_and_no_such_one_is_sparser(scores: list[tuple[float, float]]) -> None:
    pool = candidates(scores)
    least = least_energy(pool).energy
    assert least == min(energy for energy, _ in scores)
    plausible = [each for each in pool if each.energy <= 3 * least]
    assert sparsest(pool).sparsity == min(each.sparsity for each in plausible)
    best = best_of(pool)
    assert best.energy <= 3 * least
    assert not any(each.energy < best.energy and each.sparsity < best.sparsity for each in pool)


def test_a_little_sparsity_outweighs_no_large_energy() -> None:
    finer, sparser = candidates([(1.0, 0.50), (2.0, 0.49)])
    assert best_of([finer, sparser]) is finer
    assert sparsest([finer, sparser]) is sparser


@pytest.mark.parametrize("alike", [0.9, 0.99])
def test_distinct_candidates_are_not_alike_and_begin_with_the_best(alike: float) -> None:
    pool = candidates([(1.0, 0.4 + 0.01 * number) for number in range(8)])  # each kernel twice
    pool += [pool[0]._replace(psf=pool[0].psf.roll(2, 0), sparsity=0.39)]
    chosen = distinct(pool, 3, alike)
    assert chosen[0] is pool[-1]
    assert len(chosen) == 3
    assert all(similarity(a.psf, b.psf) < alike for a, b in itertools.combinations(chosen, 2))
    assert len(distinct(pool, 9, alike)) == len(KERNELS)
    assert distinct(pool[:1] * 3, 2, alike) == [pool[0]]


def test_sparsity_does_not_depend_on_contrast_and_grows_with_blur() -> None:
    x = torch.from_numpy(skimage.data.camera()[100:300, 100:300] / 255.0)
    assert sparsity(0.3 * x + 0.2) == pytest.approx(sparsity(x))
    assert sparsity(x) < sparsity(smooth(x, 1.0)) < sparsity(smooth(x, 2.0))
    assert sparsity(torch.ones(9, 9)) == 0


def test_the_true_kernel_is_better_than_none_and_than_noise() -> None:
    scene = torch.from_numpy(skimage.data.camera()[100:300, 100:300] / 255.0).float()
    true = KERNELS[1].float()
    y = Convolution(true, tuple(scene.shape), "valid")(scene)
    noise = torch.rand(true.shape, generator=torch.Generator().manual_seed(0))
    settings = Settings.for_noise(0.001)
    pool = [evaluate(psf / psf.sum(), unclipped(y), settings) for psf in (noise, true, torch.eye(1))]
    assert best_of(pool) is pool[1]
    assert sparsest(pool) is pool[1]
    assert pool[1].misfit < pool[0].misfit


def test_a_kernel_with_weight_at_its_border_is_cramped() -> None:
    assert is_cramped(torch.from_numpy(disk(10, shape=21)))
    assert not is_cramped(torch.from_numpy(camera_shake(11, shape=21, seed=1)))


def test_one_pixel_in_a_thousand_far_below_black_is_ringing() -> None:
    ringing = torch.linspace(-1, 1, 10_000).reshape(100, 100)
    assert rings(ringing)
    assert not rings(ringing.clamp_min(-0.1))
