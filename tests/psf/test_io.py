from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import pytest
import tifffile
import torch

from deblur import psf
from deblur._core.png import SIGNATURE, chunk

SHAKE = psf.camera_shake(15, seed=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(7,), (3, 5), (4, 3, 3), (2, 5, 4)])
def test_npy_is_exact(tmp_path, shape, dtype):
    kernel = np.random.default_rng(0).random(shape).astype(dtype)
    psf.save(tmp_path / "k.npy", kernel)
    loaded = psf.load(tmp_path / "k.npy")
    assert loaded.dtype == dtype
    np.testing.assert_array_equal(loaded, kernel)


@pytest.mark.parametrize("suffix", [".tif", ".TIFF"])
@pytest.mark.parametrize("shape", [(1, 5), (3, 5), (5, 3), (5, 6, 3), (4, 4, 4), (1, 5, 5), (3, 1, 1)])
def test_tiff_keeps_float32_values_and_shape(tmp_path, shape, suffix):
    kernel = np.random.default_rng(0).random(shape)
    psf.save(tmp_path / f"k{suffix}", kernel)
    loaded = psf.load(tmp_path / f"k{suffix}")
    assert loaded.dtype == np.float32
    np.testing.assert_array_equal(loaded, kernel.astype(np.float32))


def test_png_is_16_bit_gray_with_white_maximum(tmp_path):
    psf.save(tmp_path / "k.png", SHAKE)
    stored = cv2.imread(str(tmp_path / "k.png"), cv2.IMREAD_UNCHANGED)
    assert stored.dtype == np.uint16
    assert stored.shape == SHAKE.shape
    assert stored.max() == 65535
    loaded = psf.load(tmp_path / "k.png")
    assert loaded.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(loaded, SHAKE, atol=SHAKE.max() / 65535)


def test_tensors_are_saved(tmp_path):
    psf.save(tmp_path / "k.npy", torch.from_numpy(SHAKE).requires_grad_())
    np.testing.assert_array_equal(psf.load(tmp_path / "k.npy"), SHAKE)


def test_any_sum_is_kept_by_float_formats(tmp_path):
    for name in ("k.npy", "k.tif"):
        psf.save(tmp_path / name, 3.5 * SHAKE)
        assert psf.load(tmp_path / name).sum() == pytest.approx(3.5, rel=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, bool])
def test_whole_numbers_are_scaled_to_sum_one(tmp_path, dtype):
    kernel = np.array([[0, 1, 0], [1, 1, 1]], dtype=dtype)
    np.save(tmp_path / "k.npy", kernel)
    np.testing.assert_allclose(psf.load(tmp_path / "k.npy"), kernel / 4)
    if dtype is not bool:
        tifffile.imwrite(tmp_path / "k.tif", kernel)
        np.testing.assert_allclose(psf.load(tmp_path / "k.tif"), kernel / 4)


def test_half_precision_becomes_float64(tmp_path):
    np.save(tmp_path / "k.npy", np.ones((2, 2), dtype=np.float16))
    assert psf.load(tmp_path / "k.npy").dtype == np.float64


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pictures_with_equal_channels_are_gray(tmp_path, suffix):
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    opaque = np.full_like(gray, 255)
    for channels in ([gray] * 3, [gray] * 3 + [opaque]):
        write(tmp_path / f"k{suffix}", np.stack(channels, axis=-1))
        np.testing.assert_allclose(psf.load(tmp_path / f"k{suffix}"), gray / gray.sum())


def test_separate_color_planes_are_channels_too(tmp_path):
    plane = np.arange(12, dtype=np.uint8).reshape(3, 4)
    tifffile.imwrite(tmp_path / "k.tif", np.stack([plane] * 3), photometric="rgb", planarconfig="separate")
    assert psf.load(tmp_path / "k.tif").shape == (3, 4)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_color_and_transparency_are_refused(tmp_path, suffix):
    gray = np.arange(12, dtype=np.uint8).reshape(3, 4)
    path = tmp_path / f"k{suffix}"
    write(path, np.stack([gray, gray, gray + 1], axis=-1))
    with pytest.raises(ValueError, match="a PSF is gray, got 3 channels that differ"):
        psf.load(path)
    write(path, np.stack([gray] * 4, axis=-1))
    with pytest.raises(ValueError, match="no transparency"):
        psf.load(path)


def write(path: Path, picture: np.ndarray) -> None:
    if path.suffix == ".png":
        assert cv2.imwrite(str(path), picture)
    else:
        tifffile.imwrite(path, picture, photometric="rgb")


@pytest.mark.parametrize("name", ["k.npy", "k.tif", "k.png"])
def test_existing_files_are_kept_unless_asked(tmp_path, name):
    psf.save(tmp_path / name, psf.disk(2))
    before = (tmp_path / name).read_bytes()
    with pytest.raises(FileExistsError):
        psf.save(tmp_path / name, SHAKE)
    assert (tmp_path / name).read_bytes() == before
    psf.save(tmp_path / name, SHAKE, overwrite=True)
    assert psf.load(tmp_path / name).shape == SHAKE.shape
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(file: BinaryIO, values: np.ndarray) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        psf.save(tmp_path / "k.npy", SHAKE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["k.npy", "k.tif", "k.png"])
@pytest.mark.parametrize("damage", [lambda data: b"", lambda data: data[: len(data) // 3], lambda data: b"?" * 200])
def test_damaged_files_are_named(tmp_path, name, damage):
    path = tmp_path / name
    psf.save(path, psf.gaussian(3))
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=name) as caught:
        psf.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["k.npy", "k.tif", "k.png"])
def test_missing_files_and_folders_are_the_systems_errors(tmp_path, name):
    with pytest.raises(FileNotFoundError):
        psf.load(tmp_path / name)
    (tmp_path / name).mkdir()
    with pytest.raises(IsADirectoryError):
        psf.load(tmp_path / name)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((3, 3)), "all zero"),
        (np.array([[1.0, np.nan]]), "finite"),
        (np.array([[1.0, -1.0]]), "negative"),
        (np.ones((1, 1, 1, 1)), "1 to 3 axes"),
        (np.array(1.0), "1 to 3 axes"),
        (np.ones((0, 2)), "empty"),
        (np.array(["a"]), "numeric"),
        (np.array([1j]), "real"),
        (np.array([None]), "not a readable .npy"),
    ],
)
def test_files_that_hold_no_psf_are_refused(tmp_path, values, words):
    np.save(tmp_path / "k.npy", values)
    with pytest.raises(ValueError, match=words) as caught:
        psf.load(tmp_path / "k.npy")
    assert "k.npy" in str(caught.value)


def test_an_archive_is_refused(tmp_path):
    np.savez(tmp_path / "k.npz", a=SHAKE)
    (tmp_path / "k.npz").rename(tmp_path / "k.npy")
    with pytest.raises(ValueError, match=r"k.npy: not a readable .npy file"):
        psf.load(tmp_path / "k.npy")


def test_suffixes_may_be_upper_case(tmp_path):
    for name in ("K.NPY", "K.TIF", "K.PNG"):
        psf.save(tmp_path / name, SHAKE)
        np.testing.assert_allclose(psf.load(tmp_path / name), SHAKE, atol=1e-5)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize(
    ("name", "kernel", "words"),
    [
        ("k.jpg", SHAKE, "is written to .npy, .tif, .tiff or .png, got '.jpg'"),
        ("k", SHAKE, "got 'no suffix'"),
        ("k.npy", np.zeros(3), "all zero"),
        ("k.png", np.ones(3), "psf must have 2 axes for a .png file, got shape \\(3,\\)"),
        ("k.png", np.ones((3, 3, 3)), "psf must have 2 axes for a .png"),
        ("k.tif", np.ones(3), "psf must have 2 or 3 axes for a .tif"),
        ("k.npy", np.ones((1, 1, 1, 1)), "1 or 2 or 3 axes"),
    ],
)
def test_what_cannot_be_saved_is_refused(tmp_path, name, kernel, words):
    with pytest.raises(ValueError, match=words):
        psf.save(tmp_path / name, kernel)
    assert list(tmp_path.iterdir()) == []


def test_files_of_other_kinds_are_refused(tmp_path):
    for name in ("k.webp", "k"):
        with pytest.raises(ValueError, match=r"a PSF file ends in \.npy, .* or \.tsv, got '(\.webp|no suffix)'"):
            psf.load(tmp_path / name)


def test_importing_psf_loads_no_image_library():
    import subprocess
    import sys

    code = (
        "import sys, deblur.psf; deblur.psf.gaussian; print({'cv2', 'tifffile', 'torch', 'skimage'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"


def test_pixels_that_spell_the_name_of_a_chunk(tmp_path):
    rows = b"".join(b"\0" + b"IEND" for _ in range(4))  # no filter, no compression
    header = struct.pack(">LLBBBBB", 4, 4, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows, 0)), chunk(b"IEND", b""))
    (tmp_path / "psf.png").write_bytes(SIGNATURE + b"".join(parts))
    np.testing.assert_allclose(psf.load(tmp_path / "psf.png") * 4 * sum(b"IEND"), [list(b"IEND")] * 4)
