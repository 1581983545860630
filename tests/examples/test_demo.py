"""The demonstration: the motion that it estimates, and the pictures that it writes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from deblur import nonblind, photo, psf
from deblur._examples import demo as _demo
from deblur._examples.demo import run
from deblur._examples.pictures import blur_photo, visible_part
from deblur.operators import Convolution


def test_the_demo_restores_and_reports_what_the_files_show(tmp_path: Path) -> None:
    clock, cat = run(tmp_path / "new" / "folder")

    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        *(f"{name}-{part}.png" for name in ("cat", "clock") for part in ("after", "before", "psf")),
        "demo.png",
    ]
    assert photo.read(cat.files["comparison"]).pixels.shape[1] <= 900
    assert all(result.story and result.seconds > 0 for result in (clock, cat))

    # The estimated motion explains the picture: blurred again, the result matches the photograph.
    assert clock.quality == {}
    before, after = (photo.to_linear(photo.read(clock.files[part]).pixels) for part in ("before", "after"))
    found = psf.normalize(psf.load(clock.files["psf"]))
    again = Convolution(found, after.shape, "valid")(after.astype(np.float64))
    (top, left), (height, width) = ((size // 2 for size in found.shape), again.shape)
    misfit = np.std(again - before[top : top + height, left : left + width])
    assert misfit < 2 * nonblind.estimate_noise(before)
    assert np.abs(np.diff(after)).max() > 3 * np.abs(np.diff(before)).max()

    assert cat.quality["restored"]["psnr"] > cat.quality["blurred"]["psnr"] + 6
    assert cat.quality["restored"]["psnr_inside"] > cat.quality["blurred"]["psnr_inside"] + 6
    assert cat.quality["restored"]["ssim"] > cat.quality["blurred"]["ssim"] + 0.25
    scene = data.cat() / 255
    for name, part in (("blurred", "before"), ("restored", "after")):
        pixels = photo.read(cat.files[part]).pixels
        top, left = ((whole - part) // 2 for whole, part in zip(scene.shape, pixels.shape[:2], strict=False))
        truth = scene[top : top + pixels.shape[0], left : left + pixels.shape[1]]
        psnr = -10 * math.log10(np.mean((truth - pixels) ** 2))
        assert psnr == pytest.approx(cat.quality[name]["psnr"], abs=0.02)


def test_photographs_are_blurred_in_linear_light_and_cropped_like_their_truth() -> None:
    scene = np.random.default_rng(0).random((20, 24, 3))
    point = np.pad([[1.0]], ((3, 2), (2, 1)))  # no blur: a point at the center k//2 of even sides
    blurred = blur_photo(scene, point, noise_level=0, seed=0)
    np.testing.assert_allclose(blurred, visible_part(scene, point), atol=1e-6)
    gray = blur_photo(np.tile([0.0, 1.0], (4, 3)), np.full((1, 2), 0.5), noise_level=0, seed=0)
    np.testing.assert_allclose(photo.to_linear(gray), 0.5, atol=1e-6)
    noisy = blur_photo(np.full((64, 64), 0.5), point, noise_level=0.01, seed=1)
    assert np.std(noisy) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("name", ["clock-before.png", "cat-psf.png", "demo.png"])
def test_an_existing_file_is_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=name):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"mine"


def test_existing_files_are_replaced_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_demo, "_restore", lambda case: case.before)
    for name in ("clock-before.png", "cat-psf.png", "demo.png"):
        (tmp_path / name).write_bytes(b"old")
    for result in run(tmp_path, overwrite=True):
        assert all(path.read_bytes().startswith(b"\x89PNG") for path in result.files.values())


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        run(tmp_path / "file" / "folder")


def test_the_comparison_shows_what_it_is_given() -> None:
    case = _demo._moving_clock()
    black, white = (np.full_like(case.before, value) for value in (0, 1))
    drawn = _demo._side_by_side(replace(case, before=black), white, {})
    height = _demo._PANEL[0]
    left, right = drawn[-_demo._MARGIN - height : -_demo._MARGIN].reshape(height, 2, -1, 3).swapaxes(0, 1)
    assert (right == 1).all()
    assert np.median(left) == 0
    assert (left == 1).any()  # the PSF is drawn over it
