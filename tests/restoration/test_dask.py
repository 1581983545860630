"""Restoring in blocks that overlap."""

import numpy as np
import pytest
from skimage import data

import deblur
from deblur.operators import Convolution

da = pytest.importorskip("dask.array", reason="the extra dask")
pytest.importorskip("deblur.dask")

PSF = deblur.psf.gaussian(1.5)
PLAIN = {"method": "richardson-lucy", "num_iter": 30, "accelerate": False, "tolerance": 0, "noise_level": 0}


@pytest.fixture(scope="module")
def truth():
    return data.camera()[100:260, 180:340].astype(np.float32) / 255


@pytest.fixture(scope="module")
def image(truth):
    noise = np.random.default_rng(0).normal(0, 0.01, truth.shape)
    return (Convolution(PSF, truth.shape, "reflect")(truth) + noise).astype(np.float32)


def test_one_block_is_the_whole(image):
    for dtype in (np.float32, np.float64, np.uint16):
        pixels = (image.clip(0, 1) * 65535).astype(dtype) if dtype == np.uint16 else image.astype(dtype)
        lazy = deblur.dask.restore(da.from_array(pixels), PSF, **PLAIN)
        expected = deblur.restore(pixels, PSF, **PLAIN).image
        assert lazy.dtype == expected.dtype
        np.testing.assert_array_equal(lazy.compute(), expected)


def test_blocks_are_those_of_the_whole_and_the_halo_is_what_makes_them_so(image):
    whole = deblur.restore(image, PSF, **PLAIN).image
    apart = {}
    for halo in (None, 0):
        restored = deblur.dask.restore(da.from_array(image, chunks=80), PSF, halo=halo, **PLAIN).compute()
        apart[halo] = np.abs(restored - whole)[16:-16, 16:-16]
    assert apart[None].max() < 1e-3
    assert apart[0].max() > 0.05


@pytest.mark.parametrize("method", ["auto", "wiener", "total-variation", "unsupervised-wiener"])
def test_blocks_are_as_near_to_the_truth_as_the_whole(method, truth, image):
    whole = deblur.restore(image, PSF, method=method).image
    restored = deblur.dask.restore(da.from_array(image, chunks=80), PSF, method=method).compute()
    error, expected = (np.sqrt(np.mean((x - truth) ** 2)) for x in (restored, whole))
    assert error < 1.05 * expected


def test_the_noise_level_is_one_for_all_blocks(image):
    """A block of nothing but sky would be taken for less noisy than the others."""
    level = deblur.nonblind.estimate_noise(image, PSF)
    restored = deblur.dask.restore(da.from_array(image, chunks=80), PSF, method="wiener").compute()
    expected = deblur.dask.restore(da.from_array(image, chunks=80), PSF, method="wiener", noise_level=level).compute()
    np.testing.assert_array_equal(restored, expected)


def test_colors_batches_and_volumes_are_told_apart_from_what_overlaps(image):
    rng = np.random.default_rng(0)
    color = np.stack([image, image[:, ::-1]], -1)
    found = deblur.dask.restore(da.from_array(color, chunks=(80, 160, 1)), PSF, channel_axis=-1, **PLAIN)
    assert found.chunks == ((80, 80), (160,), (2,))
    expected = deblur.restore(color, PSF, channel_axis=-1, **PLAIN).image
    assert np.abs(found.compute() - expected)[16:-16, 16:-16].max() < 1e-3

    batch = np.stack([image, image[::-1]])
    found = deblur.dask.restore(da.from_array(batch, chunks=(1, 160, 160)), PSF, **PLAIN).compute()
    for page, whole in zip(found, batch, strict=True):
        np.testing.assert_array_equal(page, deblur.restore(whole, PSF, **PLAIN).image)

    volume = rng.random((24, 20, 20)).astype(np.float32)
    psf = deblur.psf.gaussian((1, 0.7, 0.7))
    found = deblur.dask.restore(da.from_array(volume, chunks=(12, 20, 20)), psf, halo=10, **PLAIN).compute()
    assert np.abs(found - deblur.restore(volume, psf, **PLAIN).image).max() < 0.01


def test_a_zarr_array_is_taken_in_its_chunks(image, tmp_path):
    zarr = pytest.importorskip("zarr", reason="the package zarr")
    stored = zarr.create_array(tmp_path / "image.zarr", data=image, chunks=(80, 160))
    restored = deblur.dask.restore(stored, PSF, **PLAIN)
    assert restored.chunks == ((80, 80), (160,))
    expected = deblur.dask.restore(da.from_array(image, chunks=(80, 160)), PSF, **PLAIN)
    np.testing.assert_array_equal(restored.compute(), expected.compute())


def test_bad_arguments_are_said_at_once(image):
    with pytest.raises(ValueError, match="psf has 2 axes, and the image 1"):
        deblur.dask.restore(da.ones(100), PSF)
    with pytest.raises(ValueError, match="larger than your array"):
        deblur.dask.restore(da.from_array(image, chunks=80), PSF, halo=1000)
