"""A photograph that is left as it is, is the same file again, byte for byte."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import deblur
from deblur import photo
from deblur.photo import Photo

FLAT = Photo(np.full((64, 60, 3), 0.5), -1)


@pytest.mark.parametrize("suffix", photo.SUFFIXES)
def test_every_format_is_copied(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"flat{suffix}"
    try:
        photo.write(source, FLAT)
    except (ValueError, ModuleNotFoundError) as error:
        pytest.skip(f"not written here: {error}")
    source.write_bytes(source.read_bytes() + bytes(9))  # which no encoder would write again
    result = deblur.restore_photo(source)
    assert not result.changed
    result.save(tmp_path / f"same{suffix.upper()}")
    assert (tmp_path / f"same{suffix.upper()}").read_bytes() == source.read_bytes()
    with pytest.raises(FileExistsError):
        result.save(source)
    result.save(source, overwrite=True)
    assert (tmp_path / f"same{suffix.upper()}").read_bytes() == source.read_bytes()


def test_names_of_one_format_are_one(tmp_path: Path) -> None:
    photo.write(tmp_path / "a.jpg", FLAT)
    photo.write(tmp_path / "a.tiff", FLAT)
    for source, target in (("a.jpg", "b.jpeg"), ("a.tiff", "b.tif")):
        deblur.restore_photo(tmp_path / source).save(tmp_path / target)
        assert (tmp_path / target).read_bytes() == (tmp_path / source).read_bytes()


def test_another_format_is_encoded(tmp_path: Path) -> None:
    photo.write(tmp_path / "a.jpg", FLAT)
    deblur.restore_photo(tmp_path / "a.jpg").save(tmp_path / "b.png")
    np.testing.assert_allclose(photo.read(tmp_path / "b.png").pixels, 0.5, atol=1 / 255)


def test_what_has_been_changed_is_not_the_file(tmp_path: Path) -> None:
    """A photograph that was changed after reading, and a file that was changed after it, are written as they are."""
    source = tmp_path / "a.png"
    photo.write(source, FLAT)
    opened = photo.read(source)
    darker = dataclasses.replace(opened, pixels=0.5 * opened.pixels)
    assert (opened.origin is not None, darker.origin) == (True, None)
    deblur.restore_photo(darker).save(tmp_path / "darker.png")
    np.testing.assert_allclose(photo.read(tmp_path / "darker.png").pixels, 0.25, atol=1 / 255)

    result = deblur.restore_photo(source)
    photo.write(source, darker, overwrite=True)
    result.save(tmp_path / "before.png")
    np.testing.assert_allclose(photo.read(tmp_path / "before.png").pixels, 0.5, atol=1 / 255)
    source.unlink()
    result.save(tmp_path / "gone.png")
    assert (tmp_path / "gone.png").read_bytes() == (tmp_path / "before.png").read_bytes()


def test_a_restored_photograph_is_no_copy(tmp_path: Path, rng: np.random.Generator) -> None:
    photo.write(tmp_path / "a.png", Photo(rng.random((64, 60))))
    result = deblur.restore_photo(tmp_path / "a.png", deblur.psf.disk(1), method="wiener")
    assert result.photo is not None
    assert result.photo.origin is None
