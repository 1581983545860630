"""Files that other programs write in ways that this one does not."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from deblur.photo import read


@pytest.fixture
def gray(rng):
    return rng.integers(0, 256, (12, 17), np.uint8)


@pytest.fixture
def color(rng):
    return rng.integers(0, 256, (12, 17, 3), np.uint8)


def check(path, expected, channel_axis, largest=255):
    photo = read(path)
    assert photo.channel_axis == channel_axis
    np.testing.assert_array_equal(np.rint(photo.pixels.astype(float) * largest), expected)
    return photo


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_palette_becomes_its_colors(tmp_path, color, suffix):
    image = Image.fromarray(color).quantize(7)
    image.save(tmp_path / f"a.{suffix}")
    photo = check(tmp_path / f"a.{suffix}", np.asarray(image.convert("RGB")), -1)
    assert photo.alpha is None


def test_a_transparent_palette_entry_becomes_alpha(tmp_path, color):
    image = Image.fromarray(color).quantize(7)
    image.save(tmp_path / "a.png", transparency=3)
    photo = check(tmp_path / "a.png", np.asarray(image.convert("RGB")), -1)
    np.testing.assert_array_equal(photo.alpha, np.asarray(image) != 3)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_bilevel_becomes_gray(tmp_path, gray, suffix):
    image = Image.fromarray(gray > 128)
    image.save(tmp_path / f"a.{suffix}")
    photo = check(tmp_path / f"a.{suffix}", (gray > 128) * 255, None)
    assert photo.dtype == np.uint8


@pytest.mark.parametrize("samples", [1, 3])
def test_a_transparent_color_becomes_alpha(tmp_path, gray, color, samples):
    pixels = gray if samples == 1 else color
    key = int(gray[2, 3]) if samples == 1 else tuple(int(value) for value in color[2, 3])
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=key)
    photo = check(tmp_path / "a.png", pixels, None if samples == 1 else -1)
    np.testing.assert_array_equal(photo.alpha, pixels != key if samples == 1 else (pixels != key).any(axis=-1))


def test_sixteen_bit_gray_with_alpha(tmp_path, rng):
    """OpenCV and Pillow cannot write it; this one was made by hand."""
    samples = rng.integers(0, 65536, (5, 7, 2)).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in samples)

    def chunk(kind, content):
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    header = struct.pack(">LLBBBBB", 7, 5, 16, 4, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    (tmp_path / "a.png").write_bytes(data)
    photo = check(tmp_path / "a.png", samples[..., 0], None, 65535)
    np.testing.assert_array_equal(np.rint(photo.alpha * 65535), samples[..., 1])


def test_light_is_the_larger_number(tmp_path, gray):
    tifffile.imwrite(tmp_path / "a.tif", gray, photometric="miniswhite")
    check(tmp_path / "a.tif", 255 - gray, None)


def test_planes_of_color(tmp_path, color):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(color, -1, 0), photometric="rgb", planarconfig="separate")
    check(tmp_path / "a.tif", color, -1)


def test_colors_multiplied_by_alpha_are_divided_again(tmp_path):
    alpha = np.array([[1, 0.5, 0]], np.float32)
    premultiplied = np.dstack([np.full((1, 3, 3), 0.8, np.float32) * alpha[..., None], alpha])
    tifffile.imwrite(tmp_path / "a.tif", premultiplied, photometric="rgb", extrasamples=["assocalpha"])
    photo = read(tmp_path / "a.tif")
    np.testing.assert_allclose(photo.pixels, np.array([[0.8, 0.8, 0]])[..., None].repeat(3, -1), rtol=1e-6)
    np.testing.assert_array_equal(photo.alpha, alpha)


@pytest.mark.parametrize(
    "options", [{"compression": "zlib"}, {"compression": "zlib", "predictor": 2}, {"tile": (16, 16)}]
)
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_layouts_of_tiff(tmp_path, rng, options, byteorder, bigtiff):
    stack = rng.integers(0, 65536, (2, 40, 50, 3)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="rgb", byteorder=byteorder, bigtiff=bigtiff, **options)
    check(tmp_path / "a.tif", stack, -1, 65535)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lzw_as_opencv_writes_it(tmp_path, rng, dtype, channels):
    pixels = rng.integers(0, 256, (20, 30, channels)).astype(dtype)
    data = cv2.imencode(".tif", pixels, [cv2.IMWRITE_TIFF_COMPRESSION, cv2.IMWRITE_TIFF_COMPRESSION_LZW])[1]
    (tmp_path / "a.tif").write_bytes(data.tobytes())
    largest = 1 if dtype == "float32" else np.iinfo(dtype).max
    check(
        tmp_path / "a.tif",
        pixels[..., 0] if channels == 1 else pixels[..., ::-1],
        None if channels == 1 else -1,
        largest,
    )


@pytest.mark.parametrize("orientation", [1, 6])
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_lzw_is_turned_once(tmp_path, rng, orientation, dtype):
    pixels = rng.integers(0, 256, (20, 30)).astype(dtype)
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.tif", compression="tiff_lzw", exif=exif)
    check(tmp_path / "a.tif", pixels if orientation == 1 else np.rot90(pixels, -1), None, np.iinfo(dtype).max)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_lzw_does_not_mix_colors_and_alpha(tmp_path, rng, mode):
    samples = rng.integers(0, 256, (20, 30, len(mode)), np.uint8)
    Image.fromarray(samples).save(tmp_path / "a.tif", compression="tiff_lzw")
    photo = check(
        tmp_path / "a.tif", samples[..., 0] if mode == "LA" else samples[..., :3], None if mode == "LA" else -1
    )
    np.testing.assert_array_equal(np.rint(photo.alpha * 255), samples[..., -1])


def test_lzw_pages(tmp_path, rng):
    pages = [Image.fromarray(rng.integers(0, 256, (9, 8, 3), np.uint8)) for _ in range(3)]
    pages[0].save(tmp_path / "a.tif", compression="tiff_lzw", save_all=True, append_images=pages[1:])
    check(tmp_path / "a.tif", np.stack([np.asarray(page) for page in pages]), -1)


def test_jpeg_and_fax_inside_tiff(tmp_path, color):
    smooth = cv2.GaussianBlur(color, (0, 0), 3)
    Image.fromarray(smooth).save(tmp_path / "a.tif", compression="jpeg", quality=100)
    assert np.abs(read(tmp_path / "a.tif").pixels * 255 - smooth).max() < 12
    fax = Image.fromarray(color[..., 0] > 128)
    fax.save(tmp_path / "b.tif", compression="group4")
    check(tmp_path / "b.tif", np.asarray(fax) * 255, None)


def test_a_thumbnail_page_is_left_out(tmp_path, color):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(color, photometric="rgb", metadata=None)
        tiff.write(color[:4, :4], photometric="rgb", subfiletype=1, metadata=None)
    check(tmp_path / "a.tif", color, -1)


def test_a_progressive_jpeg(tmp_path, gray):
    smooth = cv2.GaussianBlur(gray, (0, 0), 3)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", progressive=True, quality=100)
    assert np.abs(read(tmp_path / "a.jpg").pixels * 255 - smooth).max() < 4


def test_the_format_is_told_by_the_content(tmp_path, gray):
    Image.fromarray(gray).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.jpg")
    check(tmp_path / "a.jpg", gray, None)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_a_large_photograph_is_not_a_bomb(tmp_path, monkeypatch, color, suffix):
    Image.fromarray(color).save(tmp_path / f"a.{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(tmp_path / f"a.{suffix}")
    assert read(tmp_path / f"a.{suffix}").pixels.shape == color.shape


def test_a_jpeg_with_more_pictures_behind_it(tmp_path, gray):
    """Telephones append previews and depth maps (the multi-picture format); the first picture is the photograph."""
    other = Image.fromarray(np.zeros((5, 5), np.uint8))
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, format="MPO", save_all=True, append_images=[other])
    (tmp_path / "a.jpg").write_bytes(buffer.getvalue())
    assert read(tmp_path / "a.jpg").pixels.shape == gray.shape


def test_a_profile_that_libpng_dislikes(tmp_path, capfd, rng):
    pixels = rng.integers(0, 65536, (4, 5, 3)).astype(np.uint16)
    data = cv2.imencode(".png", pixels[..., ::-1])[1].tobytes()
    content = b"icc\0\0" + zlib.compress(b"not a profile")
    chunk = struct.pack(">L", len(content)) + b"iCCP" + content + struct.pack(">L", zlib.crc32(b"iCCP" + content))
    (tmp_path / "a.png").write_bytes(data[:33] + chunk + data[33:])
    photo = check(tmp_path / "a.png", pixels, -1, 65535)
    assert photo.icc == b"not a profile"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_byte_order_of_floats(tmp_path, rng, byteorder):
    pixels = rng.random((4, 5), np.float32)
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=byteorder)
    photo = read(tmp_path / "a.tif")
    assert photo.pixels.dtype == np.dtype("=f4")
    assert photo.pixels.dtype.isnative
    assert photo.dtype.isnative
    np.testing.assert_array_equal(photo.pixels, pixels)
