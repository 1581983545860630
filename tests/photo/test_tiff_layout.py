"""TIFF: compression, predictor, planes, tiles, pyramids and extra samples go from file to file."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from deblur.photo import TIFF_COMPRESSIONS, Photo, losses, read, write
from tests.photo import samples

COLORS = samples.scene(96, 128)
CODES = {"none": 1, "deflate": 8, "lzw": 5, "zstd": 50000, "lzma": 34925, "packbits": 32773}


def page_of(path: Path) -> tifffile.TiffPage:
    with tifffile.TiffFile(path) as tiff:
        return tiff.pages[0]


def stored(dtype: str) -> np.ndarray:
    return (COLORS if dtype.startswith("f") else np.rint(COLORS * np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("predictor", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("compression", TIFF_COMPRESSIONS)
def test_compression_and_predictor_are_kept(tmp_path: Path, compression: str, dtype: str, predictor: bool) -> None:
    pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    if predictor and compression in ("none", "packbits"):
        pytest.skip("there is nothing to predict")
    options = {"compression": CODES[compression], "predictor": predictor or None}
    tifffile.imwrite(tmp_path / "a.tif", stored(dtype), photometric="rgb", metadata=None, **options)
    photo = read(tmp_path / "a.tif")
    assert losses(tmp_path / "b.tif", photo) == ()
    write(tmp_path / "b.tif", photo)
    before, after = page_of(tmp_path / "a.tif"), page_of(tmp_path / "b.tif")
    assert (after.compression, after.predictor) == (before.compression, before.predictor)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), stored(dtype))
    write(tmp_path / "c.tif", photo, compression="deflate")
    assert page_of(tmp_path / "c.tif").compression == CODES["deflate"]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "c.tif"), stored(dtype))


@pytest.mark.parametrize("compression", TIFF_COMPRESSIONS)
def test_a_compression_that_is_asked_for(tmp_path: Path, compression: str) -> None:
    pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    photo = Photo(COLORS, -1, exif=samples.exif(), icc=samples.ICC, resolution=(300.0, 300.0))
    write(tmp_path / "a.tif", photo, compression=compression)
    assert page_of(tmp_path / "a.tif").compression == CODES[compression]
    back = read(tmp_path / "a.tif")
    assert (back.icc, back.resolution) == (samples.ICC, (300, 300))
    assert back.exif is not None
    assert np.abs(back.pixels - COLORS).max() < 1 / 255


def test_without_the_package_that_compresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    tifffile.imwrite(tmp_path / "a.tif", stored("uint8"), photometric="rgb", metadata=None, compression="lzw")
    photo = read(tmp_path / "a.tif")
    monkeypatch.setattr("deblur.photo._tiff_layout._is_available", lambda name: name in ("none", "deflate"))
    assert losses(tmp_path / "b.tif", photo) == (
        "the lzw compression needs the package imagecodecs, and was replaced by deflate",
    )
    write(tmp_path / "b.tif", photo)
    assert page_of(tmp_path / "b.tif").compression == CODES["deflate"]
    with pytest.raises(ValueError, match="the compression zstd needs imagecodecs: "):
        write(tmp_path / "c.tif", photo, compression="zstd")
    assert not (tmp_path / "c.tif").exists()


def test_jpeg_inside_becomes_lossless(tmp_path: Path) -> None:
    pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    tifffile.imwrite(tmp_path / "a.tif", stored("uint8"), photometric="rgb", metadata=None, compression="jpeg")
    photo = read(tmp_path / "a.tif")
    assert losses(tmp_path / "b.tif", photo) == ("the JPEG compression was replaced by deflate, which loses nothing",)
    write(tmp_path / "b.tif", photo)
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, photo.pixels)


@pytest.mark.parametrize("tile", [None, (32, 48)])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("pages", [1, 2])
def test_planes_and_tiles(tmp_path: Path, tile: tuple[int, int] | None, compression: str, pages: int) -> None:
    planes = np.moveaxis(stored("uint16"), -1, 0)
    planes = planes if pages == 1 else np.stack([planes, planes[::-1]])
    options = {"photometric": "rgb", "planarconfig": "separate", "compression": compression, "tile": tile}
    tifffile.imwrite(tmp_path / "a.tif", planes, metadata=None, **options)
    photo = read(tmp_path / "a.tif")
    assert (photo.pages, photo.channel_axis) == (pages, -1)
    write(tmp_path / "b.tif", photo)
    before, after = page_of(tmp_path / "a.tif"), page_of(tmp_path / "b.tif")
    for what in ("planarconfig", "is_tiled", "compression", "photometric"):
        assert getattr(after, what) == getattr(before, what)
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, photo.pixels)


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_pyramids_are_rebuilt(tmp_path: Path, dtype: str, inside: bool) -> None:
    pixels = stored(dtype)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(pixels, photometric="rgb", metadata=None, subifds=2 if inside else None, tile=(32, 32))
        for factor in (2, 4):
            tiff.write(pixels[::factor, ::factor], photometric="rgb", metadata=None, subfiletype=1, tile=(32, 32))
    photo = read(tmp_path / "a.tif")
    assert photo.notes == ()
    write(tmp_path / "b.tif", Photo(1 - photo.pixels, -1, dtype=photo.dtype, exif=samples.exif(), extra=photo.extra))
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        page = tiff.pages[0]
        levels = [level.asarray() for level in tiff.series[0].levels] if inside else [p.asarray() for p in tiff.pages]
        assert len(page.subifds or ()) == (2 if inside else 0)
        assert page.tags["Make"].value == "Maker"
    assert [level.shape for level in levels] == [(96, 128, 3), (48, 64, 3), (24, 32, 3)]
    means = levels[0].astype(float).reshape(48, 2, 64, 2, 3).mean((1, 3))
    np.testing.assert_allclose(levels[1], means, atol=1.0 if dtype != "float32" else 1e-6)
    again = read(tmp_path / "b.tif")
    assert again.extra["tiff"].levels == (2, 4)
    assert np.abs(again.pixels + photo.pixels - 1).max() < 1 / 200


def test_a_thumbnail_is_noted_and_left_out(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(stored("uint16"), photometric="rgb", metadata=None)
        tiff.write(stored("uint8")[::4, ::4], photometric="rgb", metadata=None, subfiletype=1)
    photo = read(tmp_path / "a.tif")
    assert photo.notes == ("its thumbnail was left out",)
    write(tmp_path / "b.tif", photo)
    with tifffile.TiffFile(tmp_path / "b.tif") as tiff:
        assert len(tiff.pages) == 1


@pytest.mark.parametrize(
    ("shape", "photometric", "kinds", "has_alpha"),
    [
        ((9, 8, 4), "rgb", (2,), True),
        ((9, 8, 4), "rgb", (0,), False),
        ((9, 8, 5), "rgb", (2, 0), False),
        ((9, 8, 2), "minisblack", (2,), True),
        ((9, 8, 2), "minisblack", (0,), False),
        ((9, 8, 5), "minisblack", (0, 0, 0, 0), False),
    ],
)
def test_extra_samples_are_what_they_were(
    tmp_path: Path, shape: tuple[int, ...], photometric: str, kinds: tuple[int, ...], has_alpha: bool
) -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    options = {"photometric": photometric, "extrasamples": kinds, "planarconfig": "contig"}
    tifffile.imwrite(tmp_path / "a.tif", pixels, metadata=None, **options)
    photo = read(tmp_path / "a.tif")
    assert (photo.alpha is not None) == has_alpha
    write(tmp_path / "b.tif", photo)
    before, after = page_of(tmp_path / "a.tif"), page_of(tmp_path / "b.tif")
    assert (after.extrasamples, after.photometric) == (before.extrasamples, before.photometric)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "b.tif"), pixels)


def test_bigtiff(tmp_path: Path) -> None:
    options = {"photometric": "rgb", "metadata": None, "bigtiff": True, "iccprofile": samples.ICC}
    options |= {"resolution": (100, 50), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", stored("uint16"), **options)
    photo = read(tmp_path / "a.tif")
    assert photo.resolution == pytest.approx((254, 127))
    assert (photo.icc, photo.notes) == (samples.ICC, ())
    tifffile.imwrite(tmp_path / "b.tif", stored("uint8"), extratags=[(271, "s", 0, "Maker", True)], **options)
    assert read(tmp_path / "b.tif").notes == ("its EXIF was left out: it is a BigTIFF",)


@pytest.mark.parametrize("form", ["ome", "imagej"])
def test_sizes_of_instruments(tmp_path: Path, form: str) -> None:
    sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.2} if form == "ome" else {"unit": "um"}
    options = {form: True, "metadata": {"axes": "YX", **sizes}, "resolution": (10, 5)}
    tifffile.imwrite(tmp_path / "a.tif", stored("uint16")[..., 0], **options)
    photo = read(tmp_path / "a.tif")
    assert photo.voxel_size == pytest.approx({"X": 0.1, "Y": 0.2})
    assert photo.measured
    assert photo.linear
    write(tmp_path / "b.tif", photo)
    assert read(tmp_path / "b.tif").voxel_size == photo.voxel_size


@pytest.mark.parametrize(("dtype", "icc", "linear"), [("float32", None, True), ("float32", samples.ICC, False)])
def test_floats_are_linear_unless_a_profile_says_otherwise(
    tmp_path: Path, dtype: str, icc: bytes | None, linear: bool
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", stored(dtype), photometric="rgb", metadata=None, iccprofile=icc)
    assert read(tmp_path / "a.tif").linear == linear
