"""`deblur.blind.selfdeblur`: the fit, the run, input validation and results."""

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch

from deblur import Restoration, psf
from deblur.blind import SELFDEBLUR_PRESETS, SelfDeblurSettings, selfdeblur
from deblur.blind._selfdeblur import memory
from deblur.blind._selfdeblur.fit import Fit, Iterate, structural_similarity
from deblur.blind._selfdeblur.run import crop_to_image
from deblur.blind._view import View

from ..nonblind.cases import psnr, valid_picture

TINY = SelfDeblurSettings(num_iter=(3, 4), width=8, across=2, depth=3, average=0.9)
BLUR = psf.motion(7, angle=30)


@cache
def blurred() -> tuple[np.ndarray, np.ndarray]:
    """A photograph of 64 pixels a side, and the truth."""
    scene = skimage.data.camera()[60 : 60 + 140 : 2, 180 : 180 + 140 : 2] / 255.0
    rows, columns = BLUR.shape
    return valid_picture(scene[: 64 + rows - 1, : 64 + columns - 1], BLUR, 0.0)


def unclipped(y: torch.Tensor) -> View:
    return View(y, torch.ones_like(y, dtype=torch.bool))


def test_the_published_settings() -> None:
    paper = SELFDEBLUR_PRESETS["paper"]
    assert (paper.num_iter, paper.width, paper.across, paper.depth) == ((5000,), 128, 16, 5)
    assert (paper.image_rate, paper.kernel_rate, paper.jitter) == (1e-2, 1e-4, 1e-3)
    assert paper.squares * paper.num_iter[0] == 1000
    assert (paper.total_variation, paper.average, paper.patience) == (0, 0, None)


def test_the_steps_are_halved_when_published() -> None:
    y = torch.from_numpy(blurred()[0]).float()
    fit = Fit(unclipped(y), (7, 7), dataclasses.replace(TINY, patience=None), 10, 0.0, 0)
    rates = []
    for _ in range(10):
        fit.step()
        rates.append([group["lr"] for group in fit.optimizer.param_groups])
    assert [rate for rate, _ in rates] == [1e-2] * 4 + [5e-3] * 2 + [2.5e-3] * 2 + [1.25e-3] * 2
    assert [rate for _, rate in rates] == pytest.approx([1e-4] * 4 + [5e-5] * 2 + [2.5e-5] * 2 + [1.25e-5] * 2)


def test_similarity_is_that_of_scikit_image() -> None:
    a, b = (torch.rand(40, 50, generator=torch.Generator().manual_seed(seed)).double() for seed in (0, 1))
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    _, expected = skimage.metrics.structural_similarity(a.numpy(), b.numpy(), **options)
    inner = slice(5, -5)
    # The mean over a picture with a black frame of the window's reach around it, against the map inside.
    framed_a, framed_b = (torch.nn.functional.pad(each, (10, 10, 10, 10)) for each in (a, b))
    _, whole = skimage.metrics.structural_similarity(framed_a.numpy(), framed_b.numpy(), **options)
    assert float(structural_similarity(a, b)) == pytest.approx(whole[10:-10, 10:-10].mean(), abs=1e-9)
    np.testing.assert_allclose(whole[10:-10, 10:-10][inner, inner], expected[inner, inner])
    assert float(structural_similarity(a, a)) == pytest.approx(1)


def test_the_frame_follows_the_kernel() -> None:
    """Shifting kernel and scene against each other changes neither the picture nor what is shown."""
    x, k = torch.rand(30, 34), torch.zeros(5, 7)
    k[1:4, 2:5] = torch.rand(3, 3) + 1
    k /= k.sum()
    shifted = Iterate(x.roll((-1, 2), (0, 1)), k.roll((1, -2), (0, 1)))
    torch.testing.assert_close(shifted.blurred()[2:-2, 2:-2], Iterate(x, k).blurred()[2:-2, 2:-2])
    frame = (26, 28)
    torch.testing.assert_close(crop_to_image(shifted, frame), crop_to_image(Iterate(x, k), frame))


@cache
def planted() -> tuple[Restoration, list[float]]:
    losses: list[float] = []
    settings = SelfDeblurSettings(num_iter=(90,), width=24, across=8, depth=3, average=0.9)
    result = selfdeblur(
        blurred()[0], BLUR.shape, preset=settings, start=BLUR, callback=lambda i, x, loss: losses.append(loss)
    )
    return result, losses


def test_it_sharpens_from_a_good_start() -> None:
    y, truth = blurred()
    result, losses = planted()
    assert len(losses) == 90
    assert np.median(losses[:4]) > 5 * np.median(losses[14:18])  # squares
    assert np.median(losses[18:22]) > 3 * np.median(losses[-9:])  # 1 - SSIM
    assert psnr(result.image[4:-4, 4:-4], truth[4:-4, 4:-4]) > psnr(y[4:-4, 4:-4], truth[4:-4, 4:-4]) + 1
    assert result.psf.sum() == pytest.approx(1)
    assert all(side % 2 == 1 for side in result.psf.shape)
    centroid = [
        (np.indices(result.psf.shape)[axis] * result.psf).sum() - result.psf.shape[axis] // 2 for axis in (0, 1)
    ]
    assert np.abs(centroid).max() <= 0.51
    assert 0 < result.confidence <= 1
    assert result.seconds > 0


def test_the_seed_decides_and_the_global_one_is_left_alone() -> None:
    state = torch.get_rng_state()
    a, b = (selfdeblur(blurred()[0], 7, preset=TINY, seed=3) for _ in range(2))
    np.testing.assert_array_equal(a.image, b.image)
    np.testing.assert_array_equal(a.psf, b.psf)
    assert not np.array_equal(a.image, selfdeblur(blurred()[0], 7, preset=TINY, seed=4).image)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("stop", [1, 4, 8, 12])
def test_a_run_taken_up_again_ends_as_one_in_one_go(stop: int, tmp_path: Path) -> None:
    settings = dataclasses.replace(TINY, patience=100, reduced_precision=True)
    whole = selfdeblur(blurred()[0], 7, preset=settings, restarts=2)
    options: dict[str, Any] = {"preset": settings, "restarts": 2, "checkpoint": tmp_path / "run.safetensors"}
    iterations: list[int] = []

    def stopping(iteration: int, estimate: Any, objective: float) -> bool:
        iterations.append(iteration)
        return iteration == stop

    part = selfdeblur(blurred()[0], 7, callback=stopping, **options)
    assert part.image.shape == (64, 64)
    rest = selfdeblur(blurred()[0], 7, callback=lambda i, x, loss: iterations.append(i) and False, **options)
    assert iterations == list(range(14))
    np.testing.assert_array_equal(rest.image, whole.image)
    np.testing.assert_array_equal(rest.psf, whole.psf)
    done = selfdeblur(
        blurred()[0], 7, callback=lambda i, x, loss: pytest.fail("there was nothing left to do"), **options
    )
    np.testing.assert_array_equal(done.image, whole.image)


def test_another_run_is_not_taken_up(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    selfdeblur(blurred()[0], 7, preset=TINY, checkpoint=path)
    with pytest.raises(ValueError, match="another picture"):
        selfdeblur(blurred()[0], 7, preset=TINY, checkpoint=path, seed=1)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match="damaged"):
        selfdeblur(blurred()[0], 7, preset=TINY, checkpoint=path)


def test_a_checkpoint_that_cannot_be_written_is_heard_of_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        selfdeblur(
            blurred()[0],
            7,
            preset=TINY,
            checkpoint=tmp_path / "missing" / "run.safetensors",
            callback=lambda i, x, loss: pytest.fail("it has begun"),
        )


def test_of_several_restarts_the_best_is_kept() -> None:
    alone = [selfdeblur(blurred()[0], 7, preset=TINY, seed=seed).image for seed in (5, 6)]
    both = selfdeblur(blurred()[0], 7, preset=TINY, seed=5, restarts=2).image
    assert any(np.array_equal(both, each) for each in alone)


def test_the_stopping_rule_stops() -> None:
    y = torch.from_numpy(blurred()[0]).float()
    still = dataclasses.replace(TINY, patience=5, squares=1.0, image_rate=0.0, kernel_rate=0.0)
    fit = Fit(unclipped(y), (7, 7), still, 1000, 0.0, 0)
    while not fit.is_done:
        fit.step()
    assert 55 <= fit.iteration < 400


def test_color_bytes_and_tensors_come_back_as_they_went_in() -> None:
    y = (blurred()[0].clip(0, 1) * 255).round().astype(np.uint8)
    gray = selfdeblur(y, 7, preset=TINY)
    assert gray.image.dtype == np.float32
    color = selfdeblur(np.stack([y // 2, y, y], axis=1), 7, preset=TINY, channel_axis=1)
    assert color.image.shape == (64, 3, 64)
    weights = np.array([0.299, 0.587, 0.114])
    fitted = selfdeblur(np.tensordot(np.stack([y // 2, y, y], axis=2) / 255, weights, 1), 7, preset=TINY)
    np.testing.assert_allclose(np.tensordot(color.image, weights, (1, 0)), fitted.image, atol=1e-3)
    assert color.image[:, 0].mean() < 0.7 * color.image[:, 1].mean()
    tensor = selfdeblur((torch.from_numpy(y).float() / 255).requires_grad_(), 7, preset=TINY)
    assert isinstance(tensor.image, torch.Tensor)
    assert isinstance(tensor.psf, torch.Tensor)
    assert tensor.image.dtype is torch.float32
    np.testing.assert_allclose(tensor.image, gray.image, atol=1e-4)


def test_clipped_pixels_tell_nothing() -> None:
    y = torch.from_numpy(blurred()[0]).float()
    valid = torch.ones_like(y, dtype=torch.bool)
    valid[20:30, 30:45] = False
    settings = dataclasses.replace(TINY, squares=1.0)
    fits = [Fit(View(torch.where(valid, y, value), valid), (7, 7), settings, 5, 0.0, 0) for value in (1.0, 0.3)]
    losses = [[fit.step() for _ in range(5)] for fit in fits]
    assert losses[0] == losses[1]
    torch.testing.assert_close(fits[0].mean.x, fits[1].mean.x)
    valid[:] = True
    assert Fit(View(y, valid), (7, 7), settings, 5, 0.0, 0).step() != losses[0][0]


def test_a_clipped_lamp_in_color() -> None:
    y = np.stack([0.5 * blurred()[0], blurred()[0], blurred()[0]], axis=-1).clip(0, 0.9)
    y[20:26, 30:36] = 1
    result = selfdeblur(y, 7, preset=TINY, channel_axis=-1)
    assert result.image.shape == y.shape
    assert np.isfinite(result.image).all()
    assert result.image[..., 0].mean() < 0.7 * result.image[..., 1].mean()


def test_memory_is_known_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    device = torch.device("cpu")
    paper = SELFDEBLUR_PRESETS["paper"]
    small, large = (memory.needed_memory(paper, grid, device) for grid in ((275, 275), (550, 550)))
    assert 0.8e9 < small < 2e9  # a step takes 0.85 GB
    assert large == pytest.approx(4 * small, rel=0.2)
    monkeypatch.setattr(memory, "free_bytes", lambda device: 1000)
    with pytest.raises(ValueError, match=r"image needs about .* GB"):
        selfdeblur(blurred()[0], 7, preset=TINY)


@pytest.mark.parametrize(
    ("image", "reason"),
    [(np.full((64, 64), 0.4), "flat"), (blurred()[0][:20], "too small"), (np.ones((64, 64)), "flat")],
)
def test_a_picture_that_shows_nothing_comes_back(image: np.ndarray, reason: str) -> None:
    found = selfdeblur(image, 7)
    assert not found.changed
    np.testing.assert_array_equal(found.image, image)
    assert found.image is not image
    assert found.confidence == 0
    assert reason in found.reason


def test_a_kernel_that_is_no_blur_is_not_undone() -> None:
    point = np.zeros((7, 7))
    point[3, 3] = 1
    found = selfdeblur(blurred()[0], 7, preset=TINY, start=point)
    assert not found.changed
    np.testing.assert_array_equal(found.image, blurred()[0])
    assert "no blur" in found.reason


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"psf_shape": 8}, "odd sizes from 3 to half the picture"),
        ({"psf_shape": (9, 51)}, "odd sizes"),
        ({"psf_shape": "auto"}, "got 'auto'"),
        ({"preset": "slow"}, "preset must be paper, fast"),
        ({"restarts": 0}, "restarts"),
        ({"seed": -1}, "seed"),
        ({"start": np.ones((9, 9))}, "at most 7 x 7"),
        ({"start": np.zeros((5, 5))}, "psf"),
        ({"noise_level": -1.0}, "noise_level"),
        ({"image": np.full((64, 64), np.nan)}, "NaN"),
        ({"image": np.zeros((64, 64, 3))}, "give channel_axis"),
    ],
)
def test_bad_input_is_one_line(arguments: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"image": blurred()[0], "psf_shape": 7, "preset": TINY} | arguments
    with pytest.raises((ValueError, TypeError), match=message):
        selfdeblur(given.pop("image"), given.pop("psf_shape"), **given)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_iter": ()}, "num_iter"),
        ({"num_iter": (5, 0)}, "num_iter"),
        ({"width": 1}, "width"),
        ({"patience": 0}, "patience"),
        ({"squares": 1.5}, "squares"),
        ({"image_rate": -1.0}, "image_rate"),
    ],
)
def test_bad_settings_are_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(TINY, **changes)


def test_progress_rises_to_one_over_scales_and_restarts() -> None:
    fractions: list[float] = []
    found = selfdeblur(
        blurred()[0], 7, preset=TINY, restarts=2, progress=lambda fraction, stage: fractions.append(fraction)
    )
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert found.details["num_iter"] == len(fractions) == 2 * sum(TINY.num_iter)
