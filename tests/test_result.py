"""The one result: a short repr, a picture in notebooks, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

import deblur
from deblur import Restoration, photo, psf


@pytest.fixture
def color(rng: np.random.Generator) -> Restoration:
    return deblur.restore(rng.random((40, 48, 3)), 2 * psf.gaussian((1, 1)), method="wiener", channel_axis=-1)


def test_the_repr_is_one_line_without_pixels(color: Restoration) -> None:
    text = repr(color)
    assert text.startswith("Restoration(wiener, image 40x48x3, PSF ")
    assert "\n" not in text
    assert len(text) < 120


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(1.0, "high"), (0.8, "high"), (0.79, "medium"), (0.4, "medium"), (0.3, "low"), (0.0, "low")],
)
def test_the_confidence_has_a_word(color: Restoration, confidence: float, word: str) -> None:
    estimated = replace(color, confidence=confidence)
    assert estimated.certainty == word
    assert f"confidence {word}, " in repr(estimated)
    assert replace(estimated, changed=False).certainty is None
    assert color.certainty is None  # its PSF was given


def test_an_image_that_is_left_as_it_was_has_no_psf_in_its_repr(color: Restoration) -> None:
    left = replace(color, confidence=0.0, changed=False, reason="it is sharp")
    assert repr(left) == "Restoration(wiener, image 40x48x3, unchanged: it is sharp)"


def test_the_image_has_one_type_and_scale_for_every_input(rng: np.random.Generator) -> None:
    values = rng.integers(1, 255, (40, 40), dtype=np.uint8)
    for array in (values, torch.from_numpy(values), values.astype(np.uint16) * 257, values / np.float32(255)):
        result = deblur.restore(array, psf.gaussian((1, 1)), method="wiener")
        assert type(result.image) is type(array)
        assert str(result.image.dtype).removeprefix("torch.") == "float32"
        assert float(result.image.max()) < 2
        assert result.changed
    doubled = deblur.restore(values, 2 * psf.gaussian((1, 1)), method="wiener")
    assert doubled.details["psf_sum"] == pytest.approx(2)


def test_a_notebook_shows_a_picture(color: Restoration) -> None:
    data = color._repr_png_()
    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    expected = np.rint(255 * color.image.clip(0, 1))[..., ::-1]
    np.testing.assert_array_equal(shown, expected.astype(np.uint8))
    volume = deblur.restore(np.ones((12, 12, 12)), psf.gaussian((1, 1, 1)), method="wiener")
    assert volume._repr_png_() is None


@pytest.mark.parametrize(("suffix", "step"), [(".png", 1 / 65535), (".tif", 0), (".webp", 1 / 255), (".npy", 0)])
def test_save_writes_what_the_suffix_says(tmp_path: Path, color: Restoration, suffix: str, step: float) -> None:
    path = tmp_path / f"sharp{suffix}"
    color.save(path)
    found = np.load(path) if suffix == ".npy" else photo.read(path).pixels
    expected = color.image if step == 0 else color.image.clip(0, 1)
    np.testing.assert_allclose(found, expected, atol=0.51 * step + 1e-6)
    with pytest.raises(FileExistsError):
        color.save(path)
    color.save(path, overwrite=True)
    with pytest.raises(ValueError, match="suffix must be one of"):
        color.save(tmp_path / "sharp.psd")


def test_a_photograph_is_saved_with_its_metadata(tmp_path: Path, rng: np.random.Generator) -> None:
    blurred = photo.Photo(rng.random((40, 40, 3)).astype(np.float32), -1, dtype=np.dtype(np.uint16), icc=b"profile" * 9)
    result = deblur.restore_photo(blurred, psf.gaussian((1, 1)), method="wiener")
    result.save(tmp_path / "sharp.tif")
    found = photo.read(tmp_path / "sharp.tif")
    assert (found.icc, found.dtype) == (blurred.icc, blurred.dtype)
    assert result.photo is not None
    np.testing.assert_array_equal(result.photo.pixels, result.image)


def test_quality_and_compression_are_those_of_the_file(tmp_path: Path, color: Restoration) -> None:
    color.save(tmp_path / "best.jpg")
    color.save(tmp_path / "small.jpg", quality=20)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "best.jpg").stat().st_size
    color.save(tmp_path / "plain.tif")
    color.save(tmp_path / "packed.tif", compression="deflate")
    assert (tmp_path / "packed.tif").stat().st_size < (tmp_path / "plain.tif").stat().st_size
    with pytest.raises(ValueError, match="quality must be"):
        color.save(tmp_path / "bad.jpg", quality=0)
    with pytest.raises(ValueError, match="compression must be"):
        color.save(tmp_path / "bad.tif", compression="zip")
    assert not list(tmp_path.glob("bad*"))
    assert not color.is_copy(tmp_path / "best.jpg")
