"""The table of formats: pixels, EXIF, profile, XMP and resolution through every format, depth and orientation."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deblur.photo import Photo, _exif, losses, read, write
from deblur.photo._formats import FORMATS
from tests.photo import samples

METADATA = "exif icc xmp resolution"


@dataclass(frozen=True)
class Row:
    suffix: str
    dtype: str
    channels: int = 3
    has_alpha: bool = False
    keeps: str = METADATA
    error: float = 0.0  # most that a sample may differ, beyond the step of the type
    turns: bool = True  # whether its files have an EXIF orientation that readers apply


EXACT = [Row(suffix, "uint8", channels) for suffix in (".png", ".tif", ".jp2") for channels in (1, 3)]
EXACT += [Row(suffix, "uint16", channels) for suffix in (".png", ".tif", ".jp2") for channels in (1, 3)]
EXACT += [Row(suffix, dtype, has_alpha=True) for suffix in (".png", ".tif", ".jp2") for dtype in ("uint8", "uint16")]
EXACT += [Row(".tif", dtype) for dtype in ("int8", "int16", "uint32", "int32", "float16", "float32", "float64")]
EXACT += [Row(".webp", "uint8"), Row(".webp", "uint8", has_alpha=True)]
EXACT += [Row(".bmp", "uint8", channels, keeps="resolution", turns=False) for channels in (1, 3)]
EXACT += [Row(".pgm", dtype, 1, keeps="", turns=False) for dtype in ("uint8", "uint16")]
EXACT += [Row(".ppm", dtype, 3, keeps="", turns=False) for dtype in ("uint8", "uint16")]
EXACT += [
    Row(".fits", dtype, 1, keeps="", turns=False)
    for dtype in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64")
]
EXACT += [Row(".fits", "uint16", 3, keeps="", turns=False)]
LOSSY = [Row(".jpg", "uint8", channels, error=0.07) for channels in (1, 3)]
LOSSY += [Row(".avif", "uint8", channels, error=0.04) for channels in (1, 3)]
LOSSY += [Row(".avif", "uint8", has_alpha=True, error=0.04)]
LOSSY += [Row(".heic", dtype, channels, error=0.03) for dtype in ("uint8", "uint16") for channels in (1, 3)]
LOSSY += [Row(".heic", "uint8", has_alpha=True, error=0.03)]
ROWS = EXACT + LOSSY


def name(row: Row) -> str:
    return f"{row.suffix}-{row.dtype}-{row.channels}{'a' * row.has_alpha}"


def needed(suffix: str) -> None:
    package = {".heic": "pillow_heif", ".fits": "astropy"}.get(suffix)
    if package:
        pytest.importorskip(package, reason="an extra")


def photograph(row: Row, orientation: int = 1) -> Photo:
    colors = samples.scene()
    dtype = np.dtype(row.dtype)
    floating = np.float64 if dtype.itemsize > 2 and dtype.name != "float32" else np.float32
    if dtype.kind != "f":
        colors = np.rint(colors * np.iinfo(dtype).max) / np.iinfo(dtype).max
    alpha = colors[..., 1].astype(floating) if row.has_alpha else None
    pixels = (colors if row.channels == 3 else colors[..., 0]).astype(floating)
    if dtype == np.float16:
        pixels = pixels.astype(np.float16).astype(floating)
    xmp = samples.XMP % b'<rdf:Description tiff:Orientation="1"/>'
    return Photo(
        pixels,
        -1 if row.channels == 3 else None,
        alpha,
        dtype,
        samples.exif(orientation),
        samples.ICC,
        xmp,
        samples.RESOLUTION,
    )


def check(back: Photo, photo: Photo, row: Row) -> None:
    assert back.dtype == photo.dtype
    pixels = back.pixels
    if photo.channel_axis is None and back.channel_axis == -1:  # formats that know no gray
        pixels = pixels[..., 0]
    assert np.abs(pixels.astype(float) - photo.pixels).max() <= row.error + (row.error > 0) / 255
    if row.has_alpha:
        assert np.abs(back.alpha.astype(float) - photo.alpha).max() <= row.error
    assert back.icc == (samples.ICC if "icc" in row.keeps else None)
    assert back.xmp == (photo.xmp if "xmp" in row.keeps else None)
    if "resolution" in row.keeps:
        assert back.resolution == pytest.approx(photo.resolution, rel=1e-3)
    if "exif" in row.keeps:
        before, after = _exif._read(photo.exif), _exif._read(back.exif)
        assert {tag: after.get(tag) for tag in (271, 272, 306, 0x8769, 0x8825)} == {
            tag: before[tag] for tag in (271, 272, 306, 0x8769, 0x8825)
        }
        assert _exif.orientation(back.exif) == 1


def test_the_table_has_every_format_that_is_written() -> None:
    tried = {row.suffix for row in ROWS} | {".jxl", ".exr"}  # for these the libraries are not among the extra test
    assert all(tried & set(each.suffixes) for each in FORMATS if each.writer)
    assert len(ROWS) >= 40


@pytest.mark.parametrize("row", ROWS, ids=name)
def test_round_trip(tmp_path: Path, row: Row) -> None:
    needed(row.suffix)
    photo = photograph(row)
    write(tmp_path / f"a{row.suffix}", photo)
    back = read(tmp_path / f"a{row.suffix}")
    check(back, photo, row)
    assert back.notes == ()
    write(tmp_path / f"b{row.suffix}", back)
    check(read(tmp_path / f"b{row.suffix}"), photo, row)
    lost = " ".join(losses(tmp_path / f"a{row.suffix}", photo))
    for word, field in (("EXIF", "exif"), ("profile", "icc"), ("XMP", "xmp"), ("resolution", "resolution")):
        assert (word in lost) == (field not in row.keeps)
    assert "bits" not in lost


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("row", [row for row in ROWS if row.turns], ids=name)
def test_orientations(tmp_path: Path, row: Row, orientation: int) -> None:
    """A file whose EXIF says how the camera was held is read upright, and written so."""
    needed(row.suffix)
    upright = photograph(row)
    stored = replace(
        photograph(row, orientation),
        pixels=samples.turned(upright.pixels, orientation),
        alpha=None if upright.alpha is None else samples.turned(upright.alpha, orientation),
        xmp=upright.xmp.replace(b'"1"', b'"%d"' % orientation),
    )
    source = tmp_path / f"a{row.suffix}"
    if row.suffix == ".heic":  # its readers turn by the container, which this writer leaves alone, and not by EXIF
        pytest.skip("see test_heif_turns_by_its_container")
    if row.suffix == ".tif":
        write(source, stored)
        _turn_tiff(source, orientation)
    else:
        write(source, stored)
    back = read(source)
    expected = replace(upright, resolution=samples.RESOLUTION[:: -1 if orientation >= 5 else 1])
    check(back, expected, row)
    write(tmp_path / f"b{row.suffix}", back)
    check(read(tmp_path / f"b{row.suffix}"), expected, row)


def _turn_tiff(path: Path, orientation: int) -> None:
    """Add the tag to the first directory, which is written anew at the end."""
    data = path.read_bytes()
    data += bytes(len(data) % 2)
    directory = _exif._read(data)
    directory[274] = 3, orientation.to_bytes(2, "little")
    path.write_bytes(data[:4] + len(data).to_bytes(4, "little") + data[8:] + _exif._write(directory, "<", len(data)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heif_turns_by_its_container(tmp_path: Path, orientation: int) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="needs the extra heif")
    upright = np.rint(samples.scene() * 255).astype(np.uint8)
    image = Image.fromarray(samples.turned(upright, orientation))
    block = b"Exif\0\0" + samples.exif(orientation)
    # As a plugin of Pillow, the library writes the orientation of the EXIF into the container.
    pillow_heif.register_heif_opener()
    image.save(tmp_path / "a.heic", quality=95, subsampling="4:4:4", exif=block)
    photo = read(tmp_path / "a.heic")
    np.testing.assert_allclose(photo.pixels * 255, upright, atol=6)
    assert _exif.orientation(photo.exif) == 1
