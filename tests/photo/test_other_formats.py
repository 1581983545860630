"""BMP, GIF, Netpbm, JPEG 2000, AVIF and those that need an extra: what others write, options, and what is refused."""

import io
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from deblur.photo import SUFFIXES, WRITABLE_SUFFIXES, Photo, detect_suffix, losses, read, write, written_suffix
from deblur.photo._formats import FORMATS
from tests.photo import samples

COLORS = np.rint(samples.scene(48, 64) * 255).astype(np.uint8)
DEEP = np.rint(samples.scene(48, 64) * 65535).astype(np.uint16)


def encoded(pixels: np.ndarray, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format=form, **options)
    return buffer.getvalue()


def check(path: Path, expected: np.ndarray, largest: int = 255) -> Photo:
    photo = read(path)
    np.testing.assert_array_equal(np.rint(photo.pixels.astype(float) * largest), expected)
    return photo


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("largest", [15, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_netpbm_of_any_depth(tmp_path: Path, text: bool, largest: int, channels: int) -> None:
    counts = np.random.default_rng(0).integers(0, largest + 1, (7, 5, channels))
    magic = {(1, True): 2, (3, True): 3, (1, False): 5, (3, False): 6}[channels, text]
    header = f"P{magic}\n# by hand\n5 7 # and more\n{largest}\n".encode()
    samples_of = counts.astype(">u2" if largest > 255 else "u1").tobytes()
    body = " ".join(map(str, counts.ravel())).encode() if text else samples_of
    (tmp_path / "a.pnm").write_bytes(header + body + b"\n")
    photo = read(tmp_path / "a.pnm")
    assert photo.dtype == (np.uint16 if largest > 255 else np.uint8)
    pixels = photo.pixels if channels == 3 else photo.pixels[..., None]
    np.testing.assert_allclose(pixels, counts / largest, atol=0.5 / (65535 if largest > 255 else 255) + 1e-6)
    for cut in (len(header) - 2, len(header) + 3, len(header) + len(body) // 2):
        (tmp_path / "b.pnm").write_bytes((header + body)[:cut])
        with pytest.raises(ValueError, match=r"cannot read .*b\.pnm"):
            read(tmp_path / "b.pnm")


@pytest.mark.parametrize(
    "data", [b"P5\n999999999 999999999\n255\nxx", b"P6\n0 5\n255\n", b"P6\n5 5\n99999\n" + bytes(99)]
)
def test_absurd_netpbm(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.ppm").write_bytes(data)
    with pytest.raises(ValueError, match=r"cannot read .*a\.ppm"):
        read(tmp_path / "a.ppm")


def test_netpbm_as_others_write_it(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.ppm"), DEEP[..., ::-1])
    check(tmp_path / "a.ppm", DEEP, 65535)
    write(tmp_path / "b.ppm", read(tmp_path / "a.ppm"))
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "b.ppm"), cv2.IMREAD_UNCHANGED)[..., ::-1], DEEP)
    Image.fromarray(COLORS[..., 0] > 99).save(tmp_path / "a.pbm")
    check(tmp_path / "a.pbm", (COLORS[..., 0] > 99) * 255)
    with pytest.raises(ValueError, match=r"a \.pgm file is gray"):
        write(tmp_path / "c.pgm", read(tmp_path / "a.ppm"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp_as_others_write_it(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(COLORS).convert(mode)
    image.save(tmp_path / "a.bmp", dpi=(300, 300))
    gray = mode in ("1", "L")
    photo = check(tmp_path / "a.bmp", np.asarray(image.convert("L" if gray else "RGB")))
    assert photo.resolution == pytest.approx((300, 300), rel=1e-3)


def test_gif_of_one_frame_and_of_more(tmp_path: Path) -> None:
    image = Image.fromarray(COLORS).quantize(64)
    image.save(tmp_path / "a.gif")
    photo = check(tmp_path / "a.gif", np.asarray(image.convert("RGB")))
    assert written_suffix(".gif") == ".png"
    write(tmp_path / "a.png", photo)
    image.save(tmp_path / "b.gif", save_all=True, append_images=[Image.fromarray(255 - COLORS)])
    with pytest.raises(ValueError, match="it is an animation of 2 frames"):
        read(tmp_path / "b.gif")


@pytest.mark.parametrize("form", ["AVIF"])
def test_other_animations(tmp_path: Path, form: str) -> None:
    buffer = io.BytesIO()
    frames = [Image.fromarray(COLORS), Image.fromarray(255 - COLORS)]
    frames[0].save(buffer, format=form, save_all=True, append_images=frames[1:])
    (tmp_path / "a").write_bytes(buffer.getvalue())
    with pytest.raises(ValueError, match="it is an animation of 2 frames"):
        read(tmp_path / "a")


@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_2000_of_more_than_8_bits(tmp_path: Path, bits: int, channels: int) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    counts = (DEEP if channels == 3 else DEEP[..., 0]) >> (16 - bits)
    for form, suffix in (("jp2", ".jp2"), ("j2k", ".j2k")):
        data = imagecodecs.jpeg2k_encode(counts, level=0, bitspersample=bits, codecformat=form, reversible=True)
        (tmp_path / "a").write_bytes(data)
        assert detect_suffix(data) == suffix
        photo = read(tmp_path / "a")
        assert photo.dtype == np.uint16
        np.testing.assert_allclose(photo.pixels, counts / ((1 << bits) - 1), atol=1e-5)


def test_jpeg_2000_is_seen_by_others(tmp_path: Path) -> None:
    photo = Photo(COLORS / 255, -1, icc=samples.ICC, exif=samples.exif(), resolution=(300.0, 150.0))
    write(tmp_path / "a.jp2", photo)
    with Image.open(tmp_path / "a.jp2") as image:
        np.testing.assert_array_equal(np.asarray(image), COLORS)
        assert image.info["dpi"] == pytest.approx((300, 150), rel=1e-3)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.jp2"))[..., ::-1], COLORS)
    with pytest.raises(ValueError, match="sides below 32 pixels"):
        write(tmp_path / "b.jp2", Photo(np.zeros((8, 40, 3)), -1, dtype=np.dtype(np.uint16)))


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".jp2", ".heic"])
def test_quality(tmp_path: Path, suffix: str) -> None:
    if suffix == ".heic":
        pytest.importorskip("pillow_heif", reason="needs the extra heif")
    noisy = np.clip(COLORS / 255 + np.random.default_rng(0).normal(0, 0.05, COLORS.shape), 0, 1)
    sizes, errors = [], []
    for quality in (1, 50, 90, 100):
        write(tmp_path / f"{quality}{suffix}", Photo(noisy, -1), quality=quality)
        sizes.append((tmp_path / f"{quality}{suffix}").stat().st_size)
        errors.append(float(np.abs(read(tmp_path / f"{quality}{suffix}").pixels - noisy).mean()))
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 2 * errors[-1]


@pytest.mark.parametrize("quality", [0, 101, -1, 90.5, True, "high"])
def test_quality_out_of_range(tmp_path: Path, quality: object) -> None:
    with pytest.raises(ValueError, match="quality must be a whole number from 1 to 100"):
        write(tmp_path / "a.jpg", Photo(np.zeros((4, 5))), quality=quality)
    with pytest.raises(ValueError, match="compression must be one of none, deflate"):
        write(tmp_path / "a.tif", Photo(np.zeros((4, 5))), compression="zip")


@pytest.mark.parametrize(
    ("suffix", "data", "package", "extra"),
    [
        (".heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow_heif", "heif"),
        (".jxl", b"\xff\x0a" + bytes(99), "pillow_jxl", "jxl"),
        (".cr2", b"II*\0\x10\0\0\0CR\2\0" + bytes(99), "rawpy", "raw"),
        (".fits", b"SIMPLE  =                    T" + bytes(99), "astropy", "fits"),
    ],
)
def test_a_library_that_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, data: bytes, package: str, extra: str
) -> None:
    for name in (package, f"{package}.io"):
        monkeypatch.setitem(sys.modules, name, None)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    assert detect_suffix(data) == suffix
    with pytest.raises(ValueError, match=rf"cannot read .*a{suffix}: .* needs {package}: pip install ") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    if suffix in WRITABLE_SUFFIXES:
        with pytest.raises(ValueError, match=rf"cannot write .*b{suffix}: .* needs {package}: pip install "):
            write(tmp_path / f"b{suffix}", Photo(np.zeros((40, 50))))
        assert not (tmp_path / f"b{suffix}").exists()


def test_exr_without_its_codec(tmp_path: Path) -> None:
    (tmp_path / "a.exr").write_bytes(b"\x76\x2f\x31\x01" + bytes(99))
    with pytest.raises(
        ValueError, match=r"cannot read .*a\.exr: (this OpenCV was built without OpenEXR|it is damaged)"
    ):
        read(tmp_path / "a.exr")


def test_jpeg_xl(tmp_path: Path) -> None:
    pytest.importorskip("pillow_jxl", reason="needs the extra jxl")
    for pixels in (COLORS, COLORS[..., 0]):
        axis = -1 if pixels.ndim == 3 else None
        write(tmp_path / "a.jxl", Photo(pixels / 255, axis, exif=samples.exif()), overwrite=True)
        photo = check(tmp_path / "a.jxl", pixels)
        assert photo.exif == samples.exif()


WHOLE = {
    ".avif": encoded(COLORS, "AVIF"),
    ".jp2": encoded(COLORS, "JPEG2000"),
    ".bmp": encoded(COLORS, "BMP"),
    ".ppm": encoded(COLORS, "PPM"),
    ".gif": encoded(COLORS, "GIF"),
}


@pytest.mark.parametrize("suffix", [*WHOLE, ".heic", "16-bit .jp2"])
def test_cut_short_and_flipped(tmp_path: Path, capfd: pytest.CaptureFixture[str], suffix: str) -> None:
    """An error of one line, or a picture; nothing on standard error."""
    if suffix == ".heic":
        pytest.importorskip("pillow_heif", reason="needs the extra heif")
    path = tmp_path / "a"
    if suffix in WHOLE:
        data = WHOLE[suffix]
    else:
        dtype = np.dtype(np.uint16 if "16" in suffix else np.uint8)
        write(tmp_path / f"b{suffix[-5:].strip()}", Photo(COLORS / 255, -1, dtype=dtype))
        data = (tmp_path / f"b{suffix[-5:].strip()}").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for cut in [len(data) * part // 20 for part in range(1, 20)] + [None] * 40:
        content = bytearray(data if cut is None else data[:cut])
        if cut is None:
            for where in rng.integers(0, min(len(content), 600), 3):
                content[where] = rng.integers(0, 256)
        path.write_bytes(content)
        try:
            photo = read(path)
        except ValueError as error:
            refused += cut is not None
            message = str(error)
        except MemoryError:  # of sides that a flipped byte has made huge; the command says what it means
            assert cut is None
            message = f"cannot read {path}: "
        else:
            assert photo.pixels.size
            message = f"cannot read {path}: "
        assert message.startswith(f"cannot read {path}: ")
        assert "\n" not in message
    assert refused >= (10 if suffix == ".gif" else 18)
    assert capfd.readouterr() == ("", "")


def test_suffixes() -> None:
    assert set(WRITABLE_SUFFIXES) < set(SUFFIXES)
    assert all(written_suffix(suffix) in WRITABLE_SUFFIXES for suffix in SUFFIXES)
    with pytest.raises(ValueError, match="is the suffix of no picture"):
        written_suffix(".psd")


def test_avif_of_ten_bits_says_so(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs", reason="needs the extra tiff")
    for bits, notes in (
        (8, ()),
        (10, ("its 10 bits per sample were read as 8",)),
        (12, ("its 12 bits per sample were read as 8",)),
    ):
        counts = DEEP >> (16 - bits)
        data = imagecodecs.avif_encode(
            counts.astype(np.uint8 if bits == 8 else np.uint16), level=95, bitspersample=bits
        )
        (tmp_path / "a.avif").write_bytes(data)
        photo = read(tmp_path / "a.avif")
        assert (photo.notes, photo.dtype) == (notes, np.uint8)
        np.testing.assert_allclose(photo.pixels, DEEP / 65535, atol=0.04)


def test_heif_of_several_pictures(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    album = pillow_heif.from_pillow(Image.fromarray(COLORS[::-1].copy()))
    album.add_from_pillow(Image.fromarray(COLORS))
    album.save(tmp_path / "a.heic", quality=95, chroma=444, primary_index=1)
    photo = read(tmp_path / "a.heic")
    assert photo.notes == ("its other picture was left out",)
    np.testing.assert_allclose(photo.pixels * 255, COLORS, atol=8)


def test_white_of_ten_bits_is_white(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif", reason="needs the extra heif")
    levels = np.repeat(np.repeat([[0.0, 0.25, 1.0]], 16, axis=1), 40, axis=0)
    write(tmp_path / "a.heic", Photo(levels, dtype=np.dtype(np.uint16)), quality=100)
    photo = read(tmp_path / "a.heic")
    assert photo.dtype == np.uint16
    np.testing.assert_allclose(photo.pixels[20, 8::16], [0, 0.25, 1], atol=1.01 / 1023)
    assert photo.pixels.max() == 1


def test_the_table_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/formats.md").read_text(encoding="utf-8")
    rows = {cells[1].strip(): cells for line in page.splitlines() if len(cells := line.split("|")) == 7}
    for each in FORMATS:
        suffixes = rows[each.name][2].split()
        assert suffixes == list(each.suffixes) or (suffixes[-1] == "…" and set(suffixes[:-1]) < set(each.suffixes))
        assert (f"as {each.written_as}" in rows[each.name][4]) == (not each.writer)
        names = {"exif": "EXIF", "icc": "profile", "xmp": "XMP", "resolution": "resolution"}
        if each.writer:
            assert {name for name in names.values() if name in rows[each.name][5]} == {names[k] for k in each.keeps}


def test_losses_of_depth(tmp_path: Path) -> None:
    bright = Photo(np.full((4, 5), 2.0), dtype=np.dtype(np.float32))
    assert losses("a.png", bright) == ("floating samples were rounded to the 16 bits of PNG, and clipped to 0 to 1",)
    assert losses("a.tif", bright) == ()
    assert losses("a.jpg", Photo(np.zeros((4, 5)), dtype=np.dtype(np.uint16))) == (
        "16 bits were rounded to the 8 of JPEG",
    )
    with pytest.raises(ValueError, match="suffix must be one of"):
        losses("a.psd", bright)
