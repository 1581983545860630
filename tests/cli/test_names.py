"""Names of results: templates, formats, and what of them is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from deblur import photo
from deblur.cli._names import FIELDS, naming_for, split_name
from deblur.cli._sources import Source
from deblur.photo import Photo

from .conftest import Run
from .test_folders import tree

PSF = ("--psf", "disk:radius=1")
WIENER = (*PSF, "--method", "wiener")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one name, and a third."""
    rng = np.random.default_rng(0)
    for name in ("one/a.png", "two/a.png", "two/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        photo.write(tmp_path / name, Photo(rng.random((64, 60))))
    return tmp_path


def named(output: str | None, path: str, suffix: str | None = None, number: int = 1, method: str = "wiener") -> str:
    naming = naming_for(output, suffix, several=True, recursive=False)
    return naming.target(Source(Path(path)), number, method).as_posix()


@pytest.mark.parametrize(
    ("output", "path", "suffix", "expected"),
    [
        (None, "in/a.png", None, "in/a-restored.png"),
        (None, "in/a.PNG", ".png", "in/a-restored.PNG"),
        (None, "in/a.jpeg", ".jpg", "in/a-restored.jpg"),
        (None, "cells.ome.tif", None, "cells-restored.ome.tif"),
        (None, "cells.ome.tif", ".tif", "cells-restored.ome.tif"),
        (None, "cells.ome.tif", ".zarr", "cells-restored.ome.zarr"),
        (None, "cells.ome.tif", ".png", "cells-restored.png"),
        (None, "cells.ome.zarr", ".tif", "cells-restored.ome.tif"),
        ("out", "in/a.png", ".tif", "out/a-restored.tif"),
        ("sharp/{stem}-{method}{ext}", "in/a.png", None, "sharp/a-wiener.png"),
        ("sharp/{stem}-{method}{ext}", "in/cells.ome.tif", None, "sharp/cells-wiener.ome.tif"),
        ("{parent}/{n:03}{ext}", "in/a.png", ".jpg", "in/007.jpg"),
        ("{parent}/{n}{ext}", "/data/in/a.png", None, "/data/in/7.png"),
        ("sharp/{parent}/{stem}.png", "/data/in/a.jpg", None, "sharp/data/in/a.png"),
        ("sharp/{parent}/{stem}{ext}", "../in/a.jpg", None, "sharp/in/a.jpg"),
        ("sharp/{parent}/{stem}{ext}", "a.jpg", None, "sharp/a.jpg"),
        ("by-{method}/", "in/a.png", None, "by-wiener/a-restored.png"),
        ("{{{stem}}}{ext}", "{n}.png", None, "{{n}}.png"),
    ],
)
def test_names(output: str | None, path: str, suffix: str | None, expected: str) -> None:
    assert named(output, path, suffix, number=7) == expected


def test_parting_names() -> None:
    assert split_name("a.b.OME.tif") == ("a.b", ".OME.tif")
    assert split_name("a.b.tif") == ("a.b", ".tif")
    assert split_name(".ome.tif") == (".ome", ".tif")


@pytest.mark.parametrize(
    ("output", "arguments", "message"),
    [
        ("{stm}{ext}", [], "-o {stm}{ext}: {stm} is unknown; did you mean 'stem'? fields are {stem}, {ext}, {method}"),
        ("{}{ext}", [], "{} is unknown; fields are {stem}, "),
        ("{stem.__class__}{ext}", [], "{stem.__class__} is unknown"),
        ("{stem[0]}{ext}", [], "{stem[0]} is unknown"),
        ("{stem!r}{ext}", [], "{stem} takes no format"),
        ("{stem:>99999999}{ext}", [], "{stem} takes no format"),
        ("{n:99999999}{ext}", [], "{n} takes no format; only {n:03} does"),
        ("{stem{ext}", [], "-o {stem{ext}: "),
        ("{stem}}{ext}", [], "a brace is not closed"),
        ("{stem}", [], "has no suffix of a picture; end it in {ext}"),
        ("{stem}-sharp", [], "has no suffix of a picture"),
        ("{stem}.png", ["--format", "jpg"], "-o {stem}.png ends in .png, and --format says jpg; leave out one"),
        ("{method}{ext}", [], "would both be written to {method}.png; put {stem}, {parent} or {n} into the name"),
        ("out/{stem}{ext}", [], "one/a.png and two/a.png would both be written to out/a.png; put {stem}, {parent}"),
        ("out", [], "would both be written to out/a-restored.png; number the results, as with -o '{n}-{stem}.png'"),
        ("{{all}}.png", [], "would both be written to {all}.png"),
        ("all.png", [], "-o all.png is one file, and there are several pictures"),
        ("{parent}/{stem}{ext}", [], "one/a.png exists already; --force"),
        ("{parent}/b{ext}", ["--force"], "would both be written to two/b.jpg"),
    ],
)
def test_templates_that_are_refused(run: Run, folder: Path, output: str, arguments: list[str], message: str) -> None:
    before = tree(folder)
    pictures = ["two"] if output == "{parent}/b{ext}" else ["one", "two"]
    if output == "{parent}/b{ext}":
        photo.write(folder / "two/c.jpg", Photo(np.ones((24, 30)) / 2))
        before = tree(folder)
    done = run("restore", *pictures, *PSF, "-o", output, *arguments, code=2)
    assert done.stderr.startswith("deblur: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert done.stdout == ""
    assert tree(folder) == before


def test_every_field_is_in_the_help(run: Run) -> None:
    shown = "".join(run("restore", "--help").stdout.split())
    for field in FIELDS:
        assert f"{{{field}}}" in shown


def test_a_template_with_the_method_that_was_given(run: Run, folder: Path) -> None:
    for number in range(2):
        run("restore", "one", "two", *WIENER, "-o", "{parent}/{stem}-{method}{ext}", *["--force"] * number)
        assert tree(folder) == {
            "one/a.png", "two/a.png", "two/b.jpg", "one/a-wiener.png", "two/a-wiener.png", "two/b-wiener.jpg"
        }  # fmt: skip
    run("restore", "two", *PSF, "--method", "total-variation", "-o", "{parent}/{stem}-{method}{ext}")
    results = {"a-total-variation.png", "b-total-variation.jpg", "a-wiener.png", "b-wiener.jpg"}
    assert tree(folder / "two") == {"a.png", "b.jpg"} | results  # and none of the results of the other method


def test_a_template_with_the_method_that_is_chosen(run: Run, folder: Path) -> None:
    photo.write(folder / "small.png", Photo(np.random.default_rng(0).random((24, 30))))
    done = run("restore", "small.png", "one/a.png", *PSF, "-o", "{method}/{stem}{ext}", "--json")
    results = json.loads(done.stdout)
    assert [result["output"] for result in results] == ["wiener/small.png", "unrolled/a.png"]
    assert all((folder / result["output"]).exists() for result in results)
    before = (folder / "wiener/small.png").read_bytes()
    again = run("restore", "small.png", *PSF, "-o", "{method}/{stem}{ext}", code=2)
    assert "wiener/small.png exists already; --force replaces it" in again.stderr
    assert (folder / "wiener/small.png").read_bytes() == before
    run("restore", "small.png", *PSF, "-o", "{method}/{stem}{ext}", "--force")
    assert (folder / "wiener/small.png").exists()
    skipped = run("restore", "small.png", *PSF, "-o", "{method}/{stem}{ext}", "--skip-existing")
    assert "1 of 1 are there already" in skipped.stderr


def test_the_method_in_the_name_is_that_of_the_result(run: Run, folder: Path) -> None:
    """Without a PSF too; and of a picture that nothing was done to."""
    photo.write(folder / "flat.jpg", Photo(np.full((64, 60, 3), 0.5), -1))
    (result,) = json.loads(run("restore", "flat.jpg", "-o", "sharp/{stem}-{method}{ext}", "--json").stdout)
    assert result["output"] == f"sharp/flat-{result['method']}.jpg"
    assert (folder / result["output"]).read_bytes() == (folder / "flat.jpg").read_bytes()
    again = run("restore", "flat.jpg", "-o", "sharp/{stem}-{method}{ext}", code=2)
    assert "sharp/flat-blind.jpg exists already; --force replaces it" in again.stderr


def test_a_stack_whose_name_waits_for_its_method(run: Run, folder: Path) -> None:
    cells = np.random.default_rng(0).integers(100, 200, (2, 60, 64), dtype=np.uint16)
    tifffile.imwrite(folder / "cells.ome.tif", cells, metadata={"axes": "TYX"})
    (result,) = json.loads(run("restore", "cells.ome.tif", *PSF, "-o", "by/{stem}-{method}{ext}", "--json").stdout)
    assert result["output"] == f"by/cells-{result['method']}.ome.tif"
    assert tree(folder / "by") == {f"cells-{result['method']}.ome.tif"}
    assert tifffile.imread(folder / result["output"]).shape == cells.shape
    again = run("restore", "cells.ome.tif", *PSF, "-o", "by/{stem}-{method}{ext}", code=2)
    assert "exists already; --force replaces it" in again.stderr
    assert tree(folder / "by") == {f"cells-{result['method']}.ome.tif"}


def test_the_format_of_the_results(run: Run, folder: Path) -> None:
    run("restore", "one", "two/b.jpg", *WIENER, "--format", "TIFF", "-o", "out")
    assert tree(folder / "out") == {"a-restored.tiff", "b-restored.tiff"}
    assert photo.read(folder / "out/b-restored.tiff").pixels.shape == (64, 60)
    error = run("restore", "one/a.png", *WIENER, "--format", "gif", code=2).stderr
    assert error.startswith("deblur: --format must be one of jpg, ")
    error = run("restore", "one/a.png", *WIENER, "--format", "png", "-o", "a.jpg", code=2).stderr
    assert "-o a.jpg ends in .jpg, and --format says png" in error
    error = run("restore", "one/a.png", *WIENER, "--format", "zarr", code=2).stderr
    assert "zarr folders are written from TIFF files" in error


def test_an_unchanged_picture_of_every_format_is_the_same_file(run: Run, tmp_path: Path) -> None:
    flat = Photo(np.full((64, 60, 3), 0.5), -1)
    (tmp_path / "flat").mkdir()
    for suffix in photo.WRITABLE_SUFFIXES:
        path = tmp_path / f"flat/{suffix[1:]}{suffix}"
        try:
            photo.write(path, flat)
        except ValueError:  # a library is missing
            continue
        path.write_bytes(path.read_bytes() + b"\n" * 9)  # which no encoder would write again
    done = run("restore", "flat", "--json", "-o", "{parent}-same/{stem}{ext}", "--quality", "30")
    results = json.loads(done.stdout)
    assert {Path(result["input"]).suffix for result in results} >= {".jpg", ".jpeg", ".png", ".tif", ".webp", ".bmp"}
    for result in results:
        assert not result["changed"], result
        assert (tmp_path / result["output"]).read_bytes() == (tmp_path / result["input"]).read_bytes(), result
        assert result["output"].replace("-same", "") == result["input"]


def test_quality_and_compression(run: Run, folder: Path) -> None:
    steps = {}
    for quality in ("20", "90"):
        run("restore", "two/b.jpg", *WIENER, "--quality", quality, "-o", f"{quality}.jpg")
        with Image.open(folder / f"{quality}.jpg") as image:
            steps[quality] = image.quantization[0][0]
    assert steps["20"] > 5 * steps["90"]
    run("restore", "two/b.jpg", *WIENER, "--compression", "lzw", "-o", "lzw.tif")
    with tifffile.TiffFile(folder / "lzw.tif") as tiff:
        assert tiff.pages[0].compression.name == "LZW"
    for arguments, message in (
        (["--quality", "0"], "'--quality'"),
        (["--quality", "101"], "'--quality'"),
        (["--quality", "good"], "'--quality'"),
        (["--compression", "zip"], "--compression must be one of none, deflate, lzw"),
    ):
        error = run("restore", "two/b.jpg", *WIENER, *arguments, "-o", "bad.tif", code=2).stderr
        assert message in error
        assert error.count("\n") == 1
    tifffile.imwrite(folder / "s.ome.tif", np.ones((2, 60, 64), np.uint16), metadata={"axes": "TYX"})
    error = run("restore", "s.ome.tif", *WIENER, "--compression", "lzw", code=2).stderr
    assert "s.ome.tif is a stack, and written in parts without compression; leave --compression out" in error


def test_what_a_format_cannot_hold_is_said(run: Run, folder: Path) -> None:
    picture = Photo(np.random.default_rng(0).random((64, 60)), dtype=np.dtype(np.uint16), icc=b"profile" * 20)
    photo.write(folder / "deep.tif", picture)
    done = run("restore", "deep.tif", *WIENER, "--format", "bmp", "--json")
    (result,) = json.loads(done.stdout)
    lost = photo.losses("deep.bmp", picture)
    assert any("16 bits were rounded to the 8 of BMP" in each for each in lost)
    assert set(result["notes"]) >= set(lost)
    assert lost[0] in done.stderr
    assert "rounded" not in run("restore", "deep.tif", *WIENER).stdout
