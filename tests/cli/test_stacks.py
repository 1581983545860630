"""`deblur restore` on stacks, and by parts."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from deblur import photo, psf
from deblur.nonblind import richardson_lucy
from deblur.operators import Convolution
from deblur.photo import Photo
from deblur.stack import open_stack

from .conftest import BLUR, Run

SIZES = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.3}
SOFT = psf.gaussian((1, 1.5, 1.5))
STEPS = ["--psf", "psf.tif", "--method", "richardson-lucy", "--iterations", "9"]


@pytest.fixture
def cells(tmp_path: Path) -> np.ndarray:
    """Counts of two channels, (2, 16, 40, 44), written as cells.ome.tif; and psf.tif."""
    rng = np.random.default_rng(0)
    x = np.zeros((2, 16, 40, 44))
    for channel in x:
        channel[tuple(rng.integers(2, size - 2, 30) for size in channel.shape)] = 20000
    y = (Convolution(SOFT, x.shape[1:], "reflect")(x) + 100).astype(np.uint16)
    metadata = {"axes": "CZYX", **SIZES, "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(tmp_path / "cells.ome.tif", y, metadata=metadata)
    psf.save(tmp_path / "psf.tif", SOFT)
    return y


def test_each_channel_is_restored_as_a_volume(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    done = run("restore", "cells.ome.tif", *STEPS, "--noise-level", "0")
    assert done.stdout.startswith("cells.ome.tif -> cells-restored.ome.tif (richardson-lucy")
    stack = open_stack(tmp_path / "cells-restored.ome.tif")
    assert (stack.axes, stack.dtype, stack.channels) == ("CZYX", np.uint16, ("DAPI", "GFP"))
    assert stack.voxel_size == pytest.approx({"Z": 0.3, "Y": 0.1, "X": 0.1})
    for number, channel in enumerate((cells / 65535).astype(np.float32)):
        blur = (psf.load(tmp_path / "psf.tif") / SOFT.sum()).astype(np.float32)
        expected = richardson_lucy(channel, blur, num_iter=9, noise_level=0) * 65535
        np.testing.assert_allclose(stack.data[number], expected, atol=2)  # counts stay counts


def test_imagej_keeps_the_order_of_its_axes(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    metadata = {"axes": "ZCYX", "spacing": 0.3, "unit": "um"}
    tifffile.imwrite(tmp_path / "ij.tif", cells.swapaxes(0, 1), imagej=True, metadata=metadata, resolution=(10, 10))
    run("restore", "ij.tif", "cells.ome.tif", *STEPS)
    ij, ome = (open_stack(tmp_path / name) for name in ("ij-restored.tif", "cells-restored.ome.tif"))
    assert (ij.axes, ij.format, ij.dtype) == ("ZCYX", "imagej", np.uint16)
    np.testing.assert_array_equal(np.swapaxes(ij.data[...], 0, 1), ome.data[...])


def test_planes_of_a_time_series_with_a_psf_of_two_axes(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "t.ome.tif", cells[:, :3], metadata={"axes": "TZYX"}, compression="zlib")
    (result,) = json.loads(
        run("restore", "t.ome.tif", "--psf", "gaussian:sigma=1.5", "--method", "wiener", "--json").stdout
    )
    assert (result["axes"], result["windows"], result["linear"]) == ("TZYX", 6, False)
    assert open_stack(tmp_path / "t-restored.ome.tif").shape == (2, 3, 40, 44)


def test_zarr_in_and_out(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    run("restore", "cells.ome.tif", *STEPS, "-o", "cells.zarr")
    first = open_stack(tmp_path / "cells.zarr")
    assert (first.axes, first.dtype, first.channels) == ("CZYX", np.uint16, ("DAPI", "GFP"))
    assert first.voxel_size == pytest.approx({"Z": 0.3, "Y": 0.1, "X": 0.1})
    assert first.data[0].max() > 2 * cells[0].max()
    run("restore", "cells.zarr", "--psf", "gaussian:sigma=1", "--method", "wiener", "-o", "sharper.zarr")
    assert open_stack(tmp_path / "sharper.zarr").channels == ("DAPI", "GFP")
    assert "exists already" in run("restore", "cells.zarr", *STEPS, "-o", "sharper.zarr", code=2).stderr


def test_clipped_counts_are_reported_and_floats_keep_them(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    bright = np.minimum(cells[0].astype(int) * 40, 65000).astype(np.uint16)
    tifffile.imwrite(tmp_path / "bright.ome.tif", bright, metadata={"axes": "ZYX"})
    assert "brighter than uint16 holds, and clipped" in run("restore", "bright.ome.tif", *STEPS).stdout
    run("restore", "bright.ome.tif", *STEPS, "--float32", "-o", "floats.ome.tif")
    kept = open_stack(tmp_path / "floats.ome.tif")
    assert kept.dtype == np.float32
    assert kept.data[...].max() > 65535


def test_a_photograph_in_tiles_equals_the_whole(run: Run, tmp_path: Path, blurred: np.ndarray) -> None:
    large = np.tile(blurred, (3, 3, 1))
    picture = Photo(large, -1, dtype=np.dtype(np.uint16), icc=b"profile" * 20)
    photo.write(tmp_path / "whole.tif", picture)
    photo.write(tmp_path / "parts.tif", replace(picture))
    options = ["--psf", BLUR, "--method", "wiener", "--noise-level", "0.01"]
    run("restore", "whole.tif", *options)
    run("restore", "parts.tif", *options, "--memory", "2G")
    whole, parts = (photo.read(tmp_path / f"{name}-restored.tif") for name in ("whole", "parts"))
    assert (parts.dtype, parts.icc) == (whole.dtype, whole.icc)
    np.testing.assert_allclose(parts.pixels, whole.pixels, atol=2e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--psf", "psf.tif", "--memory", "lots"], "--memory must be an amount such as 4G"),
        (["--psf", "psf.tif", "--memory", "5M"], "memory is too small"),
        (["--memory", "1G"], "--memory needs --psf"),
        (["--float32"], "--float32 needs --psf"),
    ],
)
def test_bad_options(run: Run, cells: np.ndarray, arguments: list[str], message: str) -> None:
    assert message in run("restore", "cells.ome.tif", *arguments, code=2).stderr


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        ("photo.png", ["--psf", BLUR, "--memory", "1G"], "photo.png is restored whole: --memory is for TIFF files"),
        ("photo.png", ["--psf", BLUR, "--float32"], "photo.png keeps its depth: --float32 is for stacks"),
        ("photo.png", ["--psf", BLUR, "-o", "out.zarr"], "cannot write out.zarr: zarr folders are written from TIFF"),
        ("stack.zarr", [], "cannot restore stack.zarr without --psf"),
    ],
)
def test_options_for_stacks_are_refused_for_photographs(
    run: Run, tmp_path: Path, blurred: np.ndarray, source: str, arguments: list[str], message: str
) -> None:
    photo.write(tmp_path / "photo.png", Photo(blurred, -1))
    (tmp_path / "stack.zarr").mkdir()
    assert message in run("restore", source, *arguments, code=2).stderr
    assert {path.name for path in tmp_path.iterdir()} == {"photo.png", "stack.zarr"}


def test_a_psf_longer_than_the_stack_is_cropped_and_the_line_says_so(run: Run, cells: np.ndarray) -> None:
    options = ["--psf", "gaussian:sigma=5x1x1", "--method", "wiener"]
    assert (
        "the PSF was cropped from 39 planes to the 16 of the image" in run("restore", "cells.ome.tif", *options).stdout
    )


def test_volumes_need_a_z_axis(run: Run, tmp_path: Path, cells: np.ndarray) -> None:
    tifffile.imwrite(tmp_path / "t.ome.tif", cells[0], metadata={"axes": "TYX"})
    assert "its axes are TYX, and a PSF of 3 axes needs ZYX" in run("restore", "t.ome.tif", *STEPS, code=2).stderr
    assert not (tmp_path / "t-restored.ome.tif").exists()
