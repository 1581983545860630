from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from deblur import psf

SHAPES = hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6)
VALUES = st.one_of(st.just(0.0), st.floats(1e-3, 1))
KERNELS = hnp.arrays(np.float64, SHAPES, elements=VALUES).filter(lambda kernel: kernel.sum() > 0)


def offset_of_centroid(kernel: np.ndarray) -> np.ndarray:
    grid = np.stack(np.meshgrid(*(np.arange(size) - size // 2 for size in kernel.shape), indexing="ij"))
    return (grid * kernel).reshape(kernel.ndim, -1).sum(axis=1) / kernel.sum()


@given(kernel=KERNELS)
def test_normalize(kernel):
    kept = kernel.copy()
    normalized = psf.normalize(kernel)
    assert normalized.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(normalized * kernel.sum(), kernel, rtol=1e-12)
    np.testing.assert_array_equal(kernel, kept)


def test_normalize_of_extreme_values_and_integers():
    assert psf.normalize(np.full(4, 1e-300)).sum() == pytest.approx(1)
    np.testing.assert_allclose(psf.normalize(np.array([1, 2, 1], dtype=np.uint8)), [0.25, 0.5, 0.25])


def test_normalize_is_differentiable():
    kernel = torch.rand(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(psf.normalize, (kernel,))
    assert torch.autograd.gradcheck(lambda k: psf.center(k), (kernel,))


@pytest.mark.parametrize("function", [psf.normalize, psf.center, lambda k: psf.center(k, subpixel=True)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_kind_and_dtype_are_kept(function, dtype):
    kernel = torch.tensor([[0.0, 2.0], [1.0, 1.0], [0.0, 0.5]], dtype=dtype)
    result = function(kernel)
    assert isinstance(result, torch.Tensor)
    assert result.dtype == dtype
    array = function(kernel.numpy())
    assert isinstance(array, np.ndarray)
    np.testing.assert_array_equal(array, result.numpy())


@given(kernel=KERNELS)
def test_center_by_whole_pixels_moves_values_and_changes_none(kernel):
    kept = kernel.copy()
    centered = psf.center(kernel)
    np.testing.assert_array_equal(kernel, kept)
    np.testing.assert_array_equal(centered[centered > 0], kernel[kernel > 0])  # same values in the same order
    assert np.abs(offset_of_centroid(centered)).max() <= 0.5 + 1e-5
    assert all(new >= old for new, old in zip(centered.shape, kernel.shape, strict=True))
    np.testing.assert_array_equal(psf.center(centered), centered)


@given(kernel=KERNELS)
def test_center_by_fractions_keeps_sum_and_sign(kernel):
    centered = psf.center(kernel, subpixel=True)
    assert centered.min() >= 0
    assert centered.sum() == pytest.approx(kernel.sum(), rel=1e-12)
    np.testing.assert_allclose(offset_of_centroid(centered), 0, atol=1e-8)
    assert all(new >= old for new, old in zip(centered.shape, kernel.shape, strict=True))


@given(kernel=KERNELS, spare=st.integers(3, 6))
def test_center_keeps_the_size_where_there_is_room(kernel, spare):
    roomy = np.pad(kernel, 2 * spare)
    assert psf.center(roomy).shape == roomy.shape
    moved = np.roll(roomy, spare, axis=tuple(range(kernel.ndim)))
    np.testing.assert_array_equal(psf.center(moved), psf.center(roomy))
    np.testing.assert_allclose(psf.center(moved, subpixel=True), psf.center(roomy, subpixel=True), atol=1e-7)


@pytest.mark.parametrize("kernel", [psf.gaussian((2, 1), angle=30), psf.disk(3, shape=(8, 9)), psf.motion(7.5, 20)])
def test_center_leaves_a_centered_psf_alone(kernel):
    np.testing.assert_array_equal(psf.center(kernel), kernel)
    np.testing.assert_array_equal(psf.center(kernel, subpixel=True), kernel)


def test_center_leaves_a_symmetric_even_psf_alone():
    box = np.full((4, 2), 1 / 8)
    np.testing.assert_array_equal(psf.center(box), box)
    for rounding in (1e-7, -1e-7):
        box[0, 0] += rounding
        np.testing.assert_array_equal(psf.center(box), box)
        box[0, 0] -= rounding


def test_center_undoes_a_known_fractional_shift():
    blurred = psf.gaussian(3, shape=41)
    row = np.array([0.0, 0.7, 0.3])
    shifted = np.apply_along_axis(lambda line: np.convolve(line, row), 0, blurred)[:-2]  # 1.3 pixels down
    back = psf.center(shifted, subpixel=True)
    assert back.shape[1] == 41
    np.testing.assert_allclose(psf.pad_to(blurred, back.shape), back, atol=1e-3)


@pytest.mark.parametrize(("old", "new"), list(itertools.product([1, 2, 3, 4], [4, 5, 6, 7])))
def test_pad_to_keeps_the_center(old, new):
    kernel = np.arange(1.0, old + 1)
    padded = psf.pad_to(kernel, (new,))
    assert padded.shape == (new,)
    assert padded[new // 2] == kernel[old // 2]
    np.testing.assert_array_equal(padded[padded > 0], kernel)


def test_pad_to_keeps_kind_and_dtype_and_takes_one_size_for_all_axes():
    padded = psf.pad_to(torch.ones(2, 3, 4, dtype=torch.float32), 5)
    assert padded.shape == (5, 5, 5)
    assert padded.dtype == torch.float32
    assert padded.sum() == 24


@pytest.mark.parametrize(
    ("shape", "error", "words"),
    [
        ((2, 9), ValueError, r"shape \(2, 9\) is smaller than the psf, which has \(3, 3\)"),
        ((9, 9, 9), ValueError, "shape must be 2 sizes"),
        ((9.0, 9), TypeError, "whole number"),
    ],
)
def test_pad_to_refuses_bad_shapes(shape, error, words):
    with pytest.raises(error, match=words):
        psf.pad_to(np.ones((3, 3)), shape)


@given(kernel=KERNELS, energy=st.floats(0.05, 1))
def test_support_holds_the_energy_and_keeps_the_center(kernel, energy):
    box = psf.estimate_support(kernel, energy)
    inside = kernel[box]
    assert inside.sum() >= energy * kernel.sum() * (1 - 1e-12)
    for axis, part in enumerate(box):
        assert part.start + inside.shape[axis] // 2 == kernel.shape[axis] // 2


@pytest.mark.parametrize("as_kind", [np.asarray, torch.as_tensor])
def test_support_undoes_padding(as_kind):
    kernel = psf.motion(9, 30)
    padded = as_kind(psf.pad_to(kernel, (40, 31)))
    np.testing.assert_array_equal(padded[psf.estimate_support(padded, energy=1)], kernel)


def test_support_is_the_smallest():
    line = np.array([0.01, 0.04, 0.9, 0.04, 0.01])
    assert psf.estimate_support(line, 0.89) == (slice(2, 3),)
    assert psf.estimate_support(line, 0.91) == (slice(1, 4),)
    assert psf.estimate_support(line, 0.99) == (slice(0, 5),)


@pytest.mark.parametrize("energy", [0, -1, 1.1, math.nan])
def test_support_refuses_a_bad_energy(energy):
    with pytest.raises(ValueError, match="energy must be above 0 and at most 1"):
        psf.estimate_support(np.ones(3), energy)


BAD = [
    (np.ones((0, 3)), ValueError, "kernel is empty"),
    (np.zeros((3, 3)), ValueError, "kernel is all zero"),
    (np.array([1.0, math.nan]), ValueError, "kernel must be finite"),
    (np.array([1.0, math.inf]), ValueError, "kernel must be finite"),
    (np.array([1.0, -0.1]), ValueError, "kernel must not be negative, got a smallest value of -0.1"),
    (np.array([-1.0, -1.0]), ValueError, "kernel must not be negative"),
    (np.array([1e-6, -1e-12] + 2_000_000 * [-1e-12]), ValueError, "sum above 0"),
    (np.array([1e308, 1e308]), ValueError, "finite sum"),
    (np.array(1.0), ValueError, "at least one axis"),
    (np.array([1j]), TypeError, "kernel must be real"),
    ([1.0, 2.0], TypeError, "kernel must be a NumPy array or a torch tensor, got list"),
]


@pytest.mark.parametrize(("kernel", "error", "words"), BAD)
def test_validate_says_what_is_wrong(kernel, error, words):
    with pytest.raises(error, match=words) as caught:
        psf.validate(kernel, name="kernel")
    assert "\n" not in str(caught.value)
    if isinstance(kernel, np.ndarray):
        with pytest.raises(error, match=words):
            psf.validate(torch.from_numpy(kernel), name="kernel")


def test_validate_counts_axes():
    psf.validate(np.ones((2, 3)), ndim=2)
    with pytest.raises(ValueError, match=r"psf must have 3 axes, got shape \(2, 3\)"):
        psf.validate(np.ones((2, 3)), ndim=3)


def test_validate_lets_rounding_pass():
    psf.validate(np.array([1.0, -1e-6]))
    with pytest.raises(ValueError, match="negative"):
        psf.validate(np.array([1.0, -1.1e-6]))


@pytest.mark.parametrize("function", [psf.normalize, psf.center, psf.estimate_support])
def test_every_door_validates(function):
    with pytest.raises(ValueError, match="psf is all zero"):
        function(np.zeros(3))
