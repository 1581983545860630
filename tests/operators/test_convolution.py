import itertools

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deblur.operators import Convolution, ConvolutionBank, Crop, FramedConvolution, _slabs, adjoint_error

from .cases import random

METHODS = ("direct", "fft")
NDIMAGE = {"circular": "wrap", "zero": "constant", "reflect": "mirror", "replicate": "nearest"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("boundary", NDIMAGE)
@pytest.mark.parametrize("kernel_shape", [(1,), (2,), (5,), (3, 3), (4, 4), (1, 5), (5, 1), (2, 3, 4)])
def test_equals_ndimage(kernel_shape, boundary, method):
    x, psf = random((9, 8, 7)[: len(kernel_shape)]), random(kernel_shape, 1)
    expected = scipy.ndimage.convolve(x, psf, mode=NDIMAGE[boundary])
    np.testing.assert_allclose(Convolution(psf, x.shape, boundary, method=method)(x), expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mode", ["valid", "full"])
@pytest.mark.parametrize("kernel_shape", [(1,), (4,), (3, 3), (2, 5), (1, 5), (2, 3, 4)])
def test_equals_scipy_signal(kernel_shape, mode, method):
    x, psf = random((9, 8, 7)[: len(kernel_shape)]), random(kernel_shape, 1)
    expected = scipy.signal.convolve(x, psf, mode=mode, method="direct")
    np.testing.assert_allclose(Convolution(psf, x.shape, mode, method=method)(x), expected, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("boundary", NDIMAGE)
def test_kernel_larger_than_the_image(boundary, method):
    """The continuation goes on past one period, as numpy.pad has it."""
    mode = {"circular": "wrap", "zero": "constant", "reflect": "reflect", "replicate": "edge"}[boundary]
    x, psf = random((4, 3)), random((11, 8), 1)
    extended = np.pad(x, [(5, 5), (3, 4)], mode=mode)
    expected = scipy.signal.convolve(extended, psf, mode="valid") if psf.shape <= extended.shape else None
    np.testing.assert_allclose(Convolution(psf, x.shape, boundary, method=method)(x), expected, atol=1e-12)


@settings(max_examples=60)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    seed=st.integers(0, 999),
    boundary=st.sampled_from(["circular", "zero", "reflect", "replicate", "causal", "full"]),
    data=st.data(),
)
def test_direct_and_fft_agree(shape, seed, boundary, data):
    kernel_shape = data.draw(st.lists(st.integers(1, 7), min_size=len(shape), max_size=len(shape)))
    psf, x = random(tuple(kernel_shape), seed), random(tuple(shape), seed + 1)
    direct, fft = (Convolution(psf, shape, boundary, method=method) for method in METHODS)
    y = direct(x)
    np.testing.assert_allclose(fft(x), y, atol=1e-11)
    np.testing.assert_allclose(fft.T(y), direct.T(y), atol=1e-10)
    np.testing.assert_allclose(fft.kernel_adjoint(x, y), direct.kernel_adjoint(x, y), atol=1e-10)


def test_causal_looks_only_back(rng):
    psf = rng.random(4)
    y = Convolution(psf, (10,), "causal")(np.eye(10)[3])
    np.testing.assert_allclose(y, [0, 0, 0, *psf, 0, 0, 0], atol=1e-15)


def test_the_middle_tap_does_not_shift():
    for k, boundary in itertools.product((1, 2, 3, 4, 7), (*NDIMAGE,)):
        delta = np.zeros(k)
        delta[k // 2] = 1.0
        x = random((12,))
        np.testing.assert_allclose(Convolution(delta, (12,), boundary)(x), x, atol=1e-12)


def test_center_is_a_shift(rng):
    psf, x = rng.random((3, 4)), rng.random((8, 9))
    shifted = Convolution(psf, x.shape, center=(0, 3))(x)
    np.testing.assert_allclose(shifted, np.roll(Convolution(psf, x.shape)(x), (1, -1), (0, 1)), atol=1e-12)


def test_batch_of_kernels_is_one_convolution_each(rng):
    psfs, x = rng.random((3, 4, 5)), rng.random((2, 3, 9, 8))
    for method in METHODS:
        y = Convolution(psfs, (9, 8), "replicate", method=method)(x)
        for i in range(3):
            np.testing.assert_allclose(y[:, i], Convolution(psfs[i], (9, 8), "replicate")(x[:, i]), atol=1e-12)


def test_bank_is_a_sum_of_convolutions(rng):
    weight, x = rng.random((2, 3, 4, 5)), rng.random((7, 3, 9, 8))
    for method, boundary in itertools.product(METHODS, ("circular", "valid", "reflect", "causal")):
        y = ConvolutionBank(weight, (9, 8), boundary, method=method)(x)
        for o in range(2):
            parts = [Convolution(weight[o, i], (9, 8), boundary)(x[:, i]) for i in range(3)]
            np.testing.assert_allclose(y[:, o], sum(parts), atol=1e-12)


@settings(max_examples=60)
@given(
    shape=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    lead=st.sampled_from([(), (2,), (1, 2)]),
    batch=st.sampled_from([(), (3,), (2, 1)]),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    seed=st.integers(0, 999),
    boundary=st.sampled_from(["circular", "zero", "reflect", "causal", "full"]),
    data=st.data(),
)
def test_every_method_of_a_bank_agrees(shape, lead, batch, channels, seed, boundary, data):
    kernel_shape = data.draw(st.lists(st.integers(1, 7), min_size=len(shape), max_size=len(shape)))
    weight, x = random((*lead, *channels, *kernel_shape), seed), random((*batch, *lead, channels[1], *shape), seed + 1)
    reference = ConvolutionBank(weight, shape, boundary, method="fft")
    y = reference(x)
    methods = [m for m in ConvolutionBank.methods if m != "overlap-save" or len(shape) == 1]
    for method in ("auto", *methods):
        bank = ConvolutionBank(weight, shape, boundary, method=method)
        np.testing.assert_allclose(bank(x), y, atol=1e-10)
        np.testing.assert_allclose(bank.T(y), reference.T(y), atol=1e-9)
        np.testing.assert_allclose(bank.kernel_adjoint(x, y), reference.kernel_adjoint(x, y), atol=1e-9)
        np.testing.assert_allclose(bank.with_weight(2 * weight)(x), 2 * y, atol=1e-9)


@pytest.mark.parametrize(("kernel_shape", "shape"), [((3,), (9,)), ((2, 3), (7, 8)), ((2, 1, 3), (4, 5, 6))])
@pytest.mark.parametrize("boundary", [*NDIMAGE, "causal", "full", "valid"])
@pytest.mark.parametrize("lead", [(), (2,)])
def test_a_bank_is_a_matrix_times_the_shifts(boundary, lead, kernel_shape, shape, rng):
    weight, x = (
        torch.from_numpy(rng.random((*lead, 2, 3, *kernel_shape))),
        torch.from_numpy(rng.random((*lead, 3, *shape))),
    )
    bank = ConvolutionBank(weight, shape, boundary)
    shifts = bank.shifts()
    product = weight.flatten(-len(kernel_shape) - 1) @ shifts(x).flatten(-len(kernel_shape))
    torch.testing.assert_close(product.unflatten(-1, bank.range_shape[-len(kernel_shape) :]), bank(x))
    assert adjoint_error(shifts) <= 1e-12


def test_a_bank_says_what_does_not_fit(rng):
    bank = ConvolutionBank(rng.random((2, 3, 4)), (9,), "causal")
    assert bank.with_weight(rng.random((1, 3, 4))).range_shape == (1, 9)
    with pytest.raises(ValueError, match="weight must have shape"):
        bank.with_weight(rng.random((2, 3, 5)))
    with pytest.raises(ValueError, match="for one axis"):
        ConvolutionBank(rng.random((2, 3, 4, 4)), (9, 9), method="overlap-save")
    with pytest.raises(ValueError, match="method must be one of auto, direct, gemm"):
        ConvolutionBank(rng.random((2, 3, 4)), (9,), method="fast")


@pytest.mark.parametrize("method", ConvolutionBank.methods)
@pytest.mark.parametrize("boundary", ["causal", "full", "valid"])
def test_gradcheck_of_a_bank(boundary, method):
    weight = torch.from_numpy(random((2, 3, 2, 3))).requires_grad_()
    x = torch.from_numpy(random((2, 2, 6), 1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda w, x: ConvolutionBank(w, (6,), boundary, method=method)(x), (weight, x))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("boundary", ["circular", "reflect", "valid", "full"])
def test_gradcheck_in_image_and_kernel(boundary, method):
    psf = torch.from_numpy(random((2, 3))).requires_grad_()
    x = torch.from_numpy(random((5, 4), 1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, x: Convolution(p, (5, 4), boundary, method=method)(x), (psf, x))
    weight = torch.from_numpy(random((2, 1, 2, 3))).requires_grad_()
    z = torch.from_numpy(random((1, 5, 4), 1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda w, z: ConvolutionBank(w, (5, 4), boundary, method=method)(z), (weight, z))


def test_gradient_in_the_kernel_is_the_kernel_adjoint(rng):
    psf = torch.from_numpy(rng.random((3, 4))).requires_grad_()
    x, y = torch.from_numpy(rng.random((2, 6, 7))), torch.from_numpy(rng.random((2, 6, 7)))
    operator = Convolution(psf, (6, 7), "reflect", method="fft")
    for _ in range(2):  # the graph is made anew each time
        (gradient,) = torch.autograd.grad(operator(x), psf, y)
        torch.testing.assert_close(gradient, operator.kernel_adjoint(x, y).detach())


def test_operator_keeps_its_kernel_when_the_caller_changes_theirs(rng):
    psf, x = rng.random((3, 3)), rng.random((6, 6))
    operator = Convolution(psf, (6, 6))
    before = operator(x)
    psf[:] = 0
    np.testing.assert_array_equal(operator(x), before)


def test_spectrum_is_computed_once(rng, monkeypatch):
    operator = Convolution(rng.random((5, 5)), (16, 16), method="fft")
    operator(rng.random((16, 16)))
    monkeypatch.setattr(operator._geometry, "kernel_spectrum", None)
    operator.T(operator(rng.random((16, 16))))


def test_norm_in_closed_form(rng):
    psf = rng.random((5, 4))
    for shape in ((12, 10), (23, 17), (3, 3)):
        operator = Convolution(psf, shape)
        assert operator.norm() == pytest.approx(np.linalg.norm(operator.to_matrix().numpy(), 2), rel=1e-10)


# Defects seen in other libraries (deepinv's conv_transpose padding fold, its documented center; cuCIM's and
# sdeconv's mirrored kernels), each a test here.


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kernel_shape", [(1, 7), (7, 1), (2, 2), (2, 7), (1, 2)])
@pytest.mark.parametrize("boundary", ["circular", "reflect", "replicate"])
def test_thin_kernels_have_an_adjoint(kernel_shape, boundary, method):
    assert adjoint_error(Convolution(random(kernel_shape), (9, 11), boundary, method=method)) <= 1e-12


@pytest.mark.parametrize("k", [2, 4, 6])
def test_even_kernels_are_centered_on_half_their_size(k):
    impulse = np.zeros((16, 16))
    impulse[8, 8] = 1
    box = Convolution(np.ones((k, k)), (16, 16))(impulse)
    rows = np.flatnonzero(box.round(6).any(1))
    assert (rows[0], rows[-1]) == (8 - k // 2, 8 + (k - 1) // 2)


def test_adjoint_of_an_asymmetric_3d_kernel_mirrors_every_axis(rng):
    psf, y = rng.random((3, 4, 5)), rng.random((8, 9, 10))
    expected = scipy.ndimage.correlate(y, psf, mode="constant")
    back = Convolution(psf, y.shape, "zero").T(y)
    np.testing.assert_allclose(back, expected, atol=1e-12)
    assert not np.allclose(back, scipy.ndimage.convolve(y, psf[::-1, ::-1], mode="constant"), atol=0.1)


def test_adjoint_of_the_fft_method_is_not_off_by_one_pixel(rng):
    psf = rng.random((5, 5))
    operator = Convolution(psf, (16, 16), method="fft")
    impulse = np.zeros((16, 16))
    impulse[8, 8] = 1
    np.testing.assert_allclose(operator.T(impulse)[6:11, 6:11], psf[::-1, ::-1], atol=1e-12)


@pytest.mark.parametrize("shape", [(20,), (9, 12), (7, 9, 10)])
def test_a_framed_convolution_is_a_crop_of_the_whole(shape):
    frame, psf, x = tuple(n - 4 for n in shape), random((3, 2, 4)[: len(shape)]), random((2, *shape), 1)
    framed, whole = FramedConvolution(psf, shape, frame), Crop(shape, frame, start=0) @ Convolution(psf, shape)
    np.testing.assert_allclose(framed(x), whole(x), atol=1e-12)
    np.testing.assert_allclose(framed.T(framed(x)), whole.T(whole(x)), atol=1e-12)
    assert framed.norm(tolerance=1e-9) == pytest.approx(np.linalg.norm(whole.to_matrix().numpy(), 2), rel=1e-3)


@pytest.mark.parametrize("cells", [1, 100, 2**20])
@pytest.mark.parametrize("boundary", ["circular", "reflect", "valid", "full"])
def test_volumes_in_slabs_are_volumes_at_once(cells, boundary, monkeypatch):
    monkeypatch.setattr(_slabs, "_CELLS", cells)
    A = Convolution(random((2, 3, 2, 4)), (7, 6, 9), boundary, method="fft")
    x, y = torch.from_numpy(random((3, 2, 7, 6, 9))), torch.from_numpy(random((3, *A.range_shape)))
    whole = A(x.clone().requires_grad_()), A.T(y.clone().requires_grad_())  # autograd sees every step
    torch.testing.assert_close(A(x), whole[0].detach(), atol=1e-12, rtol=0)
    torch.testing.assert_close(A.T(y), whole[1].detach(), atol=1e-12, rtol=0)


BAD = [
    (lambda: Convolution(np.ones((3, 3)), (8, 8), "wrap"), "boundary must be one of circular"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8), method="slow"), "method must be one of auto, direct, fft"),
    (lambda: Convolution(np.ones(3), (8, 8)), "psf must have at least 2 axes"),
    (lambda: Convolution(np.ones((9, 3)), (8, 8), "valid"), "leaves nothing"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8), center=3), "center must index"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8), center=(1, -1)), "center must index"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8), "valid", center=1), "center has no meaning"),
    (lambda: Convolution(np.ones((0, 3)), (8, 8)), "psf is empty"),
    (lambda: Convolution(np.ones((1, 1, 1, 1)), (8, 8, 8, 8)), "one to three axes"),
    (lambda: Convolution(np.ones((3, 3)), (8, 0)), "positive integers"),
    (lambda: ConvolutionBank(np.ones((2, 3, 3)), (8, 8)), r"weight must have shape \(\*lead, out, in"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8)).kernel_adjoint(np.ones((8, 7)), np.ones((8, 8))), "last axes of x"),
    (lambda: Convolution(np.ones((3, 3)), (512, 512)).to_matrix(), "small shapes"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8)) @ Convolution(np.ones(3), (8,)), "cannot follow"),
    (lambda: Convolution(np.ones((3, 3)), (8, 8)) + Convolution(np.ones(3), (8,)), "same shapes"),
    (lambda: FramedConvolution(np.ones((2, 2)), (6, 6), (7, 3)), "does not lie within"),
    (lambda: FramedConvolution(np.ones((2, 2)), (6, 6), (0, 3)), "frame must hold positive integers"),
    (lambda: Convolution(np.ones((2, 2)), (6, 6), "zero").transfer_function(), "only a circular convolution"),
]


@pytest.mark.parametrize(("make", "message"), BAD)
def test_bad_input(make, message):
    with pytest.raises(ValueError, match=message) as info:
        make()
    assert "\n" not in str(info.value)
