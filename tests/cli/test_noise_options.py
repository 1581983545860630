"""Options for noise, masks and counts: how they are read, and what is refused with a hint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deblur import photo
from deblur.cli._noise import parse_background, parse_noise_level, read_bad_pixels, read_mask, remark_on
from deblur.cli._settings import Data, Settings
from deblur.photo import Photo

from .conftest import Run

QUICK = ("--psf", "disk:radius=1", "--method", "wiener")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", None),
        ("0", 0.0),
        ("0.02", 0.02),
        ("5%", 0.05),
        ("5 %", 0.05),
        (" .5 ", 0.5),
        ("0.5%", 0.005),
        ("iso:800", "iso:800"),
        ("ISO:102400", "iso:102400"),
    ],
)
def test_noise_levels(text: str, expected: object) -> None:
    assert parse_noise_level(text) == (pytest.approx(expected) if isinstance(expected, float) else expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("5", "--noise-level 5 is more than half of the full range, which is 1; 5% is 0.05"),
        ("1.5", "1.5% is 0.015"),
        ("1", "1% is 0.01"),
        ("0.51", "--noise-level 0.51 is more than half of the full range, which is 1"),
        ("60%", "--noise-level 60% is more than half of the full range"),
        ("-1%", "--noise-level must be auto, a fraction"),
        ("%", "a percentage such as 2%"),
        ("low", "iso:800 or a .json file, got 'low'"),
        ("nan", "--noise-level must be auto"),
        ("iso:", "--noise-level iso: takes the sensitivity of the camera, as iso:800"),
        ("iso:0", "as iso:800"),
        ("iso:-100", "as iso:800"),
        ("iso:fast", "got 'iso:fast'"),
        ("missing.json", "--noise-level missing.json: No such file"),
    ],
)
def test_noise_levels_that_are_refused(run: Run, text: str, message: str) -> None:
    done = run("restore", "a.png", *QUICK, f"--noise-level={text}", code=2)
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_counts_have_noise_of_any_size() -> None:
    assert parse_noise_level("30", counts=True) == 30
    with pytest.raises(ValueError, match="more than half"):
        parse_noise_level("80%", counts=True)


def test_the_noise_of_a_camera(tmp_path: Path) -> None:
    path = tmp_path / "camera.json"
    path.write_text('{"gain": 0.5, "read_noise": 3}')
    assert parse_noise_level(str(path)) == {"gain": 0.5, "read_noise": 3}
    for text, message in (("{", "is not JSON"), ("[1]", "must hold a JSON object"), ("\xff", "is not JSON")):
        path.write_text(text, encoding="latin-1")
        with pytest.raises(ValueError, match=message):
            parse_noise_level(str(path))


def test_a_high_level_is_remarked_and_done(run: Run, tmp_path: Path) -> None:
    assert remark_on(0.2) == remark_on("iso:800") == remark_on(None) == ""
    photo.write(tmp_path / "a.png", Photo(np.random.default_rng(0).random((24, 30))))
    done = run("restore", "a.png", *QUICK, "--noise-level", "30%")
    assert done.stderr == (
        "deblur: a noise level of 0.3 is 30% of the full range: more than nearly every picture has\n"
    )
    assert (tmp_path / "a-restored.png").exists()


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
        (["--gain", "0"], "--gain must be positive, got 0"),
        (["--gain", "nan"], "--gain must be positive, got nan"),
        (["--gain", "much"], "--gain"),
        (["--read-noise", "-1"], "--read-noise must be a number that is not negative, got -1"),
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


def test_what_is_given_reaches_the_library() -> None:
    data = Data.parse("counts", None, "auto", "50.5", 2.0, 0.0)
    expected: dict[str, Any] = {
        "kind": "counts", "bad_pixels": "auto", "background": 50.5, "gain": 2.0, "read_noise": 0.0
    }  # fmt: skip
    settings = Settings.parse("auto", "iso:800", None, None, data=data)
    assert settings.options().items() >= (expected | {"noise_level": "iso:800"}).items()
    assert "kind" not in Settings.parse("auto", "auto", None, None).options()
    assert (parse_background("auto"), parse_background(None), parse_background("-3")) == ("auto", None, -3.0)
    json.dumps(settings.options())
