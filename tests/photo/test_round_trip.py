"""What is written comes back: every format, depth, layout and value."""

import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from deblur.photo import Photo, read, write

EXACT = [(".png", "uint8"), (".png", "uint16"), (".webp", "uint8")]
EXACT += [(".tif", name) for name in ("uint8", "int8", "uint16", "int16", "uint32", "int32")]
FLOATING = ["float16", "float32", "float64"]


def through(photo: Photo, suffix: str) -> Photo:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo" + suffix)
        write(path, photo)
        return read(path)


def steps(dtype: str) -> int:
    return np.iinfo(dtype).max


@st.composite
def photos(draw, dtype: str, *, pages: bool) -> Photo:
    """A photograph whose values the type can hold exactly."""
    page_shape = draw(hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))
    if pages and draw(st.booleans()):
        page_shape = (draw(st.integers(2, 4)), *page_shape)
    color, transparent = draw(st.booleans()), draw(st.booleans())
    floating = np.float64 if np.dtype(dtype).itemsize > 2 and dtype != "float32" else np.float32

    def samples(shape: tuple[int, ...]) -> np.ndarray:
        if dtype.startswith("f"):  # any bits: subnormal numbers, infinity and NaN too
            return draw(hnp.arrays(dtype.replace("float", "uint"), shape)).view(dtype).astype(floating)
        return (draw(hnp.arrays(dtype, shape)) / steps(dtype)).astype(floating)

    return Photo(
        samples((*page_shape, 3) if color else page_shape),
        channel_axis=-1 if color else None,
        alpha=samples(page_shape) if transparent else None,
        dtype=dtype,
    )


def check_same(back: Photo, photo: Photo, suffix: str) -> None:
    # Neither WebP nor OpenCV's 16-bit PNG with alpha knows gray.
    grays = (".webp",) if photo.alpha is None or photo.dtype != np.uint16 else (".webp", ".png")
    if photo.channel_axis is None and suffix in grays:
        assert back.channel_axis == -1
        assert (back.pixels == back.pixels[..., :1]).all()
        back = replace(back, pixels=back.pixels[..., 0], channel_axis=None)
    assert back.dtype == photo.dtype
    assert back.channel_axis == photo.channel_axis
    assert back.pixels.dtype == photo.pixels.dtype
    np.testing.assert_array_equal(back.pixels, photo.pixels)
    assert (back.alpha is None) == (photo.alpha is None)
    if photo.alpha is not None:
        np.testing.assert_array_equal(back.alpha, photo.alpha)


@pytest.mark.parametrize(("suffix", "dtype"), EXACT)
@settings(max_examples=25)
@given(data=st.data())
def test_integers_are_exact(suffix, dtype, data):
    photo = data.draw(photos(dtype, pages=suffix == ".tif"))
    back = through(photo, suffix)
    if suffix == ".webp" and photo.alpha is not None and (photo.alpha == 1).all():
        assert back.alpha is None  # the encoder drops an alpha that says nothing
        photo = replace(photo, alpha=None)
    check_same(back, photo, suffix)


@pytest.mark.parametrize("dtype", FLOATING)
@settings(max_examples=25)
@given(data=st.data())
def test_floating_tiff_is_exact_and_unclipped(dtype, data):
    photo = data.draw(photos(dtype, pages=True))
    check_same(through(photo, ".tif"), photo, ".tif")


@pytest.mark.parametrize("channel_axis", [None, -1])
def test_jpeg_is_close(channel_axis):
    y, x = np.mgrid[:64, :80] / 80
    pixels = np.stack([y, x, (x + y) / 2], axis=-1)
    pixels = pixels if channel_axis else pixels[..., 0]
    back = through(Photo(pixels, channel_axis=channel_axis), ".jpg")
    assert back.pixels.shape == pixels.shape
    assert np.abs(back.pixels - pixels).max() < 5 / 255


def test_jpeg_keeps_color_at_full_resolution(tmp_path):
    write(tmp_path / "a.jpg", Photo(np.zeros((8, 8, 3)), channel_axis=-1))
    with Image.open(tmp_path / "a.jpg") as image:
        assert [(layer[1], layer[2]) for layer in image.layer] == [(1, 1)] * 3
        assert image.quantization[0][0] <= 2  # quality 95: 16 scaled by 10 %


def test_jpeg_of_incompressible_noise(tmp_path, rng):
    write(tmp_path / "a.jpg", Photo((rng.random((400, 400, 3)) > 0.5).astype(float), channel_axis=-1))
    assert read(tmp_path / "a.jpg").pixels.shape == (400, 400, 3)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_rounding_is_half_to_even_and_clipped(dtype):
    counts = np.array([[0.5, 1.5, 2.5, 3.49], [-7, steps(dtype) + 9, steps(dtype) - 0.4, 0]])
    back = through(Photo(counts / steps(dtype), dtype=dtype), ".tif").pixels
    np.testing.assert_array_equal(np.rint(back * steps(dtype)), [[0, 2, 2, 3], [0, steps(dtype), steps(dtype), 0]])


@pytest.mark.parametrize(
    ("suffix", "requested", "written"),
    [
        (".png", "float32", "uint16"),
        (".png", "uint32", "uint16"),
        (".jpg", "uint16", "uint8"),
        (".webp", "float32", "uint8"),
        (".tiff", "float64", "float64"),
    ],
)
def test_the_format_decides_the_depth_it_can_hold(suffix, requested, written):
    pixels = np.linspace(0, 1, 64).reshape(8, 8)
    back = through(Photo(pixels, dtype=requested), suffix)
    assert back.dtype == np.dtype(written)
    gray = back.pixels if back.channel_axis is None else back.pixels[..., 0]
    assert np.abs(gray - pixels).max() <= {"uint8": 0.03, "uint16": 0.5001 / 65535, "float64": 0}[written]


def test_other_programs_see_the_same_samples(tmp_path, rng):
    color = rng.integers(0, 65536, (5, 7, 4)).astype(np.uint16)
    photo = Photo(color[..., :3] / 65535, channel_axis=-1, alpha=color[..., 3] / 65535, dtype=np.uint16)
    write(tmp_path / "a.png", photo)
    write(tmp_path / "a.tif", photo)
    opencv = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(opencv[..., [2, 1, 0, 3]], color)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), color)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert tiff.pages[0].photometric == tifffile.PHOTOMETRIC.RGB
        assert tiff.pages[0].extrasamples == (tifffile.EXTRASAMPLE.UNASSALPHA,)
    write(tmp_path / "b.png", replace(photo, dtype=np.uint8))
    with Image.open(tmp_path / "b.png") as image:
        np.testing.assert_array_equal(np.asarray(image), np.rint(color / 65535 * 255))


@pytest.mark.parametrize("shape", [(3, 4), (4, 3, 5), (2, 4, 1, 5)])
def test_stacks_are_pages_and_never_taken_for_color(tmp_path, rng, shape):
    channel_axis = -1 if len(shape) == 4 else None
    write(tmp_path / "a.tif", Photo(rng.random(shape), channel_axis=channel_axis, dtype=np.float64))
    back = read(tmp_path / "a.tif")
    assert back.channel_axis == channel_axis
    assert back.pixels.shape == shape
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        assert len(tiff.pages) == (1 if len(shape) == 2 else shape[0])


def test_many_channels_in_a_tiff(rng):
    pixels = rng.random((6, 7, 5))
    back = through(Photo(pixels, channel_axis=-1, dtype=np.float64), ".tif")
    np.testing.assert_array_equal(back.pixels, pixels)
    assert back.channel_axis == -1
    assert back.alpha is None


def test_replacing_the_pixels_leaves_the_rest_alone(rng):
    alpha = rng.integers(0, 256, (4, 5)) / 255
    photo = Photo(rng.random((4, 5)), alpha=alpha, icc=b"profile", resolution=(300.0, 300.0))
    restored = replace(photo, pixels=photo.pixels / 2)
    back = through(restored, ".png")
    np.testing.assert_array_equal(back.alpha, alpha.astype(np.float32))
    assert (restored.icc, restored.resolution) == (b"profile", (300.0, 300.0))


def test_writing_does_not_touch_the_photograph(rng):
    pixels = rng.random((4, 5)) * 2 - 0.5
    before = pixels.copy()
    through(Photo(pixels), ".png")
    np.testing.assert_array_equal(pixels, before)


@pytest.fixture(scope="module")
def real_photographs(data_dir: Path) -> dict[str, Photo]:
    """Photographs as cameras and programs have written them; of their pixels a part, which is written quickly."""
    paths = sorted(p for p in (data_dir / "real_blurred").iterdir() if p.suffix in (".jpg", ".png"))
    assert paths
    return {path.name: corner(read(path)) for path in paths}


def corner(photo: Photo) -> Photo:
    alpha = None if photo.alpha is None else photo.alpha[:200, :200]
    return replace(photo, pixels=photo.pixels[:200, :200], alpha=alpha)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".jpg"])
def test_real_photographs(real_photographs, tmp_path, suffix):
    for name, photo in real_photographs.items():
        write(tmp_path / f"{name}{suffix}", photo)
        back = read(tmp_path / f"{name}{suffix}")
        if suffix == ".jpg":
            assert np.sqrt(np.mean((back.pixels - photo.pixels) ** 2)) < 3 / 255
        else:
            np.testing.assert_array_equal(back.pixels, photo.pixels)
        assert (back.icc, back.xmp, back.dtype) == (photo.icc, photo.xmp, photo.dtype)
        assert (back.resolution is None) == (photo.resolution is None)
        if photo.resolution is not None:
            assert back.resolution == pytest.approx(photo.resolution, rel=1e-3)
        if photo.exif is not None and suffix != ".tif":
            assert back.exif == photo.exif
