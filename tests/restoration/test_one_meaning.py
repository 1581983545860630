"""One picture, one stack and one PSF give the same numbers through every front end."""

from __future__ import annotations

import io
import itertools
import sys

import numpy as np
import pytest
import tifffile
from PIL import ImageCms
from skimage import data
from typer.testing import CliRunner

import deblur
from deblur import photo, psf
from deblur.cli import app
from deblur.cli._files import Output
from deblur.cli._pipe import restore_standard_input
from deblur.cli._settings import Settings
from deblur.napari._planes import restore_array
from deblur.operators import Convolution
from deblur.photo import Photo
from deblur.stack import open_stack

BLUR = psf.motion(7, angle=30)
NOISE = 0.01
SUMS = (0.5, 1.0, 2.0)
TYPES = ("uint8", "uint16", "float32")
ROUNDING = {"uint8": 0.51 / 255, "uint16": 0.51 / 65535 + 2e-5, "float32": 2e-5}
"""Half a step of the file's samples, and single precision."""


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A blurred, noisy color picture in [0, 1], (64, 72, 3)."""
    x = np.moveaxis(data.astronaut()[100:164, 180:252] / 255, -1, 0)
    y = np.moveaxis(Convolution(BLUR, x.shape[1:], "reflect")(x), 0, -1)
    return (y + NOISE * np.random.default_rng(0).standard_normal(y.shape)).clip(0, 0.95)


def as_dtype(values: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "float32":
        return values.astype(np.float32)
    return np.rint(values * np.iinfo(dtype).max).astype(dtype)


def unit(dtype: str) -> float:
    return 1.0 if dtype == "float32" else float(np.iinfo(dtype).max)


def command(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("method", "layout", "dtype", "total"),
    [
        *itertools.product(["wiener"], ["gray", "color"], TYPES, SUMS),
        *itertools.product(["richardson-lucy"], ["color"], TYPES, [0.5]),
        ("unrolled", "gray", "uint16", 1.0),
        ("unrolled", "color", "uint8", 2.0),
    ],
)
def test_an_array_through_every_front_end(scene, tmp_path, method, layout, dtype, total) -> None:
    """`restore`, `restore_photo`, `restore_large`, Dask, the napari plugin and the command, none in linear light."""
    da = pytest.importorskip("dask.array", reason="the extra dask")
    import deblur.dask

    pixels = as_dtype(scene if layout == "color" else scene.mean(-1), dtype)
    axis = -1 if layout == "color" else None
    kernel = total * BLUR
    expected = deblur.restore(pixels, kernel / total, method=method, channel_axis=axis).image
    floats = (pixels / unit(dtype)).astype(np.float32)
    assert abs(expected.mean() - floats.mean()) < 0.02  # the PSF's sum does not change the brightness

    made = {"restore": deblur.restore(pixels, kernel, method=method, channel_axis=axis).image}
    out = np.empty(pixels.shape, np.float32)
    deblur.restore_large(pixels, kernel, out, method=method, channel_axis=axis)
    made["restore_large"] = out
    lazy = deblur.dask.restore(da.from_array(pixels), kernel, method=method, channel_axis=axis)
    made["dask"] = lazy.compute(scheduler="sync")
    done = restore_array(pixels, kernel, method, is_color=axis is not None, advance=lambda fraction: None)
    made["napari"] = done[0] / unit(dtype)
    picture = Photo(floats, axis, dtype=np.dtype(dtype))
    made["restore_photo"] = deblur.restore_photo(picture, kernel, method=method, linear=False, saturation=None).image
    for name, image in made.items():
        assert image.dtype in (np.float32, np.float64), name
        np.testing.assert_allclose(image, expected, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("total", SUMS)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("layout", ["gray", "color", "alpha"])
def test_a_photograph_file_through_every_front_end(scene, tmp_path, dtype, layout, total) -> None:
    """The command, its windows, its pipe, `restore_photo` and the page's task, all in linear light by default."""
    from deblur.web._tasks import Tasks

    pixels = as_dtype(scene.mean(-1) if layout == "gray" else scene, dtype) / unit(dtype)
    alpha = np.linspace(0.2, 1, pixels[..., 0].size).reshape(pixels.shape[:2]) if layout == "alpha" else None
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # 16-bit gray without one is counts
    picture = Photo(pixels.astype(np.float32), None if layout == "gray" else -1, alpha, np.dtype(dtype), icc=profile)
    source = tmp_path / "photo.tif"
    photo.write(source, picture)
    kernel = tmp_path / "psf.npy"
    psf.save(kernel, total * BLUR)
    result = deblur.restore_photo(source, total * BLUR, method="wiener")
    assert result.details["linear"]
    expected = result.image
    light = deblur.restore(
        photo.read(source).pixels,
        BLUR,
        method="wiener",
        linear=True,
        saturation=result.details["saturation"],
        channel_axis=picture.channel_axis,
    )
    np.testing.assert_allclose(light.image, expected, atol=2e-5)
    result.save(tmp_path / "saved.tif")
    options = ["--psf", kernel, "--method", "wiener"]
    command("restore", source, *options, "-o", tmp_path / "command.tif")
    names = ["saved.tif", "command.tif"]
    if layout != "alpha":  # a stack has no transparency
        command("restore", source, *options, "--memory", "4G", "-o", tmp_path / "windows.tif")
        names.append("windows.tif")
    for name in names:
        found = photo.read(tmp_path / name)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_allclose(found.pixels, expected.clip(0, 1), atol=ROUNDING[dtype], err_msg=name)
        if alpha is not None:
            np.testing.assert_allclose(found.alpha, alpha, atol=ROUNDING[dtype])
    preview = Tasks(tmp_path, 10**6, "cpu").preview(
        lambda fraction, stage: None, "key", source.read_bytes(), total * BLUR, 0.01, (0, 0, 640, 640), fine=False
    )
    assert preview["box"] == [0, 0, *expected.shape[1::-1]]


def test_a_pipe_is_the_command(scene, tmp_path, monkeypatch) -> None:
    picture = Photo(scene.astype(np.float32), -1, dtype=np.dtype(np.uint16))
    photo.write(tmp_path / "photo.png", picture)
    psf.save(tmp_path / "psf.npy", 2 * BLUR)
    command("restore", tmp_path / "photo.png", "--psf", tmp_path / "psf.npy", "--method", "wiener")

    class Standard(io.StringIO):
        buffer = io.BytesIO((tmp_path / "photo.png").read_bytes())

    monkeypatch.setattr(sys, "stdin", Standard())
    settings = Settings.parse("wiener", "auto", None, None)
    piped = tmp_path / "piped.png"
    assert restore_standard_input(str(tmp_path / "psf.npy"), settings, Output(str(piped))) == 0
    assert piped.read_bytes() == (tmp_path / "photo-restored.png").read_bytes()


@pytest.mark.parametrize("total", SUMS)
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("ndim", [2, 3])
def test_a_stack_through_every_front_end(scene, tmp_path, ndim, dtype, total) -> None:
    """Planes or a volume: `restore`, `restore_photo`, `restore_stack`, Dask, napari; whole, and in windows."""
    da = pytest.importorskip("dask.array", reason="the extra dask")
    import deblur.dask

    volume = as_dtype(np.stack([scene.mean(-1) * share for share in (0.4, 0.7, 0.5, 0.6, 0.9, 0.8)]), dtype)
    kernel = psf.gaussian((1.5,) * 2) if ndim == 2 else psf.gaussian((0.5, 1, 1))
    options = {"method": "richardson-lucy", "num_iter": 6, "noise_level": 0.0}
    expected = deblur.restore(volume, kernel, psf_per_image=False, **options).image
    tifffile.imwrite(tmp_path / "cells.ome.tif", volume, metadata={"axes": "ZYX"})
    tifffile.imwrite(tmp_path / "pages.tif", volume, photometric="minisblack")

    made = {}
    planes = {"channel_axis": None, **options}
    made["dask"] = deblur.dask.restore(da.from_array(volume), total * kernel, **options).compute(scheduler="sync")
    made["pages"] = deblur.restore_photo(tmp_path / "pages.tif", total * kernel, **options).image
    made["scaled"] = deblur.restore(volume, total * kernel, psf_per_image=False, **planes).image
    for name, image in made.items():
        np.testing.assert_allclose(image, expected, atol=2e-5, err_msg=name)
    psf.save(tmp_path / "psf.npy", total * kernel)
    steps = ["--psf", tmp_path / "psf.npy", "--method", "richardson-lucy", "--iterations", 6, "--noise-level", 0]
    command("restore", tmp_path / "cells.ome.tif", *steps)
    deblur.restore_stack(tmp_path / "cells.ome.tif", total * kernel, tmp_path / "api.ome.tif", **options)
    for name in ("cells-restored.ome.tif", "api.ome.tif"):
        found = open_stack(tmp_path / name).data[...] / unit(dtype)
        clipped = expected if dtype == "float32" else expected.clip(0, 1)
        np.testing.assert_allclose(found, clipped, atol=ROUNDING[dtype], err_msg=name)


def test_a_measured_plane_is_no_photograph_however_it_is_read(tmp_path, scene) -> None:
    """An OME plane of 16 bits: whole, with --memory, and with the page's default, without linear light."""
    plane = as_dtype(scene.mean(-1), "uint16")
    tifffile.imwrite(tmp_path / "plane.ome.tif", plane, metadata={"axes": "YX"})
    options = ["--psf", "gaussian:sigma=1.5", "--method", "wiener", "--noise-level", "0.01"]
    command("restore", tmp_path / "plane.ome.tif", *options, "-o", tmp_path / "whole.ome.tif")
    command("restore", tmp_path / "plane.ome.tif", *options, "--memory", "4G", "-o", tmp_path / "windows.ome.tif")
    expected = deblur.restore(plane, psf.gaussian((1.5, 1.5)), method="wiener", noise_level=0.01).image
    for name in ("whole.ome.tif", "windows.ome.tif"):
        found = tifffile.imread(tmp_path / name) / 65535
        np.testing.assert_allclose(found, expected.clip(0, 1), atol=ROUNDING["uint16"], err_msg=name)


def test_windows_are_the_whole(scene) -> None:
    """What is calibrated once and kept away from inner edges leaves no seam, in `restore_large` and with Dask alike."""
    da = pytest.importorskip("dask.array", reason="the extra dask")
    import deblur.dask

    kernel = psf.gaussian((1.0, 1.0))
    large = np.tile(scene.mean(-1).astype(np.float32), (3, 3))
    options = {"method": "richardson-lucy", "noise_level": 0.02}
    out = np.empty_like(large)
    done = deblur.restore_large(large, kernel, out, window=(150, 150), **options)
    assert done.details["windows"] > 1
    blocks = deblur.dask.restore(da.from_array(large, chunks=96), kernel, **options).compute(scheduler="sync")
    count = done.details["options"]["num_iter"]
    fixed = {"num_iter": count, "tolerance": 0.0, "accelerate": "steady", "noise_level": 0.0}
    whole = deblur.restore(large, kernel, method="richardson-lucy", **fixed).image
    inside = (slice(20, -20),) * 2
    assert np.abs(out - whole)[inside].max() < 2e-3
    assert np.abs(blocks - whole)[inside].max() < 2e-3


def test_unchanged_pictures_have_one_type_and_scale() -> None:
    flat = np.full((64, 64), 128, np.uint8)
    result = deblur.restore(flat)
    assert not result.changed
    assert result.image.dtype == np.float32
    np.testing.assert_allclose(result.image, 128 / 255)


def test_a_batch_with_a_psf_each_is_never_a_volume(rng) -> None:
    images = rng.random((4, 32, 32))
    kernels = np.stack([psf.gaussian((s, s), (9, 9)) for s in (0.5, 0.6, 0.7, 0.8)])
    with pytest.raises(ValueError, match="give psf_per_image=True or psf_per_image=False"):
        deblur.restore(images, kernels)
    each = deblur.restore(images, 3 * kernels, psf_per_image=True, method="wiener").image
    for image, kernel, found in zip(images, kernels, each, strict=True):
        np.testing.assert_allclose(found, deblur.restore(image, kernel, method="wiener").image, atol=1e-9)
    with pytest.raises(ValueError, match="one PSF per image"):
        deblur.restore(images[:3], kernels, psf_per_image=True)
    volume = deblur.restore(images, kernels, psf_per_image=False, method="wiener").image
    assert np.abs(volume - each).max() > 1e-3


def test_an_operator_takes_the_place_of_the_psf(rng) -> None:
    image = rng.random((40, 40))
    operator = Convolution(psf.gaussian((1, 1)), image.shape, "reflect")
    result = deblur.restore(image, operator)
    assert result.method == "richardson-lucy"
    np.testing.assert_array_equal(result.image, deblur.nonblind.richardson_lucy(image, operator))
    with pytest.raises(TypeError, match="wiener needs a point-spread function"):
        deblur.restore(image, operator, method="wiener")
