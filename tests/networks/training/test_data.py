"""Training data: crops, PSFs, and consistent pairs of sharp and blurred images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deblur import psf as psfs
from deblur.networks._padding import grid_for
from deblur.networks.training import Photographs, _pairs
from deblur.networks.training._pairs import blurred_batch, observe, random_psf

from . import cases


@pytest.mark.parametrize("make", [cases.denoiser, cases.unrolled, cases.udn])
def test_a_batch_is_a_function_of_seed_and_step(make, photographs: Photographs, files: list[Path]) -> None:
    recipe, again = make(), make()
    first = [recipe.batch(photographs, step) for step in range(2)]
    backwards = [again.batch(Photographs(files), step) for step in (1, 0)][::-1]
    for a, b in zip(first, backwards, strict=True):
        assert a.keys() == b.keys()
        assert all(torch.equal(a[name], b[name]) for name in a)
    another = make(seed=1).batch(photographs, 0)
    for b in (first[1], another):
        assert first[0]["sharp"].shape != b["sharp"].shape or not torch.equal(first[0]["sharp"], b["sharp"])


@given(seed=st.integers(0, 10**6), size=st.sampled_from([64, 96, 128]))
def test_crops(photographs: Photographs, seed: int, size: int) -> None:
    crop = photographs.crop(size, np.random.default_rng(seed))
    assert crop.shape == (size, size)
    assert crop.dtype == np.float32
    assert crop.flags.c_contiguous
    assert crop.min() >= -1e-6
    assert crop.max() <= 1 + 1e-6
    assert crop.std() > 0


def test_the_center_of_every_photograph(photographs: Photographs) -> None:
    assert [center.shape for center in photographs.centers(256)] == [(230, 230), (70, 70), (160, 160)]
    assert [center.shape for center in photographs.centers(64)] == [(64, 64)] * 3


@pytest.mark.parametrize(
    ("shape", "message"),
    [(None, "cannot read .*text.png as a photograph"), ((63, 90), "text.png is too small to train on: 63 x 90 pixels")],
)
def test_a_file_that_is_not_a_usable_photograph(tmp_path: Path, shape: tuple | None, message: str) -> None:
    import cv2

    path = tmp_path / "text.png"
    path.write_text("no picture")
    if shape is not None:
        cv2.imwrite(str(path), np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=message):
        Photographs([path])
    with pytest.raises(ValueError, match="no photographs to train on"):
        Photographs([])


@given(seed=st.integers(0, 10**6), size=st.sampled_from(_pairs._SIZES))
def test_random_psfs_are_valid_and_centered(seed: int, size: int) -> None:
    psf = random_psf(size, np.random.default_rng(seed))
    assert psf.shape == (size, size)
    psfs.validate(torch.from_numpy(psf))
    assert psf.min() >= 0
    assert psf.sum() == pytest.approx(1)
    offsets = np.arange(size) - size // 2
    centroid = [(psf.sum(1 - axis) * offsets).sum() for axis in range(2)]
    assert np.abs(centroid).max() < 0.1 * size  # a shake that is longer than the square loses an end: 1.5 of 31 pixels


@pytest.mark.parametrize("is_circular", [False, True])
@pytest.mark.parametrize("kernel_size", [1, 5, 6, 17, 24])
@pytest.mark.parametrize("shift", [(0, 0), (0, 1), (-2, 0), (2, -3)])
def test_a_delta_moves_the_picture_as_true_convolution_does(
    is_circular: bool, kernel_size: int, shift: tuple[int, int], rng: np.random.Generator
) -> None:
    if max(np.abs(shift)) > (kernel_size - 1) // 2:
        shift = (0, 0)
    x = torch.from_numpy(rng.random((2, 64, 64), np.float32))
    kernel = torch.zeros(2, kernel_size, kernel_size)
    kernel[:, kernel_size // 2 + shift[0], kernel_size // 2 + shift[1]] = 1
    sharp, blurred = observe(x, kernel, is_circular=is_circular)
    assert sharp.shape == blurred.shape
    assert sharp.shape[-1] == (64 if is_circular else 64 - (kernel_size - 1) - min(kernel_size, 16))
    moved = sharp.roll(shift, (-2, -1))
    inner = slice(None) if is_circular else slice(3, -3)
    torch.testing.assert_close(blurred[..., inner, inner], moved[..., inner, inner], rtol=0, atol=1e-6)


def test_every_image_fills_a_padded_grid_of_128_or_160(photographs: Photographs) -> None:
    """So that all transforms of a training are of one good size; and the kinds come as often as they should."""
    circular = 0
    for seed in range(40):
        batch = blurred_batch(photographs, 2, np.random.default_rng(seed))
        circular += bool(batch["is_circular"])
        boundary = "circular" if batch["is_circular"] else "unknown"
        size = 160 if batch["psf"].shape[-1] > 23 else 128
        assert grid_for(batch["blurred"], batch["psf"], boundary) == (size, size)
        assert batch["sharp"].shape == batch["blurred"].shape
        assert batch["psf"].shape[0] == 2
        torch.testing.assert_close(batch["psf"].sum((-2, -1)), torch.ones(2))
        assert (batch["psf"] >= 0).all()
        assert ((batch["noise_level"] >= 0.002 / 1.5) & (batch["noise_level"] <= 0.1 * 1.5)).all()  # 8 % uncertain
        assert all(tensor.isfinite().all() for tensor in batch.values())
    assert 3 <= circular <= 20  # of 40, expected 10: less than one seed in a thousand is outside


def test_the_noise_has_the_given_level(photographs: Photographs) -> None:
    ratios = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        batch = blurred_batch(photographs, 2, rng)
        boundary = bool(batch["is_circular"])
        _, expected = observe(batch["sharp"][:, 0], batch["psf"], is_circular=boundary)
        if boundary:  # elsewhere the sharp picture has lost its border
            ratios.append((batch["blurred"][:, 0] - expected).std((-2, -1)) / batch["noise_level"])
    # Rounding to 8 bits adds to the faintest noise, clipping takes from the loudest, a wrong PSF adds: a median.
    assert torch.cat(ratios).median() == pytest.approx(1, abs=0.05)


def test_estimated_psfs_are_inaccurate_but_valid() -> None:
    rng = np.random.default_rng(0)
    kernels = torch.from_numpy(np.stack([random_psf(23, rng) for _ in range(4)])).float()
    wrong = _pairs._estimated(kernels, rng)
    torch.testing.assert_close(wrong.sum((-2, -1)), torch.ones(4))
    assert (wrong >= 0).all()
    error = (wrong - kernels).norm(dim=(-2, -1)) / kernels.norm(dim=(-2, -1))
    assert ((error > 0.03) & (error < 0.3)).all()
