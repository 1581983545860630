"""Each score against its definition written out, or against a property that pins it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deblur.benchmark import _metrics as metrics
from deblur.benchmark._shift import best_shift, shifted


def exhaustive(estimate: np.ndarray, truth: np.ndarray, margin: int, reach: int, steps: int) -> tuple[float, float]:
    """Levin's search, shift by shift."""
    target = truth[margin : truth.shape[0] - margin, margin : truth.shape[1] - margin]
    fractions = [i / steps for i in range(-reach * steps, reach * steps + 1)]
    shifts = [(dy, dx) for dy in fractions for dx in fractions]
    scores = [np.sum((shifted(estimate, shift, margin=margin) - target) ** 2) for shift in shifts]
    return shifts[int(np.argmin(scores))]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    shape=st.tuples(st.integers(11, 20), st.integers(11, 20)),
    reach=st.integers(0, 3),
    extra=st.integers(0, 2),
    steps=st.integers(1, 4),
    levels=st.sampled_from([2, 256]),
)
def test_best_shift_is_the_exhaustive_search(
    seed: int, shape: tuple[int, int], reach: int, extra: int, steps: int, levels: int
) -> None:
    rng = np.random.default_rng(seed)
    estimate, truth = (rng.integers(levels, size=shape) / (levels - 1) for _ in range(2))
    margin = reach + extra
    found = best_shift(estimate, truth, margin=margin, reach=reach, steps=steps)
    assert found == exhaustive(estimate, truth, margin, reach, steps)


def test_best_shift_takes_the_first_among_equals() -> None:
    flat = np.ones((20, 20))
    assert best_shift(flat, flat, margin=4, reach=2) == (-2.0, -2.0)


@given(dy=st.integers(-40, 40), dx=st.integers(-40, 40))
@settings(deadline=None, max_examples=25)
def test_best_shift_undoes_a_shift(dy: int, dx: int) -> None:
    y, x = np.mgrid[0:60, 0:64]

    def scene(dy: float, dx: float) -> np.ndarray:
        return 0.5 + 0.2 * np.sin((y + dy) / 9) * np.cos((x + dx) / 7) + 0.2 * np.sin((x + dx + 2 * (y + dy)) / 11)

    found = best_shift(scene(-dy / 4, -dx / 4), scene(0, 0))
    assert np.abs(np.array(found) - [dy / 4, dx / 4]).max() <= 0.25


def test_shifted_matches_scipy() -> None:
    from scipy.ndimage import shift

    image = np.random.default_rng(0).random((30, 34))
    expected = shift(image, (-1.25, 2.75), order=1)[5:-5, 5:-5]
    np.testing.assert_allclose(shifted(image, (1.25, -2.75), margin=5), expected, atol=1e-12)


def test_ssim_is_wang_s_window_on_its_valid_part() -> None:
    from scipy.signal import convolve2d

    rng = np.random.default_rng(0)
    x, y = rng.random((2, 40, 33))
    grid = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    window = np.outer(grid, grid) / grid.sum() ** 2

    def mean(image: np.ndarray) -> np.ndarray:
        return convolve2d(image, window, mode="valid")

    mx, my = mean(x), mean(y)
    cross, sx, sy = mean(x * y) - mx * my, mean(x * x) - mx**2, mean(y * y) - my**2
    c1, c2 = 0.01**2, 0.03**2
    expected = np.mean((2 * mx * my + c1) * (2 * cross + c2) / ((mx**2 + my**2 + c1) * (sx + sy + c2)))
    assert metrics.ssim(x, y) == pytest.approx(expected, abs=1e-12)


def test_ssim_of_color_is_the_mean_over_channels() -> None:
    x, y = np.random.default_rng(0).random((2, 20, 22, 3))
    expected = np.mean([metrics.ssim(x[..., c], y[..., c]) for c in range(3)])
    assert metrics.ssim(x, y, channel_axis=-1) == pytest.approx(expected)


@given(gain=st.floats(0.1, 100), offset=st.floats(-10, 10))
def test_relative_error_ignores_gain_and_offset_and_is_the_least_squares_one(gain: float, offset: float) -> None:
    estimate, truth = np.random.default_rng(0).random((2, 3, 4, 5))
    design = np.stack([estimate.ravel(), np.ones(60)], axis=1)
    residual = truth.ravel() - design @ np.linalg.lstsq(design, truth.ravel(), rcond=None)[0]
    expected = np.linalg.norm(residual) / np.linalg.norm(truth - truth.mean())
    assert metrics.relative_error(gain * estimate + offset, truth) == pytest.approx(expected, abs=1e-9)


def test_the_two_error_ratios_differ() -> None:
    rng = np.random.default_rng(0)
    truth, estimate, reference = rng.random((3, 12, 10))
    ratio = metrics.error_ratio(estimate, reference, truth)
    assert ratio == pytest.approx(np.linalg.norm(estimate - truth) ** 2 / np.linalg.norm(reference - truth) ** 2)
    top = [np.linalg.svd(each - truth, compute_uv=False)[0] for each in (estimate, reference)]
    assert metrics.spectral_error_ratio(estimate, reference, truth) == pytest.approx(top[0] / top[1])


def test_psf_similarity_is_below_one_for_the_rotated_psf() -> None:
    psf = np.zeros((7, 7))
    psf[1, 1:5] = psf[1:5, 1] = 1
    assert metrics.psf_similarity(np.roll(psf, (1, 1), (0, 1)), psf) == pytest.approx(1)
    assert metrics.psf_similarity(psf[::-1, ::-1], psf) < 0.8


def test_ellipticity_turns_with_the_galaxy() -> None:
    y, x = np.mgrid[-20:21, -20:21]
    galaxy = np.exp(-((x - 1) ** 2 / 18 + (y + 2) ** 2 / 8))
    e1, e2 = metrics.ellipticity(galaxy)
    np.testing.assert_allclose(metrics.ellipticity(galaxy.T), [-e1, e2], atol=1e-9)
    np.testing.assert_allclose(metrics.ellipticity(np.roll(galaxy, (1, 2), (0, 1))), [e1, e2], atol=1e-6)


def test_bootstrap_interval_narrows_as_the_square_root() -> None:
    values = np.random.default_rng(1).standard_normal(400)
    narrow, wide = (np.diff(metrics.bootstrap_interval(values[:n]))[0] for n in (400, 25))
    assert 2.5 < wide / narrow < 6
    assert narrow == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert metrics.bootstrap_interval(values) == metrics.bootstrap_interval(values)


def test_a_perfect_estimate_has_infinite_psnr() -> None:
    assert metrics.psnr(np.ones(3), np.ones(3)) == float("inf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 4, "reach": 5}, "reach must be between 0 and the margin, 4, got 5"),
        ({"margin": 10}, "truth must be larger than its margins, 20"),
    ],
)
def test_bad_shift_searches(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        best_shift(np.ones((20, 20)), np.ones((20, 20)), **arguments)


def test_shapes_must_agree() -> None:
    for compare in (metrics.psnr, metrics.ssim, best_shift):
        with pytest.raises(ValueError, match=r"estimate must have the shape of the truth, \(20, 21\), got \(20, 20\)"):
            compare(np.ones((20, 20)), np.ones((20, 21)))
