"""Options for noise, masks and counts: how they are read, and what is refused with a hint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

import deblur
from deblur import photo, psf
from deblur.cli._errors import in_options
from deblur.cli._noise import parse_background, parse_noise, read_bad_pixels, read_mask
from deblur.cli._settings import Data, Settings
from deblur.photo import Photo

from .conftest import Run

QUICK = ("--psf", "disk:radius=1", "--method", "wiener")


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("0.02", 0.02),
        ("5%", 0.05),
        ("5 %", 0.05),
        (" .5 ", 0.5),
        ("0.5%", 0.005),
        ("30%", 0.3),
    ],
)
def test_noise_levels(run: Run, cat: Path, text: str, level: float) -> None:
    done = run("restore", "cat.png", *QUICK, f"--noise-level={text}", "--json")
    (result,) = json.loads(done.stdout)
    assert (result["noise_level"], result["noise_source"]) == (pytest.approx(level), "as given")
    assert ("a noise level of 0.3 is more than photographs have" in done.stderr) == (level == 0.3)
    assert parse_noise(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "--noise-level is a fraction of the full range, at most 0.5, got 5; 5% is 0.05"),
        ("1.5", "1.5% is 0.015"),
        ("1", "1% is 0.01"),
        ("150%", "--noise-level is a fraction of the full range"),
        ("-1%", "--noise-level must be a number that is not negative, got '-1%'"),
        ("-0.1", "--noise-level must be a number that is not negative"),
        ("%", "--noise-level must be auto, a number, a percentage, iso:N or a .json file, got '%'"),
        ("low", "got 'low'"),
        ("nan", "--noise-level must be"),
        ("iso:", "--noise-level must be like iso:800"),
        ("iso:0", "an ISO speed is 25 to 4000000, got 0"),
        ("iso:fast", "got 'iso:fast'"),
        ("missing.json", "missing.json"),
    ],
)
def test_noise_levels_that_are_refused(run: Run, cat: Path, text: str, message: str) -> None:
    done = run("restore", "cat.png", *QUICK, f"--noise-level={text}", code=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert [path.name for path in cat.iterdir()] == ["cat.png"]


def test_the_noise_of_a_camera(run: Run, cat: Path) -> None:
    (cat / "camera.json").write_text('{"white": 0.01, "shot": 0.001}')
    (by_table,) = json.loads(run("restore", "cat.png", *QUICK, "--noise-level", "camera.json", "--json").stdout)
    assert by_table["noise_source"] == "table camera.json"
    (by_iso,) = json.loads(run("restore", "cat.png", *QUICK, "--noise-level", "ISO:800", "--json", "--force").stdout)
    assert by_iso["noise_source"] == "typical of ISO 800"
    assert by_iso["noise_level"] != by_table["noise_level"]
    for text in ("{", "[1]", '{"read": 1}', "\xff"):
        (cat / "camera.json").write_text(text, encoding="latin-1")
        error = run("restore", "cat.png", *QUICK, "--noise-level", "camera.json", "--force", code=2).stderr
        assert error.count("\n") == 1
        assert "internal error" not in error


def test_floating_counts_have_noise_of_any_size(run: Run, tmp_path: Path) -> None:
    counts = np.random.default_rng(0).normal(5000, 30, (40, 44)).astype(np.float32)
    photo.write(tmp_path / "counts.tif", Photo(counts, dtype=np.dtype(np.float32)))
    (result,) = json.loads(run("restore", "counts.tif", *QUICK, "--noise-level", "30", "--json").stdout)
    assert result["noise_level"] == 30


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("gain must be positive", "--gain must be positive"),
        (
            "noise_level goes with neither gain nor read_noise",
            "--noise-level goes with neither --gain nor --read-noise",
        ),
        ("psf_shape must be odd", "--psf-size must be odd"),
        ("the contrast gained", "the contrast gained"),
    ],
)
def test_messages_name_options(message: str, expected: str) -> None:
    assert in_options(message) == expected


@pytest.fixture
def cat(tmp_path: Path, blurred: np.ndarray) -> Path:
    """A folder with a blurred photograph, 120 x 100."""
    photo.write(tmp_path / "cat.png", Photo(blurred, -1, dtype=np.dtype(np.uint16)))
    return tmp_path


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Masks of several kinds: the left half is left out."""
    left = np.ones((24, 30))
    left[:, :15] = 0
    photo.write(tmp_path / "gray.png", Photo(left))
    photo.write(tmp_path / "float.tif", Photo(left.astype(np.float32), dtype=np.dtype(np.float32)))
    photo.write(tmp_path / "ones.png", Photo(left / 255))  # 0 and 1 of 255
    photo.write(tmp_path / "colors.png", Photo(np.stack([left] * 3, -1), -1))
    photo.write(tmp_path / "black.png", Photo(0 * left))
    photo.write(tmp_path / "white.png", Photo(0 * left + 1))
    photo.write(tmp_path / "red.png", Photo(np.stack([left, 0 * left, 0 * left], -1), -1))
    photo.write(tmp_path / "large.tif", Photo((200 * left).astype(np.float32), dtype=np.dtype(np.float32)))
    photo.write(tmp_path / "nan.tif", Photo(np.where(left, np.nan, 1).astype(np.float32), dtype=np.dtype(np.float32)))
    (tmp_path / "text.png").write_text("not a picture")
    return tmp_path


@pytest.mark.parametrize("name", ["gray.png", "float.tif", "ones.png", "colors.png"])
def test_masks(masks: Path, name: str) -> None:
    expected = np.tile(np.arange(30) >= 15, (24, 1))
    np.testing.assert_array_equal(read_mask(masks / name), expected)
    np.testing.assert_array_equal(read_bad_pixels(str(masks / name)), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--mask", "black.png"], "--mask black.png is black all over"),
        (["--bad-pixels", "white.png"], "--bad-pixels white.png is white all over"),
        (["--mask", "red.png"], "--mask red.png is in color; it must be a gray picture"),
        (["--mask", "large.tif"], "--mask large.tif must have values from 0 (black) to 1 (white)"),
        (["--mask", "nan.tif"], "--mask nan.tif must have values"),
        (["--mask", "text.png"], "cannot read text.png"),
        (["--mask", "missing.png"], "--mask missing.png: No such file"),
        (["--mask", ""], "it is empty"),
        (["--bad-pixels", "missing.png"], "--bad-pixels missing.png: No such file"),
        (["--background", "dark"], "--background must be auto or a number in the unit of the file, got 'dark'"),
        (["--background", "inf"], "--background must be auto"),
        (["--gain", "0"], "--gain must be positive, in electrons per count"),
        (["--gain", "nan"], "--gain must be a number that is not negative, got nan"),
        (["--gain", "much"], "--gain"),
        (["--gain", "1", "--read-noise", "-1"], "--read-noise must be a number that is not negative, got -1"),
        (["--gain", "1", "--noise-level", "1%"], "--noise-level goes with neither --gain nor --read-noise"),
        (["--kind", "picture"], "--kind must be photo or counts, got 'picture'"),
    ],
)
def test_bad_options_are_one_line(run: Run, masks: Path, arguments: list[str], message: str) -> None:
    before = set(masks.iterdir())
    done = run("restore", "gray.png", *QUICK, *arguments, code=2)
    assert done.stderr.startswith("deblur: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert set(masks.iterdir()) == before


def test_a_mask_does_what_it_does_in_the_library(run: Run, cat: Path) -> None:
    used = np.ones((120, 100))
    used[:40] = 0
    photo.write(cat / "mask.png", Photo(used))
    done = run("restore", "cat.png", *QUICK, "--mask", "mask.png", "--json", "-v")
    (result,) = json.loads(done.stdout)
    assert result["mask"] == {"masked": pytest.approx(1 / 3)}
    assert "left out, in percent: masked 33.3" in done.stderr
    before, after = (photo.read(cat / name).pixels for name in ("cat.png", "cat-restored.png"))
    np.testing.assert_array_equal(after[:40], before[:40])
    expected = deblur.restore_photo(cat / "cat.png", psf.disk(1), method="wiener", mask=used > 0).image
    np.testing.assert_allclose(after, expected.clip(0, 1), atol=1e-4)
    assert np.abs(after - before)[40:].mean() > 1e-3


def test_masks_that_do_not_fit(run: Run, cat: Path, masks: Path) -> None:
    before = set(cat.iterdir())
    for name, message in (
        ("gray.png", "cat.png: the mask must have the size of the picture, 120 x 100, got 24 x 30"),
        ("black.png", "--mask black.png is black all over, and leaves no pixel to restore"),
    ):
        error = run("restore", "cat.png", *QUICK, "--mask", name, code=2).stderr
        assert message in error
        assert error.count("\n") == 1
    assert set(cat.iterdir()) == before


def test_masks_of_stacks(run: Run, tmp_path: Path) -> None:
    cells = np.random.default_rng(0).integers(100, 200, (3, 24, 30), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "cells.ome.tif", cells, metadata={"axes": "TYX"})
    used = np.ones((24, 30))
    used[:, :15] = 0
    photo.write(tmp_path / "mask.png", Photo(used))
    run("restore", "cells.ome.tif", *QUICK, "--mask", "mask.png")
    after = tifffile.imread(tmp_path / "cells-restored.ome.tif")
    np.testing.assert_array_equal(after[..., :15], cells[..., :15])
    assert (after != cells)[..., 15:].mean() > 0.5
    photo.write(tmp_path / "small.png", Photo(used[:9]))
    error = run("restore", "cells.ome.tif", *QUICK, "--mask", "small.png", "--force", code=2).stderr
    assert "the mask must have the size of what is restored, 24 x 30, got 9 x 30" in error


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_left_out(run: Run, tmp_path: Path, blurred: np.ndarray, value: float) -> None:
    samples = np.where(np.random.default_rng(0).random(blurred.shape[:2]) < 0.1, value, blurred[..., 0])
    photo.write(tmp_path / "holes.tif", Photo(samples.astype(np.float32), dtype=np.dtype(np.float32)))
    (result,) = json.loads(run("restore", "holes.tif", *QUICK, "--json").stdout)
    assert result["mask"] == {"not finite": pytest.approx(np.mean(~np.isfinite(samples)))}
    after = photo.read(tmp_path / "holes-restored.tif").pixels
    np.testing.assert_array_equal(np.isfinite(after), np.isfinite(samples))


def test_counts(run: Run, tmp_path: Path) -> None:
    """The kind, bad pixels, background and noise of counts; the line says that they are counts."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(400, (64, 60)).astype(np.uint16)
    counts[30, 20] = 40000
    photo.write(tmp_path / "stars.png", Photo(counts / 65535, dtype=np.dtype(np.uint16)))
    bad = np.zeros((64, 60))
    bad[30, 20] = 1
    photo.write(tmp_path / "bad.png", Photo(bad))
    options = ["--psf", "gaussian:sigma=1", "--background", "300", "--gain", "2", "--read-noise", "3", "-v", "--json"]
    found = {}
    for name in ("auto", "bad.png"):
        done = run("restore", "stars.png", *options, "--bad-pixels", name, "--force")
        assert "(richardson-lucy, counts, " in done.stderr
        assert "  kind: counts (16-bit gray without a profile or camera data)\n" in done.stderr
        (found[name],) = json.loads(done.stdout)
        assert found[name]["mask"]["defective"] == pytest.approx(1 / 3840)
        assert found[name]["background"] == pytest.approx(300)
        assert found[name]["noise_source"] == "gain of the detector"
        assert photo.read(tmp_path / "stars-restored.png").pixels.max() < 2000 / 65535
    (as_photo,) = json.loads(run("restore", "stars.png", *options[:2], "--kind", "photo", "--json", "--force").stdout)
    assert (as_photo["kind"], as_photo["method"]) == ("photo", "unrolled")


def test_background_is_for_methods_for_counts(run: Run, cat: Path) -> None:
    error = run("restore", "cat.png", *QUICK, "--background", "3", code=2).stderr
    assert "background" in error
    assert error.count("\n") == 1


def test_what_is_given_reaches_the_library() -> None:
    data = Data.parse("counts", None, "auto", "50.5", 2.0, 0.0)
    expected: dict[str, Any] = {
        "kind": "counts", "bad_pixels": "auto", "background": 50.5, "gain": 2.0, "read_noise": 0.0
    }  # fmt: skip
    assert Settings.parse("auto", "auto", None, None, data=data).options().items() >= expected.items()
    assert "kind" not in Settings.parse("auto", "auto", None, None).options()
    assert (parse_background("auto"), parse_background(None), parse_background("-3")) == ("auto", None, -3.0)
