"""What people give for a PSF: mended to the right one, or refused; by Python and by the command."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import tifffile
import torch
from skimage import data
from typer.testing import CliRunner

import deblur
from deblur import photo, psf
from deblur.cli import app
from deblur.operators import Convolution
from deblur.photo import Photo

RIGHT = np.zeros((15, 15))
RIGHT[7, 3:12] = 1 / 9


def pedestal() -> np.ndarray:
    """A measured PSF of peak 3100 on an offset of 100, with noise of 5."""
    measured = np.full((61, 61), 100.0)
    measured[23:38, 23:38] += RIGHT / RIGHT.max() * 3000 + np.random.default_rng(0).normal(0, 5, RIGHT.shape)
    return measured


OFF_CENTER = np.zeros((41, 41))
OFF_CENTER[5, 16:25] = 1 / 9
WRONG = {
    "pedestal": (pedestal(), "stood on an offset"),
    "inverted": (255 - 255 * RIGHT / RIGHT.max(), "dark on a bright ground"),
    "corner": (np.fft.ifftshift(RIGHT), "center was in the corner"),
    "off center": (OFF_CENTER, "off center, 15 rows up"),
    "ripples": (RIGHT - 0.002, ""),
    "padded": (np.pad(RIGHT, 100), ""),
}


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    sharp = data.camera()[100:228, 100:244] / 255
    blurred = Convolution(RIGHT, sharp.shape, "reflect")(sharp)
    return sharp, blurred + 0.003 * np.random.default_rng(0).standard_normal(sharp.shape)


def psnr(image: np.ndarray, sharp: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(image - sharp)[10:-10, 10:-10].mean()))


@pytest.mark.parametrize("method", ["unrolled", "wiener"])
@pytest.mark.parametrize("name", list(WRONG))
def test_a_wrong_psf_is_as_good_as_the_right_one(scene, name, method) -> None:
    sharp, blurred = scene
    kernel, note = WRONG[name]
    right = deblur.restore(blurred, RIGHT, method=method)
    made = deblur.restore(blurred, kernel, method=method)
    assert psnr(made.image, sharp) > psnr(right.image, sharp) - 0.1
    assert made.noise_level == pytest.approx(right.noise_level, rel=0.15)
    assert any(note in each for each in made.details["psf_notes"]) if note else True


@pytest.mark.parametrize("kernel", [RIGHT[..., np.newaxis], RIGHT[np.newaxis]])
def test_an_axis_of_one_is_none(scene, kernel) -> None:
    image = Photo(scene[1].clip(0, 1), dtype=np.dtype(np.uint8))
    made, right = (deblur.restore_photo(image, each, method="wiener") for each in (kernel, RIGHT))
    np.testing.assert_array_equal(made.image, right.image)


def test_the_command_says_what_it_mended(scene, tmp_path) -> None:
    sharp, blurred = scene
    photo.write(tmp_path / "photo.png", Photo(photo.from_linear(blurred.clip(0, 1))))
    tifffile.imwrite(tmp_path / "psf.tif", pedestal().clip(0).astype(np.uint16))
    scipy.io.savemat(tmp_path / "psf.mat", {"k": np.fft.ifftshift(RIGHT)})
    for file, note in (("psf.tif", "stood on an offset"), ("psf.mat", "center was in the corner")):
        arguments = ["restore", str(tmp_path / "photo.png"), "--psf", str(tmp_path / file), "--force"]
        done = CliRunner().invoke(app, [*arguments, "-o", str(tmp_path / "out.png")])
        assert done.exit_code == 0, done.output
        assert note in done.output
        found = photo.to_linear(photo.read(tmp_path / "out.png").pixels)
        assert psnr(found, sharp) > psnr(blurred, sharp) + 5


def test_a_psf_is_brought_to_the_voxels_and_the_size_of_a_stack(tmp_path) -> None:
    cells = np.random.default_rng(0).random((6, 40, 40)).astype(np.float32)
    sizes = {"PhysicalSizeX": 0.2, "PhysicalSizeY": 0.2, "PhysicalSizeZ": 0.4}
    tifffile.imwrite(tmp_path / "cells.ome.tif", cells, metadata={"axes": "ZYX", **sizes})
    fine = psf.gaussian((2.0, 2.0, 2.0), (17, 17, 17)).astype(np.float32)
    half = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.2}
    tifffile.imwrite(tmp_path / "psf.ome.tif", fine, metadata={"axes": "ZYX", **half})
    options = {"method": "richardson-lucy", "num_iter": 3, "noise_level": 0}
    made = deblur.restore_stack(tmp_path / "cells.ome.tif", tmp_path / "psf.ome.tif", tmp_path / "out.tif", **options)
    notes = made.details["psf_notes"]
    assert any("resampled" in note for note in notes)
    assert any("cropped" in note and "6 of the image" in note for note in notes)
    expected = deblur.restore(cells, psf.gaussian((1.0, 1.0, 1.0), (6, 9, 9)), psf_per_image=False, **options).image
    np.testing.assert_allclose(tifffile.imread(tmp_path / "out.tif"), expected, atol=0.1)


def test_a_psf_that_would_lose_most_of_its_light_is_refused(scene) -> None:
    with pytest.raises(ValueError, match="the PSF is larger than the image"):
        deblur.restore(scene[1][:20, :20], psf.disk(30), method="wiener")
    with pytest.raises(ValueError, match="must not be negative"):
        deblur.restore(scene[1], RIGHT - 0.5 * np.roll(RIGHT, 3, 0))


@pytest.mark.parametrize("method", ["unrolled", "plug-and-play", "adm", "wiener", "richardson-lucy", "sparse-edges"])
def test_the_default_type_of_torch_does_not_matter(scene, method) -> None:
    kernel, options = (None, {}) if method == "sparse-edges" else (RIGHT, {"noise_level": 0.003})
    small = scene[1][:64, :64].astype(np.float32)
    expected = deblur.restore(small, kernel, method=method, **options).image
    torch.set_default_dtype(torch.float64)
    try:
        found = deblur.restore(small, kernel, method=method, **options).image
    finally:
        torch.set_default_dtype(torch.float32)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)
