"""Inputs that are unusual, and those that are refused: one line says what to give instead."""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pytest
import tifffile
import torch

import deblur
from deblur import psf
from deblur._core import memory
from deblur.napari._planes import restore_array
from deblur.operators import Convolution
from deblur.photo import Photo

BLUR = psf.disk(2)
WIENER = {"method": "wiener", "noise_level": 0.05}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return np.random.default_rng(0).random((48, 40))


def test_masked_values_are_no_psf_and_no_weights(picture) -> None:
    masked = np.ma.masked_array(picture, picture > 0.9)
    with pytest.raises(ValueError, match=r"psf has .* masked values"):
        deblur.restore(picture, np.ma.masked_array(BLUR, BLUR > 0.07), **WIENER)
    with pytest.raises(ValueError, match=r"weights has .* masked values"):
        deblur.nonblind.richardson_lucy(picture, BLUR, weights=masked)
    expected = deblur.restore(picture, BLUR, **WIENER).image
    np.testing.assert_array_equal(deblur.restore(np.ma.masked_array(picture), BLUR, **WIENER).image, expected)


@pytest.mark.parametrize("kernel", [BLUR.tolist(), "disk:radius=2", 3.0, BLUR * 1j, BLUR.astype(object)])
def test_a_psf_that_is_no_array_of_real_numbers_is_refused(picture, kernel) -> None:
    out = np.empty_like(picture)
    for restore in (deblur.restore, lambda *each, **options: deblur.restore_large(*each, out, **options)):
        with pytest.raises(TypeError, match="psf must be"):
            restore(picture, kernel, **WIENER)


def test_the_sum_of_a_psf_in_half_precision_does_not_overflow(picture) -> None:
    made = deblur.restore(picture, np.full((5, 5), 5e3, np.float16), **WIENER)
    assert made.details["psf_sum"] == pytest.approx(125e3, rel=1e-3)
    np.testing.assert_allclose(made.image, deblur.restore(picture, np.ones((5, 5)), **WIENER).image, atol=1e-6)


@pytest.mark.parametrize("axis", [True, "0", 1.0])
def test_a_channel_axis_is_a_whole_number(picture, axis) -> None:
    with pytest.raises(TypeError, match="channel_axis must be a whole number"):
        deblur.restore(picture, BLUR, channel_axis=axis, **WIENER)


@pytest.mark.parametrize("saturation", [np.nan, -1, 0, "x", True])
def test_a_saturation_is_a_positive_number(picture, saturation) -> None:
    with pytest.raises(ValueError, match="saturation must be a positive number or None"):
        deblur.restore(picture, BLUR, saturation=saturation, **WIENER)


def test_noise_levels_are_one_or_one_per_image(picture) -> None:
    batch, levels = np.stack([picture, 0.5 * picture]), np.array([0.05, 0.1])
    made = deblur.restore(batch, BLUR, method="wiener", noise_level=levels)
    for image, level, found in zip(batch, levels, made.image, strict=True):
        alone = deblur.restore(image, BLUR, method="wiener", noise_level=float(level)).image
        np.testing.assert_allclose(found, alone, atol=1e-9)
    assert "noise 0.075" in repr(made)
    for wrong in (np.array([0.1, 0.2, 0.3]), np.array([[0.1, 0.2]])):
        with pytest.raises(ValueError, match=r"noise_level of shape .* one per image"):
            deblur.restore(batch, BLUR, method="wiener", noise_level=wrong)
    for kernel in (BLUR, None):
        with pytest.raises(ValueError, match="noise_level must be auto, a number, a percentage"):
            deblur.restore(picture, kernel, noise_level="a")
    with pytest.raises(TypeError, match="noise_level must be one number or None"):
        deblur.restore(picture, noise_level=levels)


def test_the_result_of_an_operator_has_a_repr(picture) -> None:
    operator = Convolution(BLUR, picture.shape, "reflect")
    made = deblur.restore(picture, operator, num_iter=2)
    assert "operator Convolution" in repr(made)


def test_gradients_do_not_warn(picture) -> None:
    image = torch.tensor(picture, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        deblur.restore(image, BLUR, **WIENER)
        deblur.restore(picture, torch.tensor(BLUR, requires_grad=True), **WIENER)


def test_windows_halos_and_memory_are_whole_numbers_of_any_kind(picture) -> None:
    out, other = np.empty_like(picture), np.empty_like(picture)
    deblur.restore_large(picture, BLUR, out, window=(40, 40), halo=5, **WIENER)
    sizes = tuple(np.array([40, 40]))
    deblur.restore_large(picture, BLUR, other, window=sizes, halo=np.int64(5), memory=4e9, **WIENER)
    np.testing.assert_array_equal(other, out)
    for window in (40, (40,), (40.0, 40.0), (0, 40), (True, 40), "40"):
        with pytest.raises(ValueError, match="window must be pixels, at least 1, for each of the 2 axes"):
            deblur.restore_large(picture, BLUR, out, window=window, **WIENER)
    for halo in (2.5, -1, (3,), "3", True):
        with pytest.raises(ValueError, match="halo must be pixels"):
            deblur.restore_large(picture, BLUR, out, window=(40, 40), halo=halo, **WIENER)
    for limit in (None, 0, -1, np.nan, True, [1], "x"):
        with pytest.raises(ValueError, match="memory must be an amount"):
            deblur.restore_large(picture, BLUR, out, memory=limit, **WIENER)


def test_the_output_of_windows_is_another_array(picture, tmp_path) -> None:
    image = picture.copy()
    with pytest.raises(ValueError, match="out shares memory with image"):
        deblur.restore_large(image, BLUR, image[::-1], window=(40, 40), **WIENER)
    np.testing.assert_array_equal(image, picture)
    np.save(tmp_path / "image.npy", image)
    one, other = (np.load(tmp_path / "image.npy", mmap_mode="r+") for _ in range(2))
    with pytest.raises(ValueError, match="out shares memory with image"):
        deblur.restore_large(one, BLUR, other, window=(40, 40), **WIENER)
    with pytest.raises(TypeError, match="image must be real numbers, got dtype complex128"):
        deblur.restore_large(1j * image, BLUR, np.empty_like(image), **WIENER)
    for out in (None, image.tolist(), torch.empty(image.shape), np.empty(image.shape, bool)):
        with pytest.raises(TypeError, match="out must"):
            deblur.restore_large(image, BLUR, out, **WIENER)
    with pytest.raises(TypeError, match="image must be an array"):
        deblur.restore_large(image.tolist(), BLUR, np.empty_like(image), **WIENER)
    for kernel in (None, Convolution(BLUR, image.shape, "reflect")):
        with pytest.raises(TypeError, match="psf must be a NumPy array or a torch tensor"):
            deblur.restore_large(image, kernel, np.empty_like(image), **WIENER)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_dask_takes_channels_on_any_axis_and_chunks_of_any_size(picture, axis) -> None:
    da = pytest.importorskip("dask.array", reason="the extra dask")
    import deblur.dask

    color = np.stack([picture, picture[::-1], picture[:, ::-1]], axis)
    chunks = [(7, 41), (1, 1, 38)]
    chunks.insert(axis, (2, 1))
    whole = deblur.restore(color, BLUR, channel_axis=axis, method="wiener", noise_level=0.05, balance=1.0).image
    options = {"channel_axis": axis, "balance": 1.0, "halo": 30, **WIENER}
    found = deblur.dask.restore(da.from_array(color, chunks=tuple(chunks)), BLUR, **options)
    np.testing.assert_allclose(found.compute(scheduler="sync"), whole, atol=2e-3)


def test_dask_refuses_what_it_cannot_restore(picture) -> None:
    da = pytest.importorskip("dask.array", reason="the extra dask")
    import deblur.dask

    blocks = da.from_array(picture, chunks=24)
    for kernel in (None, BLUR.tolist(), Convolution(BLUR, picture.shape, "reflect")):
        with pytest.raises(TypeError, match="psf must be a NumPy array or a torch tensor"):
            deblur.dask.restore(blocks, kernel)
    with pytest.raises(TypeError, match="image must be real numbers, got dtype complex128"):
        deblur.dask.restore(1j * blocks, BLUR)
    with pytest.raises(ValueError, match="channel_axis 5 is not an axis"):
        deblur.dask.restore(blocks, BLUR, channel_axis=5)
    with pytest.raises(ValueError, match="compute_chunk_sizes"):
        deblur.dask.restore(blocks[blocks[:, 0] > 0.3], BLUR)


def test_a_photograph_takes_a_psf_of_its_axes_and_a_box_within(picture) -> None:
    blurred = Photo(picture.astype(np.float32))
    whole = deblur.restore_photo(blurred, BLUR, box=(slice(None), slice(None)), **WIENER).image
    np.testing.assert_array_equal(whole, deblur.restore_photo(blurred, BLUR, **WIENER).image)
    made = deblur.restore_photo(blurred, BLUR, box=(slice(-20, -5), slice(3, 9)), **WIENER)
    assert made.image.shape == (15, 6)
    for box in ((slice(60, 70), slice(None)), (slice(9, 3), slice(None)), (slice(0, 9, 2), slice(None))):
        with pytest.raises(ValueError, match="box must hold pixels of the picture, 48 x 40"):
            deblur.restore_photo(blurred, BLUR, box=box, **WIENER)
    with pytest.raises(TypeError, match="box must be two slices"):
        deblur.restore_photo(blurred, BLUR, box=((1, 2), (3, 4)), **WIENER)
    for kernel in (BLUR.tolist(), Convolution(BLUR, picture.shape, "reflect")):
        with pytest.raises(TypeError, match="psf must be a NumPy array or a torch tensor"):
            deblur.restore_photo(blurred, kernel, **WIENER)
    with pytest.raises(ValueError, match="a PSF file ends in"):
        deblur.restore_photo(blurred, "disk:radius=2", **WIENER)
    with pytest.raises(ValueError, match="a PSF for pictures has 2 axes, or 3 for stacks; it has 1"):
        deblur.restore_photo(blurred, np.ones(3), **WIENER)
    with pytest.raises(TypeError, match=r"deblur\.restore takes arrays"):
        deblur.restore_photo(picture, BLUR, **WIENER)
    with pytest.raises(TypeError, match="leave it out"):
        deblur.restore_photo(blurred, BLUR, channel_axis=-1, **WIENER)


def test_a_stack_refuses_what_it_cannot_restore(tmp_path, picture) -> None:
    source, target = tmp_path / "cells.tif", tmp_path / "sharp.tif"
    tifffile.imwrite(source, np.stack([picture] * 2).astype(np.float32), photometric="minisblack")
    for kernel in (None, BLUR.tolist()):
        with pytest.raises(TypeError, match="psf must be a NumPy array or a torch tensor"):
            deblur.restore_stack(source, kernel, target)
    for ndim in (1, 4):
        with pytest.raises(ValueError, match=f"2 axes, or 3 for stacks; it has {ndim}"):
            deblur.restore_stack(source, np.ones((3,) * ndim), target)
    with pytest.raises(ValueError, match="processes must be at least 1"):
        deblur.restore_stack(source, BLUR, target, processes=0)
    assert not target.exists()


def test_an_unknown_device_is_named_in_a_short_line(picture) -> None:
    with pytest.raises(ValueError, match=r"device 'gpu' is not on this machine \(here: auto, .*\): no such kind$"):
        deblur.restore(picture, BLUR, device="gpu")


def test_memory_is_known_without_proc_and_without_resource(monkeypatch) -> None:
    monkeypatch.setattr(memory.Path, "exists", lambda path: False)
    assert memory.resident_bytes() > 0
    monkeypatch.setitem(sys.modules, "resource", None)
    assert memory.resident_bytes() == 0


def test_windows_of_inverted_and_planar_pictures_are_refused(tmp_path, picture) -> None:
    """Restored in windows they came out as negatives, or as another axis of the PSF."""
    samples = (255 * picture).astype(np.uint8)
    tifffile.imwrite(tmp_path / "inverted.tif", samples, photometric="miniswhite")
    tifffile.imwrite(tmp_path / "planar.tif", np.stack([samples] * 3), photometric="rgb", planarconfig="separate")
    for name, reason in (("inverted", "0 is white"), ("planar", "colors must be the last")):
        with pytest.raises(ValueError, match=f"{reason}.* or restore it whole"):
            deblur.restore_stack(tmp_path / f"{name}.tif", BLUR, tmp_path / "sharp.tif", **WIENER)
        assert deblur.restore_photo(tmp_path / f"{name}.tif", BLUR, **WIENER).changed
    assert not (tmp_path / "sharp.tif").exists()


def test_napari_takes_a_volume_with_as_many_planes_as_its_psf() -> None:
    volume, kernel = np.random.default_rng(0).random((3, 20, 20)), np.ones((3, 3, 3))
    made, _, _ = restore_array(volume, kernel, "wiener", is_color=False, advance=lambda fraction: None)
    expected = deblur.restore(volume, kernel, method="wiener", psf_per_image=False).image
    np.testing.assert_allclose(made, expected, atol=1e-6)


@pytest.mark.parametrize("shape", [(0, 0), (0, 5)])
def test_empty_images_are_refused(shape) -> None:
    for kernel in (None, BLUR):
        with pytest.raises(ValueError, match="image is empty: shape"):
            deblur.restore(np.zeros(shape), kernel)
