"""A PSF is brought to the voxels and the size of an image, and says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from deblur import psf

WIDEFIELD = psf.born_wolf(0.51, 0.8, (0.3, 0.1, 0.1), (21, 31, 32))


@pytest.mark.parametrize("shape", [(10, 64, 64), (11, 64, 64), (1, 64, 64), (10, 7, 64), (11, 8, 9), (40, 40, 31)])
def test_cropping_is_about_the_center(shape: tuple[int, ...]) -> None:
    cropped, notes = psf.fit(WIDEFIELD, shape)
    assert cropped.shape == tuple(np.minimum(shape, WIDEFIELD.shape))
    middle, old = (tuple(size // 2 for size in kernel.shape) for kernel in (cropped, WIDEFIELD))
    assert cropped[middle] == WIDEFIELD[old]
    np.testing.assert_array_equal(psf.fit(psf.pad_to(cropped, 64), cropped.shape).psf, cropped)
    lost = 100 * (1 - cropped.sum() / WIDEFIELD.sum())
    stated = float(notes[0].split("loses ")[1].split(" %")[0])
    assert stated == pytest.approx(lost, abs=max(0.51, 0.06 * lost) if lost > 10 else 0.06 * lost)


def test_what_fits_is_not_cropped() -> None:
    assert psf.fit(WIDEFIELD, WIDEFIELD.shape) == (WIDEFIELD, ())
    assert psf.fit(WIDEFIELD, 64) == (WIDEFIELD, ())
    assert psf.fit(WIDEFIELD, (3, 2, 21, 31, 32)) == (WIDEFIELD, ())  # of a time series with channels
    line = psf.motion(9)[0]
    assert psf.fit(line, 5).notes == (
        "the PSF was cropped from 9 columns to the 5 of the image, which loses 44 % of its light",
    )


def test_light_that_is_all_outside_is_refused() -> None:
    ring = np.ones((9, 9))
    ring[2:7, 2:7] = 0
    with pytest.raises(ValueError, match="no light within the \\(5, 5\\) of the image"):
        psf.fit(ring, 5)
    with pytest.raises(ValueError, match="sizes of at least 1"):
        psf.fit(ring, (0, 5))


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_resampling_to_other_voxels(convert: Any) -> None:
    fine = convert(psf.gaussian((4.0, 3.0, 3.0)))
    coarse, notes = psf.resampled_to(fine, {"Z": 0.15, "Y": 0.1, "X": 0.1}, (0.3, 0.1, 0.1))
    assert isinstance(coarse, type(fine))
    np.testing.assert_allclose(coarse, psf.gaussian((2.0, 3.0, 3.0), tuple(coarse.shape)), atol=1e-4)
    assert float(coarse.sum()) == pytest.approx(1)
    assert notes == ("the PSF was resampled from voxels of 0.15 to the image's 0.3 µm along z",)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (0.1, 0.1),
        (0.1, 0.1005),
        ((0.3, 0.1, 0.1), {"Z": 0.3}),
        ({}, 0.3),
        ({"Z": 0.3, "Y": 0.1, "X": 0.1}, {"T": 5.0, "Z": 0.3, "Y": 0.1, "X": 0.1}),
        ((0.1, 0.1, 0.1), (2.0, 0.1, 0.1, 0.1)),
    ],
)
def test_equal_and_unknown_voxels_change_nothing(old: Any, new: Any) -> None:
    assert psf.resampled_to(WIDEFIELD, old, new) == (WIDEFIELD, ())
    assert psf.prepare(WIDEFIELD, (64, 64, 64), psf_voxel=old, image_voxel=new).psf is WIDEFIELD


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (0.1, 1.0, "0.1, and of the image, 1, differ by a factor of 10 along z"),
        ({"Z": 300.0}, {"Z": 0.3}, "differ by a factor of 1000 along z: one has the wrong unit"),
        (0.0, 0.1, "psf_voxel must be above 0"),
        (0.1, -0.1, "image_voxel must be above 0"),
        (0.1, float("nan"), "image_voxel must be finite"),
        ((0.1, 0.1), 0.1, "psf_voxel must be one number, or 3"),
    ],
)
def test_voxels_that_cannot_be_right_are_refused(old: Any, new: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        psf.prepare(WIDEFIELD, psf_voxel=old, image_voxel=new)


def test_a_psf_that_would_be_huge_is_refused() -> None:
    with pytest.raises(ValueError, match="the PSF would have 76800000 voxels"):
        psf.resampled_to(psf.gaussian(20.0, (1500, 800)), 0.4, 0.05)


def test_all_at_once() -> None:
    fine = psf.gaussian((6.0, 2.0, 2.0), (61, 21, 21))
    measured = np.fft.ifftshift(fine)
    ready = psf.prepare(measured, (15, 64, 64), psf_voxel={"Z": 0.1}, image_voxel={"Z": 0.2, "Y": 0.1})
    assert [note.split(" was ")[1].split(" ")[0] for note in ready.notes] == ["in", "resampled", "cropped"]
    truth = psf.gaussian((3.0, 2.0, 2.0), (15, 21, 21))
    np.testing.assert_allclose(ready.psf / ready.psf.sum(), truth, atol=1e-3 * truth.max())


@pytest.mark.parametrize("shape", [(1, 7, 9), (7, 9, 1), (1, 1, 9)])
def test_axes_of_one_element_are_left_out(shape: tuple[int, ...]) -> None:
    kernel = np.random.default_rng(0).random(shape)
    ready = psf.prepare(kernel, (64, 64))
    assert ready.psf.ndim == 2
    np.testing.assert_array_equal(ready.psf.ravel(), kernel.ravel())
    assert psf.prepare(kernel, (64, 64, 64)).psf is kernel
