"""The strength of a JPEG: from its tables, and from the grid that it leaves in pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from deblur import photo
from deblur.photo import Compression, compression_of


def jpeg(pixels: np.ndarray, quality: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("quality", [10, 50, 75, 90, 100])
@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_the_tables_of_a_file(tmp_path, quality, sampling) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(data.coffee()[:64, :64], quality, subsampling=sampling))
    found = photo.read(path).compression
    expected = Compression.of_quality(quality, sampling)
    assert found is not None
    assert found.sampling == sampling
    # libjpeg limits the steps of baseline files to 255, and its tables for color are ours to a rounding.
    assert found.luminance == pytest.approx(expected.luminance, rel=0.05)
    assert found.chrominance == pytest.approx(expected.chrominance, rel=0.05)


def test_gray_files_and_files_without_loss(tmp_path) -> None:
    (tmp_path / "gray.jpg").write_bytes(jpeg(data.camera()[:64, :64], 75))
    found = photo.read(tmp_path / "gray.jpg").compression
    assert found is not None
    assert found.luminance == found.chrominance
    Image.fromarray(data.camera()[:64, :64]).save(tmp_path / "gray.png")
    assert photo.read(tmp_path / "gray.png").compression is None


@pytest.mark.parametrize(
    ("tables", "expected"),
    [({}, None), ({0: [1, 2, 3]}, None), ({0: [0] * 64}, 1.0), ({0: [65535] * 64}, 255.0), ({3: [9] * 64}, 9.0)],
)
def test_absurd_tables(tables, expected) -> None:
    found = Compression.of_jpeg(tables, "4:2:0")
    assert (found and found.luminance) == expected


@pytest.mark.parametrize("quality", [50, 75, 85, 90])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_the_grid_tells_the_quality_of_decoded_pixels(name, quality) -> None:
    sharp = getattr(data, name)()[:300, :300].astype(float)
    pixels = np.rint(gaussian_filter(sharp, (1.5, 1.5, 0))).astype(np.uint8)
    assert compression_of(pixels) is None
    decoded = np.asarray(Image.open(io.BytesIO(jpeg(pixels, quality))))[3:, 5:]
    for image in (decoded, decoded / np.float32(255)):
        found = compression_of(image)
        assert found is not None
        assert found.luminance == pytest.approx(Compression.of_quality(quality).luminance, rel=0.1)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((64, 64)),
        np.full((64, 64, 3), 255, np.uint8),
        np.zeros((5, 7), np.uint8),
        np.random.default_rng(0).integers(0, 256, (99, 99, 3), dtype=np.uint8),
        np.kron(np.eye(16), np.ones((8, 8))),
        np.tile(np.linspace(0, 1, 128), (128, 1)),
    ],
)
def test_other_pixels_were_no_jpeg(pixels) -> None:
    assert compression_of(pixels) is None
