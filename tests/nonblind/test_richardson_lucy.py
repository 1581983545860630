import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deblur import psf
from deblur.nonblind import richardson_lucy
from deblur.nonblind._momentum import Momentum
from deblur.operators import Convolution, FramedConvolution

from .cases import camera, psnr, uneven_psf, valid_picture

BOUNDARIES = ("unknown", "circular", "zero", "reflect", "replicate")


def plain(y, blur, num_iter, **options):
    return richardson_lucy(y, blur, num_iter=num_iter, accelerate=False, noise_level=0, tolerance=0, **options)


def objectives(y, blur, **options):
    values = []
    richardson_lucy(y, blur, tolerance=0, noise_level=0, callback=lambda i, x, f: values.append(f), **options)
    return np.array(values)


def test_is_the_textbook_iteration(rng):
    """Against the two lines of the formula, written with dense matrices; the rim's safety margin is 0.1 % of a step."""
    y, blur = rng.random((9, 8)), uneven_psf((3, 4))
    A = Convolution(blur, y.shape, "circular").to_matrix().numpy()
    x = np.full(y.size, y.mean() / blur.sum())
    for _ in range(5):
        x = x * (A.T @ (y.ravel() / (A @ x))) / A.sum(0)
    ours = plain(y, blur, 5, boundary="circular")
    np.testing.assert_allclose(ours.ravel(), x, rtol=5e-3)


def test_weights_multiply_the_terms(rng):
    """One iteration and its objective, by the formulas."""
    y, blur, w = rng.random((9, 8)), uneven_psf((3, 4)), rng.random((9, 8)) * 3
    A = Convolution(blur, y.shape, "circular").to_matrix().numpy()
    x = np.full(y.size, (w * y).sum() / w.sum() / blur.sum())
    values = []
    ours = plain(y, blur, 1, boundary="circular", weights=w, callback=lambda i, x, f: values.append(f))
    np.testing.assert_allclose(
        ours.ravel(), x * (A.T @ (w.ravel() * y.ravel() / (A @ x))) / (A.T @ w.ravel()), rtol=1e-2
    )
    v = (A @ x).reshape(y.shape)
    assert values == [pytest.approx((w * (y * np.log(y / v) - y + v)).sum())]


def test_damping_is_whites_formula(rng):
    """The ratio of data to model counts the less, the fewer noise levels it is from 1 (his eq. 7 with N = 10)."""
    y, blur = rng.random((9, 8)), uneven_psf((3, 4))
    A = Convolution(blur, y.shape, "circular").to_matrix().numpy()
    x = np.full(y.size, y.mean() / blur.sum())
    deviation = np.minimum(((A @ x - y.ravel()) / (6 * 0.05)) ** 2, 1)
    ratio = 1 + deviation**9 * (10 - 9 * deviation) * (y.ravel() / (A @ x) - 1)
    ours = richardson_lucy(y, blur, num_iter=1, noise_level=0.05, damping=6, boundary="circular")
    np.testing.assert_allclose(ours.ravel(), x * (A.T @ ratio) / A.sum(0), rtol=1e-3)


def test_negative_values_count_as_zero(rng):
    y, blur = rng.standard_normal((12, 13)), uneven_psf((3, 4))
    np.testing.assert_array_equal(plain(y, blur, 5), plain(y.clip(0), blur, 5))


@settings(max_examples=25)
@given(
    seed=st.integers(0, 999),
    kernel_shape=st.tuples(st.integers(1, 5), st.integers(1, 6)),
    boundary=st.sampled_from(BOUNDARIES),
    zeros=st.floats(0, 0.9),
)
def test_objective_never_increases_without_acceleration(seed, kernel_shape, boundary, zeros):
    rng = np.random.default_rng(seed)
    y = rng.random((12, 15)) * (rng.random((12, 15)) > zeros)
    values = objectives(y, uneven_psf(kernel_shape), accelerate=False, num_iter=30, boundary=boundary)
    assert np.isfinite(values).all()
    assert (np.diff(values) <= 1e-9 * abs(values[:-1]) + 1e-12).all()


def test_acceleration_falls_back_and_is_faster():
    y, _ = valid_picture(camera(), psf.motion(9, angle=30), 0.002)
    slow, fast = (objectives(y, psf.motion(9, angle=30), accelerate=a, num_iter=60) for a in (False, True))
    assert (np.diff(fast) <= 1e-6 * fast[:-1]).all()
    assert fast[20] < slow[59]


def test_an_extrapolation_that_raises_the_objective_is_undone():
    """On these few points of light one does, and without the fallback the objective would rise."""
    points = np.random.default_rng(22).random((9, 10)) ** 8
    assert (np.diff(objectives(points, psf.motion(9, angle=30), num_iter=80)) < 0).all()


@pytest.mark.parametrize("seed", [13, 18, 21])
def test_an_extrapolation_does_not_end_at_zeros_that_no_step_leaves(seed):
    """It did, and the objective then rose, and ended above that of plain iterations."""
    rng, blur = np.random.default_rng(seed), psf.motion(9, angle=30)
    points = rng.random((8, 9)) * (rng.random((8, 9)) > 0.8)
    values = objectives(points, blur, num_iter=40)
    assert (np.diff(values) < 0).all()
    assert values[-1] < objectives(points, blur, num_iter=40, accelerate=False)[-1]


def test_after_a_fallback_the_next_step_is_plain():
    x = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    momentum, done = Momentum(x, (-1,)), torch.zeros(2, 1, dtype=torch.bool)

    def go_to(value):
        new = torch.full_like(x, value)
        momentum.advance(torch.empty_like(x), lambda rows: new[:, rows], done, extrapolate=True)

    go_to(2.0)
    assert not momentum.is_ahead
    go_to(3.0)
    assert momentum.is_ahead
    assert (momentum.point > 3).all()
    momentum.fall_back(torch.tensor([[True], [False]]))
    assert (momentum.point > 3).tolist() == [[False, False], [True, True]]
    go_to(5.0)
    assert (momentum.point > 5).tolist() == [[False, False], [True, True]]


@pytest.mark.parametrize("boundary", ["unknown", "circular", "reflect", "replicate"])
def test_constant_stays_constant(boundary):
    """scikit-image's zero boundary makes 4e-11 to 18 of it."""
    y = np.full((64, 64), 0.5)
    for blur in (np.ones((9, 9)) / 81, uneven_psf((4, 6))):
        restored = plain(y, blur, 30, boundary=boundary)
        np.testing.assert_allclose(restored, 0.5 / blur.sum(), atol=1e-12)


def test_even_psf_does_not_drift():
    """In scikit-image a delta blurred by 4x4 moves by seven pixels in 200 iterations."""
    x = np.zeros((48, 48))
    x[20, 20] = 1
    y = Convolution(np.ones((4, 4)) / 16, x.shape)(x)
    restored = plain(y, np.ones((4, 4)) / 16, 200, boundary="circular")
    assert np.unravel_index(restored.argmax(), x.shape) == (20, 20)
    assert restored[20, 20] > 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zeros_and_near_zeros_make_no_nan(dtype):
    blur = psf.gaussian(2).astype(dtype)
    for value in (0, 1e-30, 1e-8):
        y = np.full((40, 40), value, dtype)
        y[20, 20] = 1
        for boundary in BOUNDARIES:
            restored = richardson_lucy(y, blur, num_iter=200, noise_level=0, boundary=boundary)
            assert np.isfinite(restored).all()
            assert (restored >= 0).all()
    assert not richardson_lucy(np.zeros((20, 20), dtype), blur[4:-4, 4:-4]).any()


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
def test_flux_is_preserved(boundary):
    y = Convolution(psf.gaussian(2), (60, 60), boundary)(camera()[:60, :60])
    restored = plain(y, psf.gaussian(2), 50, boundary=boundary)
    assert restored.sum() == pytest.approx(y.sum(), rel=1e-3)


def test_units(rng):
    y, blur = valid_picture(camera()[:80, :80], psf.gaussian(1.5))[0], psf.gaussian(1.5)
    restored = plain(y, blur, 10)
    np.testing.assert_allclose(plain(1e4 * y, blur, 10), 1e4 * restored, rtol=1e-9)
    np.testing.assert_allclose(plain(y, 3 * blur, 10), restored / 3, rtol=1e-9)


def test_background_is_subtracted():
    scene = np.zeros((60, 60))
    scene[20:40:5, 20:40:4] = 1
    blur = psf.gaussian(1.5)
    y, x = valid_picture(scene, blur)
    with_background = richardson_lucy(y + 0.3, blur, background=0.3, noise_level=0, num_iter=200, tolerance=0)
    assert psnr(with_background, x) > psnr(richardson_lucy(y + 0.3, blur, noise_level=0, num_iter=200) - 0.3, x) + 3


def test_bad_pixels_are_ignored():
    blur = psf.gaussian(1.5)
    y, x = valid_picture(camera(), blur, 0.002)
    weights = np.ones_like(y)
    weights[40:44, 60:64] = 0
    spoiled = np.where(weights == 0, np.nan, y)
    restored = richardson_lucy(spoiled, blur, weights=weights, noise_level=0.002)
    assert np.isfinite(restored).all()
    assert psnr(restored, x) > psnr(y, x) + 2
    saturated = np.where(weights == 0, 50.0, y)
    np.testing.assert_allclose(richardson_lucy(saturated, blur, weights=weights, noise_level=0.002), restored)
    assert psnr(richardson_lucy(saturated, blur, noise_level=0.002), x) < psnr(restored, x)


def test_stops_at_the_noise():
    blur = psf.motion(9, angle=30)
    counts = {}
    for noise in (0.002, 0.02):
        y, x = valid_picture(camera(), blur, noise)
        steps = []
        stopped = richardson_lucy(y, blur, num_iter=300, tolerance=0, callback=lambda i, x, f, s=steps: s.append(i))
        counts[noise] = len(steps)
        full = richardson_lucy(y, blur, num_iter=300, tolerance=0, noise_level=0)
        assert psnr(stopped, x) > psnr(full, x)
    assert counts[0.02] < counts[0.002] < 300


@pytest.mark.parametrize("noise", [0.01, 0.05])
@pytest.mark.parametrize(
    "blur",
    [psf.gaussian(1), psf.gaussian(2.5), psf.disk(6), psf.motion(15, angle=30), psf.camera_shake(21, seed=2)],
    ids=["gaussian-1", "gaussian-2.5", "disk", "motion", "shake"],
)
def test_stops_near_its_best_iteration_whatever_the_blur(blur, noise):
    """A smooth blur passes little of the noise, so hardly any of it is fitted: do not wait for the residual."""
    y, x = valid_picture(camera(), blur, noise)
    course = []
    richardson_lucy(y, blur, num_iter=40, noise_level=0, callback=lambda i, z, f: course.append(psnr(z, x)))
    assert psnr(richardson_lucy(y, blur), x) > max(course) - 0.75
    A = FramedConvolution(blur, [n + k - 1 for n, k in zip(y.shape, blur.shape, strict=True)], y.shape)
    whole = richardson_lucy(y, A, noise_level=noise)[: y.shape[0], : y.shape[1]]
    assert psnr(whole, x) > max(course) - 0.75


def test_images_of_a_batch_stop_on_their_own():
    blur = psf.gaussian(1.5)
    quiet, noisy = (valid_picture(camera(), blur, noise)[0] for noise in (0.002, 0.03))
    both = richardson_lucy(np.stack([quiet, noisy]), blur)
    np.testing.assert_allclose(both[1], richardson_lucy(noisy, blur), atol=1e-3)


@pytest.mark.parametrize("boundary", ["unknown", "circular"])
def test_callback_sees_every_iteration_and_can_stop(boundary):
    y = camera()[:40, :40]
    seen, kept = [], []

    def callback(iteration, estimate, objective):
        seen.append((iteration, estimate.shape, objective))
        kept.append((estimate, estimate.copy()))
        return iteration == 4

    options = {"noise_level": 0, "boundary": boundary}
    restored = richardson_lucy(y, psf.gaussian(1), callback=callback, **options)
    assert [s[0] for s in seen] == [0, 1, 2, 3, 4]
    assert {s[1] for s in seen} == {y.shape}
    for estimate, then in kept:  # what was given away is not written over
        np.testing.assert_array_equal(estimate, then)
    np.testing.assert_array_equal(restored, richardson_lucy(y, psf.gaussian(1), num_iter=5, **options))


def test_total_variation_and_damping_reduce_the_noise():
    blur = psf.gaussian(2)
    y, x = valid_picture(camera(), blur, 0.02)
    rough = richardson_lucy(y, blur, num_iter=60, noise_level=0)
    smooth = richardson_lucy(y, blur, num_iter=60, noise_level=0, total_variation=0.01)
    assert psnr(smooth, x) > psnr(rough, x) + 3
    stopless = {"num_iter": 60, "tolerance": 0}
    damped = richardson_lucy(y, blur, noise_level=0.02, damping=3, callback=lambda *_: None, **stopless)
    assert np.abs(np.diff(damped)).mean() < np.abs(np.diff(rough)).mean()


def test_float32_agrees_with_float64():
    y, _ = valid_picture(camera(), psf.disk(3), 0.01)
    double = richardson_lucy(y, psf.disk(3), num_iter=20, noise_level=0)
    single = richardson_lucy(y.astype(np.float32), psf.disk(3).astype(np.float32), num_iter=20, noise_level=0)
    np.testing.assert_allclose(single, double, atol=5e-3)


def test_asymmetric_stack_is_restored_in_every_axis():
    """cuCIM's mirrors only the first two axes."""
    scene = np.zeros((24, 26, 28))
    scene[12, 13, 14] = 1
    blur = uneven_psf((3, 4, 5))
    y, x = valid_picture(scene, blur)
    restored = richardson_lucy(y, blur, num_iter=100, noise_level=0)
    assert restored.argmax() == x.argmax()
    assert restored.max() > 0.9


def test_reproducible_on_torch():
    y = torch.rand(50, 50, generator=torch.Generator().manual_seed(0))
    first, again = (richardson_lucy(y, psf.gaussian(1)) for _ in range(2))
    assert torch.equal(first, again)


BAD = [
    ({"num_iter": 0}, "num_iter must be at least 1"),
    ({"background": -1}, "background must be finite and not negative"),
    ({"damping": float("nan")}, "damping must be finite"),
    ({"tolerance": -1}, "tolerance must be finite"),
    ({"total_variation": 0.25}, "total_variation must be at least 0 and below 0.25"),
    ({"noise_level": -1}, "noise_level must be"),
    ({"weights": -np.ones((16, 16))}, "weights must be at least 0"),
    ({"weights": np.zeros((16, 16))}, "positive somewhere"),
    ({"weights": np.ones((4, 16))}, "do not broadcast"),
    ({"weights": np.full((16, 16), np.nan)}, "weights has 256 values that are NaN"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        richardson_lucy(np.full((16, 16), 0.5), psf.gaussian(1), **options)
