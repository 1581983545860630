"""`deblur restore` without a PSF, and `deblur psf estimate`."""

import json
from pathlib import Path

import numpy as np
import pytest
from skimage.data import camera

import deblur
from deblur import photo, psf
from deblur.blind import SELFDEBLUR_PRESETS, SelfDeblurSettings
from deblur.cli import _restore
from deblur.cli._files import Output
from deblur.photo import Photo

from .conftest import Run

SIZE = ["--psf-size", "13"]


@pytest.fixture
def folder(tmp_path: Path, blurred: np.ndarray) -> Path:
    """A folder with a blurred picture, and a flat one."""
    photo.write(tmp_path / "shaken.png", Photo(blurred, -1, dtype=np.dtype("uint8")))
    photo.write(tmp_path / "flat.png", Photo(np.full((48, 40), 0.5), dtype=np.dtype("uint8")))
    return tmp_path


def test_it_does_what_the_library_does_with_the_values_of_the_file(run: Run, folder: Path) -> None:
    done = run("restore", "shaken.png", *SIZE, "--save-psf", "found.tif", "--json", cwd=folder)
    (result,) = json.loads(done.stdout)
    before = photo.read(folder / "shaken.png")
    expected = deblur.restore_photo(before, psf_shape=13)
    after = photo.read(folder / "shaken-restored.png").pixels
    np.testing.assert_allclose(after, expected.image.clip(0, 1), atol=0.01)
    np.testing.assert_allclose(psf.load(folder / "found.tif"), expected.psf, atol=1e-4)
    assert (result["method"], result["blur"]) == ("blind", "shake")
    assert result["linear"] is expected.details["linear"]
    assert result["confidence"] == pytest.approx(expected.confidence, abs=0.01)
    assert result["reason"] == expected.reason
    assert tuple(result["psf_shape"]) == expected.psf.shape


def test_the_line_has_the_confidence_in_a_word_and_the_json_its_value(run: Run, folder: Path) -> None:
    done = run("restore", "shaken.png", *SIZE, "--json", "-v", cwd=folder)
    (result,) = json.loads(done.stdout)
    line, *decisions = done.stderr.splitlines()
    assert line.startswith("shaken.png -> shaken-restored.png (blind, PSF ")
    assert f", confidence {result['certainty']}, " in line
    assert result["certainty"] in ("high", "medium", "low")
    assert f"  confidence: {result['confidence']:.3g}" in decisions


def test_a_flat_picture_is_copied_and_the_line_says_why_and_what_to_try(run: Run, folder: Path) -> None:
    same = (folder / "flat.png").read_bytes() + bytes(9)  # which no encoder would write again
    (folder / "flat.png").write_bytes(same)
    done = run("restore", "flat.png", "--json", cwd=folder)
    (result,) = json.loads(done.stdout)
    assert (result["changed"], result["confidence"], result["certainty"]) == (False, 0, None)
    line = done.stderr
    assert line.startswith("flat.png -> flat-restored.png (left as it was, ")
    assert line.endswith(" s): the picture is flat: it shows no edges to estimate a blur from\n")
    assert (result["next_step"], result["next_steps"]) == ("", [])  # for nothing would help
    assert (folder / "flat-restored.png").read_bytes() == same


@pytest.mark.parametrize(
    ("method", "first"),
    [
        ("blind", "--blur shake for a shake of the camera"),
        ("defocus", "--blur shake for a shake of the camera or --blur motion for a straight motion"),
    ],
)
def test_a_sharp_picture_comes_with_a_next_step(run: Run, tmp_path: Path, method: str, first: str) -> None:
    photo.write(tmp_path / "sharp.png", Photo(camera()[::2, ::2] / 255, dtype=np.dtype("uint8")))
    line = run("restore", "sharp.png", "--method", method, cwd=tmp_path).stdout
    assert "sharp.png -> sharp-restored.png (left as it was, " in line
    assert line.endswith(f"; if it is blurred, try {first}\n")


@pytest.mark.parametrize("method", ["blind", "sparse-edges", "defocus"])
def test_for_noise_nothing_is_offered(run: Run, tmp_path: Path, method: str) -> None:
    noise = np.random.default_rng(0).normal(0.5, 0.1, (130, 130))
    photo.write(tmp_path / "noise.png", Photo(noise.clip(0, 1), dtype=np.dtype("uint8")))
    line = run("restore", "noise.png", "--method", method, cwd=tmp_path).stdout
    assert line.endswith(": the picture shows nothing but noise\n")


def test_what_became_of_several_pictures_is_summed_up(run: Run, folder: Path) -> None:
    (folder / "bad.png").write_bytes(b"no picture")
    done = run("restore", "flat.png", "shaken.png", "bad.png", *SIZE, "--log", "all.jsonl", code=1, cwd=folder)
    assert done.stderr.endswith("deblur: 1 restored, 1 unchanged, 1 failed\n")
    logged = [json.loads(line) for line in (folder / "all.jsonl").read_text().splitlines()]
    assert [record.get("changed") for record in logged] == [False, True, None]
    assert run("restore", "flat.png", "--force", cwd=folder).stderr == ""


def test_another_method_with_the_estimated_psf(run: Run, folder: Path) -> None:
    done = run("restore", "shaken.png", *SIZE, "--method", "wiener", "--json", cwd=folder)
    (result,) = json.loads(done.stdout)
    assert result["method"] == "wiener"
    assert "confidence" in result


def test_selfdeblur_starts_from_the_fast_estimate(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # In this process, where the preset can be replaced: the real one takes a minute.
    tiny = SelfDeblurSettings(num_iter=(9, 3), width=8, across=2, depth=3)
    monkeypatch.setitem(SELFDEBLUR_PRESETS, "fast", tiny)
    settings = _restore.Settings.parse("selfdeblur", "auto", None, None, "13")
    sources = [folder / "flat.png", folder / "shaken.png"]
    assert _restore.restore_files(sources, None, settings, Output(as_json=True)) == 0
    nothing, result = json.loads(capsys.readouterr().out)
    assert (nothing["method"], nothing["confidence"]) == ("selfdeblur", 0)
    assert result["method"] == "selfdeblur"
    assert max(result["psf_shape"]) <= 13
    pixels = photo.read(folder / "shaken.png").pixels
    steps: list[tuple[float, str]] = []
    alone = deblur.restore(
        pixels, method="selfdeblur", psf_shape=13, channel_axis=-1, progress=lambda *step: steps.append(step)
    )
    np.testing.assert_allclose(photo.read(result["output"]).pixels, alone.image.clip(0, 1), atol=0.01)
    assert steps[-2] == (1.0, "fitting two networks")
    assert [part for part, _ in steps] == sorted(part for part, _ in steps)
    assert alone.confidence <= deblur.blind.sparse_edges(pixels, 13, channel_axis=-1).confidence
    assert sum(what == "fitting two networks" for _, what in steps) == 3
    with pytest.raises(ValueError, match="leave psf out"):
        deblur.restore(pixels, alone.psf, method="selfdeblur", channel_axis=-1)


def test_the_pages_of_a_stack_have_a_blur_each(run: Run, folder: Path, blurred: np.ndarray) -> None:
    photo.write(folder / "stack.tif", Photo(blurred[..., 0][None].repeat(2, 0), dtype=np.dtype("float32")))
    run("restore", "stack.tif", *SIZE, cwd=folder)
    pages = photo.read(folder / "stack-restored.tif").pixels
    np.testing.assert_array_equal(pages[0], pages[1])
    assert "one page" in run("restore", "stack.tif", "--save-psf", "a.npy", "--force", code=2, cwd=folder).stderr


def test_no_kernel_is_drawn_where_no_blur_is_found(run: Run, folder: Path) -> None:
    done = run("psf", "estimate", "flat.png", "-o", "psf.tif", cwd=folder)
    first, reason = done.stdout.splitlines()
    assert first.startswith("psf.tif: no blur was found, ")
    assert reason.startswith("flat.png: the picture is flat")
    assert psf.load(folder / "psf.tif").max() == 1


def test_the_kernel_alone_with_a_picture(run: Run, folder: Path) -> None:
    done = run("psf", "estimate", "shaken.png", "-o", "psf.tif", *SIZE, cwd=folder)
    found = psf.load(folder / "psf.tif")
    assert found.sum() == pytest.approx(1, abs=1e-5)
    first, *drawing = done.stdout.splitlines()
    assert first.startswith(f"psf.tif: {found.shape[0]} x {found.shape[1]} pixels, confidence ")
    assert len(drawing) >= found.shape[0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["restore", "shaken.png", "--psf-size", "8"], "--psf-size must be odd"),
        (["restore", "shaken.png", "--psf-size", "1"], "--psf-size must be odd"),
        (["restore", "shaken.png", "--psf-size", "large"], "--psf-size must be auto"),
        (["restore", "shaken.png", "--psf-size", "9x9x9"], "--psf-size must be auto"),
        (["restore", "shaken.png", "--psf-size", "101"], "half the picture"),
        (["restore", "shaken.png", "--psf-size", "9", "--psf", "disk:radius=2"], "leave --psf out"),
        (["restore", "shaken.png", "--method", "selfdeblur", "--psf", "disk:radius=2"], "leave --psf out"),
        (["restore", "shaken.png", "--save-psf", "a.tif", "--psf", "disk:radius=2"], "leave --psf out"),
        (["restore", "shaken.png", "--save-psf", "a.jpg"], "a.jpg"),
        (["restore", "shaken.png", "--save-psf", "missing/a.tif"], "missing"),
        (["restore", "shaken.png", "--save-psf", "flat.png"], "--force"),
        (["restore", "shaken.png", "flat.png", "--save-psf", "a.tif", "-o", "out"], "several pictures"),
        (["psf", "estimate", "shaken.png", "-o", "a.jpg"], "a.jpg"),
        (["psf", "estimate", "shaken.png", "-o", "flat.png"], "--force"),
        (["psf", "estimate", "missing.png", "-o", "a.tif"], "missing.png"),
        (["psf", "estimate", "shaken.png"], "--output"),
    ],
)
def test_bad_input_is_one_line(run: Run, folder: Path, arguments: list[str], named: str) -> None:
    before = {path.name for path in folder.iterdir()}
    done = run(*arguments, code=2, cwd=folder)
    assert done.stderr.startswith("deblur: ")
    assert done.stderr.count("\n") == 1
    assert named in done.stderr
    assert {path.name for path in folder.iterdir()} == before
