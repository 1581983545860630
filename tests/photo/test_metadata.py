"""EXIF, ICC, XMP and resolution: read, applied once, kept, and seen by other programs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageOps

from deblur.photo import Photo, _exif, read, write
from tests.photo.samples import turned

SUFFIXES = [".jpg", ".png", ".tif", ".webp"]
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>'
EXIF_IFD, GPS_IFD = 0x8769, 0x8825


def camera_exif(orientation: int = 1, order: str = "<") -> bytes:
    """What a camera writes: text, fractions, nested directories and a maker's note."""
    exif = Image.Exif()
    exif.endian = order
    exif[271], exif[272], exif[306] = "Maker", "Model 1", "2024:01:02 03:04:05"
    exif[274], exif[282], exif[283], exif[296] = orientation, 300.0, 300.0, 2
    exif[EXIF_IFD] = {33434: 0.02, 34855: 400, 36867: "2024:01:02 03:04:05", 37500: bytes(range(256)) * 9}
    exif[GPS_IFD] = {1: "N", 2: (48.0, 51.0, 30.0)}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def facts(path: Path) -> dict[object, object]:
    """The EXIF as Pillow sees it."""
    with Image.open(path) as image:
        exif = image.getexif()
        nested = {(ifd, tag): value for ifd in (EXIF_IFD, GPS_IFD) for tag, value in exif.get_ifd(ifd).items()}
        return {tag: exif[tag] for tag in (271, 272, 306)} | nested


def save(path: Path, pixels: np.ndarray, **metadata: object) -> None:
    """Save with Pillow: an independent writer."""
    if "exif" in metadata:
        metadata["exif"] = b"Exif\0\0" + metadata["exif"]
    if path.suffix == ".webp":
        metadata["lossless"] = True
    if path.suffix == ".jpg":
        metadata |= {"quality": 100, "subsampling": 0}
    Image.fromarray(pixels).save(path, **metadata)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_exactly_once(tmp_path, suffix, orientation):
    upright = np.zeros((24, 40, 3), np.uint8)
    upright[:8, :16] = 255, 0, 0
    upright[:8, 16:] = 0, 255, 0
    upright[8:, :8] = 0, 0, 255
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    save(first, np.ascontiguousarray(turned(upright, orientation)), exif=camera_exif(orientation))
    with Image.open(first) as image:  # Pillow agrees that this is what the orientation means
        pillow = ImageOps.exif_transpose(image)
        np.testing.assert_allclose(np.asarray(pillow, float), upright, atol=4)
    photo = read(first)
    np.testing.assert_allclose(photo.pixels * 255, upright, atol=4)
    write(second, photo)
    with Image.open(second) as image:
        assert image.getexif().get(274, 1) == 1
    np.testing.assert_allclose(read(second).pixels * 255, upright, atol=4)


def test_orientation_turns_alpha_and_resolution_and_xmp_too(tmp_path, rng):
    stored = rng.integers(0, 256, (4, 6, 4), np.uint8)
    exif = Image.Exif()
    exif[274], exif[282], exif[283], exif[296] = 6, 100.0, 200.0, 2
    save(tmp_path / "a.webp", stored, exif=exif.tobytes()[6:], xmp=XMP % 6, exact=True)
    photo = read(tmp_path / "a.webp")
    np.testing.assert_array_equal(photo.alpha * 255, np.rot90(stored[..., 3], -1))
    assert photo.resolution == (200, 100)
    assert photo.xmp == XMP % 1


def test_orientation_of_every_page(tmp_path, rng):
    stack = rng.integers(0, 256, (3, 4, 6), np.uint8)
    extra = [(274, "H", 1, 8, False)]
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack", extratags=extra)
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels * 255, np.rot90(stack, 1, axes=(1, 2)))


@pytest.mark.parametrize("target", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_metadata_survive_every_conversion(tmp_path, source, target, order):
    pixels = np.full((8, 8, 3), 128, np.uint8)
    first, second = tmp_path / f"a{source}", tmp_path / f"b{target}"
    extra = {} if source == ".tif" else {"xmp": XMP % 1}
    if source == ".png":
        write(first, Photo(pixels / 255, channel_axis=-1, exif=camera_exif(1, order), icc=ICC, xmp=XMP % 1))
    else:
        save(first, pixels, exif=camera_exif(1, order), icc_profile=ICC, dpi=(300, 300), **extra)
    photo = read(first)
    write(second, photo)
    assert facts(second) == facts(first)
    assert len(facts(second)) == 3 + 4 + 2
    back = read(second)
    assert back.icc == ICC
    assert back.xmp == (XMP % 1 if extra else None)
    assert back.resolution == pytest.approx((300, 300), rel=1e-3)
    with Image.open(second) as image:
        assert image.info["icc_profile"] == ICC
        if target != ".webp":
            assert image.info["dpi"] == pytest.approx((300, 300), rel=1e-3)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_exif_is_kept_to_the_byte(tmp_path, suffix, dtype):
    photo = Photo(
        np.full((8, 8), 0.5), dtype=dtype, exif=camera_exif(), icc=ICC, xmp=XMP % 1, resolution=(300.0, 300.0)
    )
    write(tmp_path / f"a{suffix}", photo)
    back = read(tmp_path / f"a{suffix}")
    assert (back.icc, back.xmp) == (ICC, XMP % 1)
    if suffix == ".tif":  # there it is part of the file's own directory
        assert _exif._read(back.exif)[EXIF_IFD] == _exif._read(photo.exif)[EXIF_IFD]
    else:
        assert back.exif == photo.exif


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".png"])
def test_the_thumbnail_of_the_blurred_picture_goes(tmp_path, suffix):
    exif = camera_exif()
    start, count = _exif._extent(exif)
    link = start + 2 + 12 * count
    with_thumbnail = exif[:link] + len(exif).to_bytes(4, "little") + exif[link + 4 :] + exif[start : link + 4]
    save(tmp_path / f"a{suffix}", np.zeros((8, 8, 3), np.uint8), exif=with_thumbnail)
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.getexif().get_ifd(ExifTags.IFD.IFD1)
    write(tmp_path / f"b{suffix}", read(tmp_path / f"a{suffix}"))
    with Image.open(tmp_path / f"b{suffix}") as image:
        assert not image.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert image.getexif()[271] == "Maker"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("resolution", [(72.0, 72.0), (300.0, 600.0), (254.0, 254.0)])
def test_resolution_without_exif(tmp_path, suffix, resolution):
    write(tmp_path / f"a{suffix}", Photo(np.zeros((4, 4, 3)), channel_axis=-1, resolution=resolution))
    assert read(tmp_path / f"a{suffix}").resolution == pytest.approx(resolution, rel=1e-3)
    write(tmp_path / f"b{suffix}", Photo(np.zeros((4, 4, 3)), channel_axis=-1))
    assert read(tmp_path / f"b{suffix}").resolution is None


def test_resolution_in_centimeters(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint8), resolution=(100, 100), resolutionunit="CENTIMETER")
    assert read(tmp_path / "a.tif").resolution == pytest.approx((254, 254))


def test_a_new_resolution_replaces_that_of_the_exif(tmp_path):
    photo = Photo(np.zeros((4, 4, 3)), channel_axis=-1, exif=camera_exif(), resolution=(96.5, 96.5))
    for suffix in (".webp", ".tif", ".png"):
        write(tmp_path / f"a{suffix}", photo)
        assert read(tmp_path / f"a{suffix}").resolution == pytest.approx((96.5, 96.5), rel=1e-3)
        assert facts(tmp_path / f"a{suffix}")[EXIF_IFD, 34855] == 400


@pytest.mark.parametrize("options", [{"imagej": True, "metadata": {"spacing": 0.3, "unit": "um", "axes": "ZCYX"}}])
def test_the_voxel_size_of_an_imagej_stack_survives(tmp_path, rng, options):
    stack = rng.integers(0, 65536, (5, 2, 6, 7)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, resolution=(10, 10), **options)
    photo = read(tmp_path / "a.tif")
    assert photo.pixels.shape == (10, 6, 7)
    write(tmp_path / "b.tif", photo)
    with tifffile.TiffFile(tmp_path / "a.tif") as before, tifffile.TiffFile(tmp_path / "b.tif") as after:
        assert after.imagej_metadata == before.imagej_metadata
        assert after.series[0].axes == "ZCYX"
        assert after.pages[0].tags["XResolution"].value == (10, 1)
        np.testing.assert_array_equal(after.asarray(), stack)


def test_ome_metadata_survive(tmp_path, rng):
    stack = rng.integers(0, 65536, (2, 3, 6, 7)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata={"axes": "CZYX", "PhysicalSizeX": 0.1})
    write(tmp_path / "b.ome.tif", read(tmp_path / "a.ome.tif"))
    with tifffile.TiffFile(tmp_path / "b.ome.tif") as after:
        assert 'PhysicalSizeX="0.1"' in after.ome_metadata
        assert after.series[0].axes == "CZYX"
        np.testing.assert_array_equal(after.asarray(), stack)


def test_metadata_of_a_stack_are_those_of_its_first_page(tmp_path):
    stack = Photo(np.zeros((3, 4, 5)), exif=camera_exif(), icc=ICC, xmp=XMP % 1, resolution=(300.0, 300.0))
    write(tmp_path / "a.tif", stack)
    back = read(tmp_path / "a.tif")
    assert back.pixels.shape == (3, 4, 5)
    assert (back.icc, back.xmp, back.resolution) == (ICC, XMP % 1, (300, 300))


@given(st.binary(max_size=200), st.sampled_from([b"II*\0", b"MM\0*", b""]), st.integers(0, 60))
def test_garbage_is_not_metadata(garbage, header, start):
    exif = header + start.to_bytes(4, "little" if header[:1] == b"I" else "big") + garbage
    assert _exif.orientation(exif) in range(1, 9)
    assert len(_exif.with_orientation_reset(exif)) == len(_exif.without_thumbnail(exif)) == len(exif)
    assert _exif.orientation(_exif.with_orientation_reset(exif)) == 1
    _exif.resolution(exif)
    assert _exif.resolution(_exif.with_resolution(exif, (96.0, 96.0))) == (96, 96)


def test_a_directory_that_contains_itself_ends():
    # One entry, the pointer to the Exif directory, which points back to the directory it is in.
    exif = (
        b"II*\0" + (8).to_bytes(4, "little") + b"\1\0" + b"\x69\x87\4\0\1\0\0\0" + (8).to_bytes(4, "little") + bytes(4)
    )
    assert _exif.orientation(exif) == 1
    assert _exif._read(exif) == {}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_exif_does_not_stop_a_photograph(tmp_path, suffix):
    photo = Photo(np.zeros((4, 4, 3)), channel_axis=-1, exif=camera_exif()[:60])
    write(tmp_path / f"a{suffix}", photo)
    assert read(tmp_path / f"a{suffix}").pixels.shape == (4, 4, 3)


@given(st.sampled_from("<>"), st.integers(1, 8))
def test_a_block_taken_apart_and_laid_out_again_says_the_same(order, orientation):
    exif = camera_exif(orientation, order)
    directory = _exif._read(exif)
    assert _exif._read(_exif._block(directory, order)) == directory
    assert _exif.byte_order(exif) == order
    assert _exif.orientation(exif) == orientation
    assert _exif.resolution(exif) == (300, 300)


def test_replaced_metadata_are_written(tmp_path):
    photo = Photo(np.zeros((4, 4)), exif=camera_exif(), icc=ICC, xmp=XMP % 1, resolution=(300.0, 300.0))
    write(tmp_path / "a.png", replace(photo, exif=None, icc=None, xmp=None, resolution=None))
    back = read(tmp_path / "a.png")
    assert (back.exif, back.icc, back.xmp, back.resolution) == (None, None, None, None)
