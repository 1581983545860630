"""Stacks on disk: axes, sizes and samples go in and come out, by parts."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deblur import photo
from deblur.photo import Photo
from deblur.stack import Stack, create_stack, is_stack, open_stack

SIZES = {"Z": 0.3, "Y": 0.11, "X": 0.1}
OME = {f"PhysicalSize{axis}": size for axis, size in SIZES.items()}


def samples(shape, dtype="uint16"):
    return (np.random.default_rng(0).random(shape) * 60000).astype(dtype)


def write_ome(path: Path, values: np.ndarray, axes: str, **options) -> None:
    metadata = {"axes": axes, **OME}
    if "C" in axes:
        metadata["Channel"] = {"Name": [f"channel {i}" for i in range(values.shape[axes.index("C")])]}
    tifffile.imwrite(path, values, ome=True, metadata=metadata, **options)


def write_imagej(path: Path, values: np.ndarray, axes: str) -> None:
    metadata = {"axes": axes, "spacing": 0.3, "unit": "um"}
    tifffile.imwrite(path, values, imagej=True, metadata=metadata, resolution=(1 / 0.1, 1 / 0.11))


@pytest.mark.parametrize(
    ("axes", "shape"),
    [("ZYX", (5, 7, 8)), ("CZYX", (2, 5, 7, 8)), ("TCZYX", (3, 2, 5, 7, 8)), ("TZCYX", (3, 5, 2, 7, 8))],
)
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome_tiff(tmp_path: Path, axes: str, shape: tuple[int, ...], compression: str | None) -> None:
    values = samples(shape)
    write_ome(tmp_path / "in.ome.tif", values, axes, compression=compression)
    stack = open_stack(tmp_path / "in.ome.tif")
    assert (stack.axes, stack.shape, stack.dtype, stack.format) == (axes, shape, np.uint16, "ome")
    assert stack.voxel_size == pytest.approx(SIZES)
    box = (*[0] * (len(shape) - 3), slice(1, 4), slice(2, 6), slice(None))
    np.testing.assert_array_equal(stack.data[box], values[box])
    np.testing.assert_array_equal(stack.data[0], values[0])
    with create_stack(tmp_path / "out.ome.tif", stack) as out:
        for i in range(shape[0]):
            out[i] = stack.data[i]
    again = open_stack(tmp_path / "out.ome.tif")
    assert (again.axes, again.voxel_size, again.channels) == (axes, stack.voxel_size, stack.channels)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.ome.tif"), values)
    with tifffile.TiffFile(tmp_path / "out.ome.tif") as tiff:
        assert tiff.series[0].axes == axes
    assert is_stack(tmp_path / "in.ome.tif")


@pytest.mark.parametrize(("axes", "shape"), [("ZYX", (5, 7, 8)), ("TZCYX", (3, 5, 2, 7, 8))])
def test_imagej_hyperstack(tmp_path: Path, axes: str, shape: tuple[int, ...]) -> None:
    values = samples(shape)
    write_imagej(tmp_path / "in.tif", values, axes)
    stack = open_stack(tmp_path / "in.tif")
    assert (stack.axes, stack.shape, stack.format) == (axes, shape, "imagej")
    assert stack.voxel_size == pytest.approx(SIZES, rel=1e-4)
    np.testing.assert_array_equal(stack.data[0, 2:5], values[0, 2:5])
    with create_stack(tmp_path / "out.tif", stack) as out:
        out[...] = values
    again = open_stack(tmp_path / "out.tif")
    assert (again.axes, again.format) == (axes, "imagej")
    assert again.voxel_size == pytest.approx(SIZES, rel=1e-4)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), values)
    with pytest.raises(ValueError, match="ImageJ files hold"), create_stack(tmp_path / "d.tif", stack, dtype="float64"):
        pass
    assert not (tmp_path / "d.tif").exists()


def test_plain_tiffs_keep_what_they_say(tmp_path: Path) -> None:
    pixels = samples((40, 50, 3), "float32") / 60000
    picture = Photo(pixels, -1, dtype=np.dtype(np.uint16), icc=b"profile" * 20, resolution=(300.0, 300.0))
    photo.write(tmp_path / "photo.tif", picture)
    assert not is_stack(tmp_path / "photo.tif")
    stack = open_stack(tmp_path / "photo.tif")
    assert (stack.axes, stack.shape, stack.format, stack.voxel_size) == ("YXS", (40, 50, 3), "tiff", {})
    with create_stack(tmp_path / "copy.tif", stack) as out:
        out[:20] = stack.data[:20]
        out[20:] = stack.data[20:]
    before, after = photo.read(tmp_path / "photo.tif"), photo.read(tmp_path / "copy.tif")
    np.testing.assert_array_equal(before.pixels, after.pixels)
    assert (after.icc, after.resolution, after.channel_axis) == (before.icc, before.resolution, -1)

    photo.write(tmp_path / "pages.tif", Photo(pixels[..., 0].reshape(4, 10, 50), dtype=np.dtype(np.uint16)))
    assert open_stack(tmp_path / "pages.tif").axes == "ZYX"


@pytest.mark.parametrize("form", [2, 3])
def test_ome_zarr(tmp_path: Path, form: int) -> None:
    pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    values = samples((2, 5, 7, 8))
    extra = {"zarr_format": form, "ome": True}
    like = Stack(values, "CZYX", {**SIZES}, ("red", "green"), "zarr", extra)
    with create_stack(tmp_path / "a.zarr", like) as out:
        for i in range(2):
            out[i] = values[i]
    stack = open_stack(tmp_path / "a.zarr")
    assert (stack.axes, stack.shape, stack.dtype, stack.channels) == ("CZYX", values.shape, np.uint16, ("red", "green"))
    assert stack.voxel_size == pytest.approx(SIZES)
    np.testing.assert_array_equal(stack.data[1, :, 2:5], values[1, :, 2:5])
    with create_stack(tmp_path / "b.zarr", stack) as out:
        out[...] = values
    assert open_stack(tmp_path / "b.zarr").extra["zarr_format"] == form
    with create_stack(tmp_path / "c.ome.tif", stack) as out:
        out[...] = values
    tiff = open_stack(tmp_path / "c.ome.tif")
    assert (tiff.axes, tiff.voxel_size, tiff.channels) == ("CZYX", stack.voxel_size, stack.channels)


def test_ome_zarr_of_others(tmp_path: Path) -> None:
    """Written after the specification, version 0.4, with a pyramid and a scale of its own on top."""
    zarr = pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    group = zarr.create_group(tmp_path / "pyramid.zarr", zarr_format=2)
    values = samples((5, 8, 8))
    for level in range(2):
        part = values[:, :: 2**level, :: 2**level]
        array = group.create_array(str(level), shape=part.shape, dtype=part.dtype)
        array[...] = part
    names = [{"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"]
    datasets = [
        {"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": [300, 50 * 2**i, 50 * 2**i]}]}
        for i in range(2)
    ]
    scale = [{"type": "scale", "scale": [1, 2, 2]}]
    group.attrs["multiscales"] = [
        {"version": "0.4", "axes": names, "datasets": datasets, "coordinateTransformations": scale}
    ]
    stack = open_stack(tmp_path / "pyramid.zarr")
    assert (stack.axes, stack.shape) == ("ZYX", (5, 8, 8))
    assert stack.voxel_size == pytest.approx({"Z": 0.3, "Y": 0.1, "X": 0.1})


def test_bare_zarr(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    array = zarr.create_array(tmp_path / "bare.zarr", shape=(5, 7, 8), dtype="float32")
    array[...] = 1
    stack = open_stack(tmp_path / "bare.zarr")
    assert (stack.axes, stack.format) == ("ZYX", "zarr")
    with create_stack(tmp_path / "out.zarr", stack) as out:
        out[...] = stack.data[...]
    assert zarr.open_array(tmp_path / "out.zarr")[0, 0, 0] == 1


@pytest.mark.parametrize("name", ["out.ome.tif", "out.zarr"])
def test_whole_or_not_at_all(tmp_path: Path, name: str) -> None:
    if name.endswith("zarr"):
        pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    like = Stack(samples((3, 4, 5)), "ZYX", format="ome")

    def stop_half_way() -> None:
        with create_stack(tmp_path / name, like) as out:
            out[0] = 1
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        stop_half_way()
    assert not list(tmp_path.iterdir())
    with create_stack(tmp_path / name, like) as out:
        out[...] = like.data
    with pytest.raises(FileExistsError, match="exists already"), create_stack(tmp_path / name, like):
        pass
    with create_stack(tmp_path / name, like, overwrite=True, dtype=np.float32) as out:
        out[...] = like.data
    assert open_stack(tmp_path / name).dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_bad_files(tmp_path: Path) -> None:
    (tmp_path / "bad.tif").write_bytes(b"II*\0 nothing")
    (tmp_path / "empty.zarr").mkdir()
    photo.write(tmp_path / "a.png", Photo(np.zeros((4, 4), np.float32)))
    photo.write(tmp_path / "clear.tif", Photo(np.zeros((4, 4, 3), np.float32), -1, np.ones((4, 4), np.float32)))
    for name, message in [
        ("bad.tif", "cannot read .*bad.tif"),
        ("a.png", "a stack is a TIFF file or a .zarr folder"),
        ("clear.tif", "transparency"),
    ]:
        with pytest.raises(ValueError, match=message):
            open_stack(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        open_stack(tmp_path / "none.tif")
    assert not is_stack(tmp_path / "bad.tif")
    assert not is_stack(tmp_path / "none.tif")
    pytest.importorskip("zarr", reason="zarr folders need the package zarr")
    with pytest.raises(FileNotFoundError):
        open_stack(tmp_path / "none.zarr")
    with pytest.raises(ValueError, match="neither OME-Zarr nor a zarr array"):
        open_stack(tmp_path / "empty.zarr")
