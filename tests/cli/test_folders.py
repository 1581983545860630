"""`deblur restore` on folders: what is taken, what is left out and said so, and trees of folders."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from deblur import photo
from deblur.photo import Photo

from .conftest import Run

QUICK = ("--psf", "disk:radius=1", "--method", "wiener")


def tree(folder: Path) -> set[str]:
    """The files below a folder; links to folders are not followed."""
    return {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Pictures in a folder and in its folders, with all that is found beside pictures."""
    folder = tmp_path / "shots"
    rng = np.random.default_rng(0)
    for name in ("a.png", "b.jpg", "day/a.png", "day/evening/c.tif", ".trash/d.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        photo.write(folder / name, Photo(rng.random((24, 30))))
    for name in ("notes.txt", "README.md", "LICENSE", ".DS_Store", "day/film.mov"):
        (folder / name).write_text("not a picture")
    photo.write(folder / ".hidden.png", Photo(rng.random((24, 30))))
    return folder


def test_what_is_left_out_of_a_folder_is_said_in_one_line(run: Run, tmp_path: Path, shots: Path) -> None:
    done = run("restore", "shots", *QUICK, "--json")
    assert done.stderr.splitlines()[-1] == (
        "deblur: skipped 3 files that are not pictures (.md, .txt, no suffix), 1 folder (--recursive enters folders), "
        "1 hidden"
    )
    skipped = {result["input"]: result["skipped"] for result in json.loads(done.stdout) if "skipped" in result}
    assert skipped == {
        "shots/.hidden.png": "it is hidden",
        "shots/LICENSE": "it is not a picture",
        "shots/README.md": "it is not a picture",
        "shots/notes.txt": "it is not a picture",
        "shots/day": "it is a folder: --recursive enters folders",
    }
    assert "skipped" not in run("restore", "shots/a.png", *QUICK, "--force").stderr
    assert run("restore", "shots", *QUICK, "--force", "-q").stderr == ""


def test_recursion_keeps_the_tree(run: Run, tmp_path: Path, shots: Path) -> None:
    run("restore", "shots", *QUICK, "--recursive", "-o", "sharp")
    assert tree(tmp_path / "sharp") == {
        "a-restored.png", "b-restored.jpg", "day/a-restored.png", "day/evening/c-restored.tif"
    }  # fmt: skip


def test_recursion_leaves_out_the_results_of_earlier_runs(run: Run, tmp_path: Path, shots: Path) -> None:
    before = tree(shots)
    new = {"a-restored.png", "b-restored.jpg", "day/a-restored.png", "day/evening/c-restored.tif"}
    run("restore", "shots", *QUICK, "-r")
    assert tree(shots) == before | new
    done = run("restore", "shots", *QUICK, "-r", "--format", "png", "--force", "--json")
    assert [result["skipped"] for result in json.loads(done.stdout) if "skipped" in result].count(
        "it is the result of an earlier run"
    ) == len(new)
    assert "4 results of earlier runs" in done.stderr
    new |= {"b-restored.png", "day/evening/c-restored.png"}
    assert tree(shots) == before | new
    run("restore", "shots", *QUICK, "-r", "-o", "shots/sharp")
    inside = {f"sharp/{name}" for name in ("a-restored.png", "b-restored.jpg", "day/a-restored.png")}
    inside.add("sharp/day/evening/c-restored.tif")
    assert tree(shots) == before | new | inside
    run("restore", "shots", *QUICK, "-r", "-o", "shots/sharp", "--force")  # the folder of results is in the tree
    assert tree(shots) == before | new | inside


@pytest.mark.skipif(os.name == "nt", reason="links need rights")
def test_links_that_lead_in_circles(run: Run, tmp_path: Path, shots: Path) -> None:
    before = tree(shots)
    (shots / "self").symlink_to(".")
    (shots / "day/up").symlink_to("../..")
    (shots / "circle").symlink_to("circle")
    (shots / "pictures").symlink_to("day")
    done = run("restore", "shots", *QUICK, "-r", "-o", "sharp")
    assert "3 links to folders (name a folder to enter it)" in done.stderr
    assert len(tree(tmp_path / "sharp")) == 4
    assert tree(shots) == before | {"circle"}  # which leads nowhere, and counts as a file
    run("restore", "shots/pictures", *QUICK, "-o", "named")
    assert tree(tmp_path / "named") == {"a-restored.png"}

    (shots / "circle.png").symlink_to("circle.png")
    done = run("restore", "shots", *QUICK, "--force", code=1)
    assert "deblur: shots/circle.png: Too many levels of symbolic links" in done.stderr


def test_a_folder_without_pictures_names_the_option(run: Run, tmp_path: Path, shots: Path) -> None:
    (tmp_path / "outer/inner").mkdir(parents=True)
    error = run("restore", "outer", *QUICK, code=2).stderr
    assert error.startswith("deblur: outer has no pictures in it (JPEG, ")
    assert error.endswith("; --recursive enters the folders in it\n")
    assert not run("restore", "outer", *QUICK, "-r", code=2).stderr.endswith("in it\n")


def test_two_trees_with_the_same_names_are_refused(run: Run, tmp_path: Path, shots: Path) -> None:
    (tmp_path / "more/day").mkdir(parents=True)
    photo.write(tmp_path / "more/day/a.png", Photo(np.ones((24, 30)) / 2))
    before = tree(tmp_path)
    error = run("restore", "shots", "more", *QUICK, "-r", "-o", "sharp", code=2).stderr
    assert "shots/day/a.png and more/day/a.png would both be written to sharp/day/a-restored.png" in error
    assert tree(tmp_path) == before


def test_existing_results_are_listed_as_skipped(run: Run, tmp_path: Path, shots: Path) -> None:
    run("restore", "shots/a.png", *QUICK)
    done = run("restore", "shots/a.png", "shots/b.jpg", *QUICK, "--skip-existing", "--json")
    restored, skipped = json.loads(done.stdout)
    assert restored["output"] == "shots/b-restored.jpg"
    assert skipped == {"input": "shots/a.png", "skipped": "its result exists"}
    assert "1 of 2 are there already" in done.stderr
