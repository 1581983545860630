"""Bad files and bad requests: one clear line, nothing on standard error, nothing left behind."""

import io
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deblur.photo import Photo, _jpeg, _raster, read, write

NOISE = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
as_user = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="the superuser may read anything")


def encoded(format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).save(buffer, format=format, **options)
    return buffer.getvalue()


def tiff(array: np.ndarray, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, metadata=None, **options)
    return buffer.getvalue()


WHOLE = {
    "jpeg": encoded("JPEG"),
    "progressive jpeg": encoded("JPEG", progressive=True),
    "png": encoded("PNG"),
    "16-bit png": cv2.imencode(".png", NOISE.astype(np.uint16) * 257)[1].tobytes(),
    "lossless webp": encoded("WEBP", lossless=True),
    "lossy webp": encoded("WEBP"),
    "tiff": tiff(NOISE, photometric="rgb"),
    "deflate tiff": tiff(NOISE, photometric="rgb", compression="zlib"),
    "lzw tiff": encoded("TIFF", compression="tiff_lzw"),
    "opencv tiff": cv2.imencode(".tif", NOISE.astype(np.float32))[1].tobytes(),
    "stack": tiff(np.stack([NOISE[..., 0]] * 3), photometric="minisblack"),
}


def animation(format: str) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.fromarray(NOISE), Image.fromarray(255 - NOISE)]
    frames[0].save(buffer, format=format, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def two_sizes() -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(NOISE, photometric="rgb", metadata=None)
        writer.write(NOISE[:9], photometric="rgb", metadata=None)
    return buffer.getvalue()


def cmyk(format: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(NOISE).convert("CMYK").save(buffer, format=format)
    return buffer.getvalue()


UNREADABLE = {
    "empty": (b"", "empty"),
    "one byte": (b"I", "not a JPEG, PNG, TIFF, WebP, AVIF, "),
    "text": (b"hello, world" * 9, "not a JPEG, PNG, TIFF, WebP, AVIF, "),
    "jpeg start": (b"\xff\xd8\xff", ""),
    "png signature": (b"\x89PNG\r\n\x1a\n", ""),
    "webp signature": (b"RIFF\0\0\0\0WEBP", ""),
    "tiff signature": (b"II*\0", ""),
    "tiff without pages": (b"II*\0\0\0\0\0", ""),
    "png of no size": (WHOLE["png"][:16] + bytes(8) + WHOLE["png"][24:], ""),
    "jpeg of no size": (WHOLE["jpeg"].replace(b"\x08\x00\x28\x00\x32", b"\x08\x00\x00\x00\x00"), ""),
    "flipped bit in a png": (WHOLE["png"][:500] + b"\xff\0\xff" + WHOLE["png"][503:], ""),
    "animated png": (animation("PNG"), "animation of 2 frames"),
    "animated webp": (animation("WEBP"), "animation of 2 frames"),
    "cmyk jpeg": (cmyk("JPEG"), "CMYK"),
    "cmyk tiff": (cmyk("TIFF"), "SEPARATED, not gray or RGB"),
    "pages of two sizes": (two_sizes(), "2 kinds of pages"),
    "complex": (tiff(NOISE[..., 0].astype(np.complex64)), "complex64"),
    "64 bits": (tiff(NOISE[..., 0].astype(np.uint64)), "uint64"),
    "volume": (tiff(np.zeros((16, 16, 16), np.uint8), volumetric=True, tile=(16, 16, 16)), "not gray or RGB"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_unreadable(tmp_path, capfd, case):
    data, reason = UNREADABLE[case]
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=f"cannot read .*bad.png: .*{reason}") as caught:
        read(path)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def outcome(path: Path) -> Photo | str:
    """What is read, or the one line that says why not."""
    try:
        return read(path)
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("kind", WHOLE)
def test_cut_short(tmp_path, capfd, kind):
    """Never gray pixels where the file ends: an error, or (for a few last bytes) every pixel."""
    path, data = tmp_path / "photo", WHOLE[kind]
    path.write_bytes(data)
    whole = read(path).pixels
    cuts = {len(data) * part // 40 for part in range(1, 40)} | set(range(len(data) - 40, len(data)))
    refused = 0
    for cut in cuts:
        path.write_bytes(data[:cut])
        result = outcome(path)
        if isinstance(result, Photo):
            np.testing.assert_array_equal(result.pixels, whole)
        else:
            assert result.startswith(f"cannot read {path}: ")
            assert "\n" not in result
            refused += 1
    assert refused >= 39
    assert capfd.readouterr() == ("", "")


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_never_escape_as_another_error(tmp_path, data):
    content = bytearray(WHOLE[data.draw(st.sampled_from(sorted(WHOLE)))])
    for _ in range(data.draw(st.integers(1, 4))):
        where = data.draw(st.integers(0, min(len(content) - 1, 400)))
        content[where] = data.draw(st.integers(0, 255))
    path = tmp_path / "photo"
    path.write_bytes(content)
    result = outcome(path)
    assert result.pixels.size if isinstance(result, Photo) else result.startswith(f"cannot read {path}: ")


def test_missing_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        read(tmp_path / "missing.png")
    with pytest.raises(ValueError, match="it is a folder"):
        read(tmp_path)


@as_user
def test_no_permission(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(WHOLE["png"])
    path.chmod(0)
    with pytest.raises(PermissionError, match=r"secret\.png"):
        read(path)


GRAY = Photo(np.zeros((4, 5)))
REFUSED = [
    ("a.gif", GRAY, "GIF is only read; write a .png file"),
    ("a.nef", GRAY, "camera RAW is only read; write a .tif file"),
    ("a.psd", GRAY, "suffix must be one of"),
    ("a", GRAY, "suffix must be one of"),
    ("a.jpg", Photo(np.zeros((4, 5)), alpha=np.full((4, 5), 0.5)), "JPEG has no transparency"),
    ("a.png", Photo(np.zeros((3, 4, 5))), "3 pages"),
    ("a.webp", Photo(np.zeros((3, 4, 5))), "3 pages"),
    ("a.jpg", Photo(np.zeros((4, 5, 2)), channel_axis=-1), "2 channels"),
    ("a.png", Photo(np.zeros((4, 5, 5)), channel_axis=-1), "5 channels"),
    ("a.webp", Photo(np.zeros((1, 16_384))), "16384 x 1 pixels are too many"),
    ("a.jpg", Photo(np.zeros((65_501, 1))), "1 x 65501 pixels are too many"),
    ("a.png", Photo(np.full((4, 5), np.nan)), "NaN or infinite"),
    ("a.tif", Photo(np.full((4, 5), np.inf), dtype=np.uint16), "NaN or infinite"),
    ("a.png", Photo(np.zeros((4, 5)), alpha=np.full((4, 5), np.nan)), "NaN or infinite"),
    ("a.jpg", Photo(np.zeros((4, 5)), exif=b"II*\0" + bytes(70_000)), "EXIF"),
]


@pytest.mark.parametrize(("name", "photo", "reason"), REFUSED)
def test_refused(tmp_path, name, photo, reason):
    with pytest.raises(ValueError, match=f"cannot write .*{name}: .*{reason}") as caught:
        write(tmp_path / name, photo)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_longest_sides_are_written(tmp_path):
    write(tmp_path / "a.jpg", Photo(np.zeros((65_500, 1))))
    write(tmp_path / "a.webp", Photo(np.zeros((1, 16_383))))
    assert read(tmp_path / "a.jpg").pixels.shape == (65_500, 1)
    assert read(tmp_path / "a.webp").pixels.shape == (1, 16_383, 3)


def test_opaque_alpha_is_no_reason_to_refuse_jpeg(tmp_path):
    write(tmp_path / "a.jpg", Photo(np.zeros((4, 5)), alpha=np.ones((4, 5))))
    assert read(tmp_path / "a.jpg").alpha is None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_an_existing_file_is_kept_or_replaced(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=path.name):
        write(path, GRAY)
    assert path.read_bytes() == b"precious"
    write(path, GRAY, overwrite=True)
    assert read(path).pixels.shape[:2] == (4, 5)


@pytest.mark.parametrize("name", ["write_jpeg", "write_webp", "write_png"])
def test_a_failure_half_way_leaves_nothing(tmp_path, monkeypatch, name):
    def fail(path: Path, stored: object, encoding: object) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(_jpeg if name == "write_jpeg" else _raster, name, fail)
    target = tmp_path / name.replace("write_", "a.")
    with pytest.raises(KeyboardInterrupt):
        write(target, GRAY)
    assert not list(tmp_path.iterdir())


def test_a_failure_while_metadata_are_added_leaves_nothing(tmp_path, monkeypatch):
    def fail(*arguments: object, **options: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("deblur.photo._exif.into_tiff", fail)
    with pytest.raises(OSError, match="no space"):
        write(tmp_path / "a.tif", Photo(np.zeros((4, 5)), exif=b"II*\0" + bytes(20)))
    assert not list(tmp_path.iterdir())


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.png.*missing does not exist"):
        write(tmp_path / "missing" / "a.png", GRAY)


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, "pixels must be a floating NumPy array, got uint8", {"pixels": np.zeros((4, 5), np.uint8)}),
        (TypeError, "pixels must be a floating NumPy array, got list", {"pixels": [[0.0]]}),
        (TypeError, "alpha must be a floating NumPy array, got bool", {"alpha": np.ones((4, 5), bool)}),
        (ValueError, "alpha must have shape", {"alpha": np.ones((5, 4))}),
        (ValueError, "channel_axis must be None or -1, got 0", {"channel_axis": 0}),
        (ValueError, "pixels must have shape", {"pixels": np.zeros(4)}),
        (ValueError, "pixels must have shape", {"channel_axis": -1}),
        (ValueError, "not be empty", {"pixels": np.zeros((0, 5))}),
        (ValueError, "dtype must be one of", {"dtype": np.complex64}),
        (ValueError, "dtype must be one of", {"dtype": np.int64}),
    ],
)
def test_impossible_photographs(error, message, arguments):
    with pytest.raises(error, match=message):
        Photo(**{"pixels": np.zeros((4, 5)), **arguments})


def many_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again, up to `count` scans."""
    whole = WHOLE["progressive jpeg"]
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + (count - whole.count(b"\xff\xda") + 1) * (b"junk" + whole[last:-2]) + whole[-2:]


def test_a_jpeg_of_very_many_scans_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(many_scans(100) + many_scans(50))  # what lies behind the picture is not counted
    assert read(path).pixels.shape == NOISE.shape
    path.write_bytes(many_scans(101))
    monkeypatch.setattr(_jpeg, "decoded", None)
    with pytest.raises(ValueError, match=r"a\.jpg: it is a JPEG of more than 100 scans") as caught:
        read(path)
    assert "\n" not in str(caught.value)
