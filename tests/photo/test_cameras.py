"""RAW files of cameras, and the JPEGs of telephones with a gain map behind them."""

import io
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, MpoImagePlugin

from deblur.photo import Photo, _exif, _profile, detect_suffix, losses, read, write, written_suffix
from tests.photo import samples

PIXELS = np.rint(samples.scene(64, 80) * 255).astype(np.uint8)
GAIN = np.rint(samples.scene(16, 20, seed=1)[..., 0] * 255).astype(np.uint8)
HDRGM = b"http://ns.adobe.com/hdr-gain-map/1.0/"


def test_raw_is_linear_light(tmp_path: Path) -> None:
    """Black level, white balance and the sensor's colors are undone; nothing is brightened, and no curve applied."""
    pytest.importorskip("rawpy", reason="needs the extra raw")
    patches = np.full((64, 96, 3), 0.25)
    patches[:32, :48], patches[32:, 48:] = (0.5, 0.2, 0.1), 0.9
    samples.dng(tmp_path / "a.dng", patches)
    photo = read(tmp_path / "a.dng")
    assert (photo.dtype, photo.linear, photo.measured, photo.channel_axis) == (np.uint16, True, False, -1)
    for rows, columns in ((slice(8, 24), slice(8, 40)), (slice(8, 24), slice(56, 88)), (slice(40, 56), slice(56, 88))):
        np.testing.assert_allclose(
            photo.pixels[rows, columns].mean((0, 1)), patches[rows, columns].mean((0, 1)), atol=0.01
        )
    assert _exif._read(photo.exif)[271][1] == b"Maker\0"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_raw_is_upright_and_written_as_tiff(tmp_path: Path, orientation: int) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    smooth = samples.scene(64, 96)
    samples.dng(tmp_path / "a.dng", smooth, orientation=orientation)
    samples.dng(tmp_path / "level.dng", smooth)
    level, photo = read(tmp_path / "level.dng"), read(tmp_path / "a.dng")
    quarter_turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    np.testing.assert_array_equal(photo.pixels, np.rot90(level.pixels, quarter_turns))
    target = tmp_path / f"a{written_suffix('.dng')}"
    write(target, photo)
    back = read(target)
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert (back.linear, back.dtype, _exif.orientation(back.exif)) == (True, np.uint16, 1)
    with pytest.raises(ValueError, match=r"camera RAW is only read; write a \.tif file"):
        write(tmp_path / "b.dng", photo)


def test_the_profile_of_raw_is_that_of_linear_light() -> None:
    """Little CMS, which others show pictures with, makes of it what the curve of sRGB makes."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(_profile.linear_srgb()))
    ramp = np.repeat(np.linspace(0, 255, 16, dtype=np.uint8)[None, :, None], 3, axis=2)
    converted = ImageCms.profileToProfile(Image.fromarray(ramp), profile, ImageCms.createProfile("sRGB"))
    light = ramp / 255
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(np.asarray(converted) / 255, curve, atol=2.5 / 255)
    assert _profile.is_linear(_profile.linear_srgb())
    assert not _profile.is_linear(samples.ICC)
    assert not any(_profile.is_linear(_profile.linear_srgb()[:size]) for size in range(0, 300, 7))


@pytest.mark.parametrize("suffix", [".dng", ".nef", ".tif", ".jpg"])
def test_raw_is_found_by_its_content(tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    samples.dng(tmp_path / f"a{suffix}", samples.scene(64, 96))
    assert detect_suffix((tmp_path / f"a{suffix}").read_bytes()) == ".dng"
    assert read(tmp_path / f"a{suffix}").linear


def test_raw_of_an_unknown_camera_and_damaged_ones(tmp_path: Path) -> None:
    pytest.importorskip("rawpy", reason="needs the extra raw")
    samples.dng(tmp_path / "a.dng", samples.scene(64, 96))
    data = (tmp_path / "a.dng").read_bytes()
    cases = {
        "unknown.raf": b"FUJIFILMCCD-RAW 0201FF999999Camera X" + bytes(4000),
        "unknown.cr3": struct.pack(">L4s4s", 24, b"ftyp", b"crx ") + bytes(4000),
        "unknown.rw2": b"IIU\0" + bytes(4000),
        "short.dng": data[: len(data) // 2],
        "start.dng": data[:200],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"cannot read .*{name}: ") as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_gain_map_goes_with_its_picture(tmp_path: Path, orientation: int, index: bool) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    source.write_bytes(samples.ultra_hdr(PIXELS, GAIN, orientation=orientation, index=index))
    photo = read(source)
    assert HDRGM not in photo.xmp or b"hdrgm:Version" not in photo.xmp
    assert b"dc:format" in photo.xmp
    assert photo.notes == ()
    write(target, photo)
    data = target.read_bytes()
    assert losses(target, photo) == ()
    # Android: the directory in the XMP counts the bytes at the end.
    length = int(re.search(rb'Semantic="GainMap"[^>]*Item:Length="(\d+)"', data)[1])
    gain = Image.open(io.BytesIO(data[-length:]))
    upright = Image.fromarray(GAIN)
    upright.getexif()[274] = orientation
    expected = np.asarray(upright)
    expected = {1: expected, 3: np.rot90(expected, 2), 6: np.rot90(expected, -1), 7: np.rot90(expected[:, ::-1], -1)}
    np.testing.assert_allclose(np.asarray(gain, float), expected[orientation], atol=12)
    assert b'hdrgm:GainMapMax="2.5"' in gain.info["xmp"]
    # Others: the multi-picture index.
    with MpoImagePlugin.MpoImageFile(io.BytesIO(data)) as album:
        assert album.n_frames == 2
        album.seek(1)
        assert album.size == gain.size
    again = read(target)
    assert again.extra["gain_map"].size == photo.pixels.shape[:2]
    if orientation == 1:
        assert again.extra["gain_map"].data == photo.extra["gain_map"].data


def test_a_gain_map_without_its_picture_goes_with_its_promises(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(samples.ultra_hdr(PIXELS, GAIN))
    photo = read(tmp_path / "a.jpg")
    smaller = replace(photo, pixels=photo.pixels[:40])
    for target, each in ((tmp_path / "b.jpg", smaller), (tmp_path / "b.png", photo), (tmp_path / "b.webp", photo)):
        assert losses(target, each) == ("the HDR gain map fits JPEG files of the same size only, and was left out",)
        write(target, each)
        data = target.read_bytes()
        assert not any(word in data for word in (b"GainMap", b"Container:Directory", b"hdrgm:", b"MPF"))
        assert b"dc:format" in read(target).xmp


@pytest.mark.parametrize("left", [0.1, 0.5, 0.98])
def test_a_gain_map_that_is_cut_short(tmp_path: Path, left: float) -> None:
    data = samples.ultra_hdr(PIXELS, GAIN)
    gain = len(data) - data.rindex(b"\xff\xd8\xff")
    (tmp_path / "a.jpg").write_bytes(data[: len(data) - gain + int(left * gain)])
    photo = read(tmp_path / "a.jpg")
    assert photo.notes == ("its HDR gain map is missing or damaged, and was left out",)
    assert "gain_map" not in photo.extra
    write(tmp_path / "b.jpg", photo)
    assert b"hdrgm:" not in (tmp_path / "b.jpg").read_bytes()


def test_previews_depth_maps_and_films_are_noted(tmp_path: Path) -> None:
    others = [Image.fromarray(PIXELS[:20, :20])] * 2
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, format="MPO", save_all=True, append_images=others)
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert read(tmp_path / "a.jpg").notes == ("2 more pictures behind it (previews, depth) were left out",)
    promise = (
        b'<rdf:Description xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" a="b"/>'
    )
    (tmp_path / "b.jpg").write_bytes(samples.jpeg(PIXELS, xmp=samples.XMP % promise) + bytes(100))
    photo = read(tmp_path / "b.jpg")
    assert photo.notes == ("the film of its motion photo was left out",)
    assert b"MotionPhoto" not in photo.xmp
    assert b'a="b"' in photo.xmp


def test_plain_jpegs_are_not_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("deblur.photo._jpeg.end_of_picture")
    (tmp_path / "a.jpg").write_bytes(samples.jpeg(PIXELS) + samples.jpeg(PIXELS))
    assert read(tmp_path / "a.jpg").notes == ()


def segment_of(data: bytes, marker: int) -> tuple[int, int]:
    place = 2
    while data[place + 1] != marker:
        place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return place, 2 + int.from_bytes(data[place + 2 : place + 4], "big")


def outcome(path: Path) -> str | Photo:
    try:
        return read(path)
    except ValueError as error:
        return str(error)


def test_jpegs_with_absurd_tables(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Quantization by 0 or 255, or by tables that are not there; Huffman tables that are missing."""
    data = bytearray(samples.jpeg(PIXELS))
    place, length = segment_of(data, 0xDB)
    zero, large = bytearray(data), bytearray(data)
    zero[place + 5 : place + length] = bytes(length - 5)
    large[place + 5 : place + length] = b"\xff" * (length - 5)
    huffman, size = segment_of(data, 0xC4)
    cases = {
        "zero": zero,
        "large": large,
        "arithmetic": data.replace(b"\xff\xc0", b"\xff\xc9"),
        "none": data[:place] + data[place + length :],
        "no huffman": data[:huffman] + data[huffman + size :],
    }
    for name, content in cases.items():
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(content)
        found = outcome(path)
        if isinstance(found, Photo):
            assert found.pixels.shape == PIXELS.shape
            assert np.isfinite(found.pixels).all()
        else:
            assert found.startswith(f"cannot read {path}: ")
            assert "\n" not in found
    assert capfd.readouterr() == ("", "")


def test_jpegs_of_twelve_bits_and_without_loss(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    deep = imagecodecs.jpeg8_encode((PIXELS[..., 0].astype(np.uint16) << 4), bitspersample=12)
    lossless = imagecodecs.ljpeg_encode(PIXELS[..., 0].astype(np.uint16))
    for name, data, reason in (("a", deep, "JPEG of 12 bits"), ("b", lossless, "lossless JPEG")):
        (tmp_path / f"{name}.jpg").write_bytes(data)
        with pytest.raises(ValueError, match=reason):
            read(tmp_path / f"{name}.jpg")


def test_exif_that_lies_about_the_size(tmp_path: Path) -> None:
    block = Image.Exif()
    block[256], block[257] = 9000, 9000
    block[0x8769] = {0xA002: 12345, 0xA003: 54321}
    (tmp_path / "a.jpg").write_bytes(samples.jpeg(PIXELS, exif=block.tobytes()))
    photo = read(tmp_path / "a.jpg")
    assert photo.pixels.shape == PIXELS.shape
    for suffix in (".jpg", ".tif", ".png", ".jp2", ".avif"):
        write(tmp_path / f"b{suffix}", photo)
        assert read(tmp_path / f"b{suffix}").pixels.shape == PIXELS.shape
