"""The sources of the site are complete, and its checks find faults."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.test_public_api import MODULES

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

pytestmark = pytest.mark.skipif(not (DOCS / "index.md").exists(), reason="the pages are not in the wheel")


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_link_to_nowhere_is_found(tmp_path: Path) -> None:
    problems = script("check_site").problems
    (tmp_path / "a.html").write_text(
        '<p id="here"></p><a href="b.html#there">1</a><a href="#here">2</a><a href="https://x.org">3</a>'
        '<img src="c.png">'
    )
    (tmp_path / "b.html").write_text('<a href="a.html#gone">1</a><script src="https://cdn.x.org/x.js"></script>')
    (tmp_path / "c.png").touch()
    assert problems(tmp_path) == [
        "a.html links to b.html#there, a page without that place",
        "b.html loads https://cdn.x.org/x.js",
        "b.html links to a.html#gone, a page without that place",
    ]
    (tmp_path / "c.png").unlink()
    assert "a.html links to c.png, which does not exist" in problems(tmp_path)


def test_every_command_is_on_the_page() -> None:
    pytest.importorskip("docutils")
    page = script("_gather").command_lines()
    commands = re.findall(r"^## (.*)$", page, re.M)
    assert {"deblur restore", "deblur psf beads", "deblur datasets get", "python -m nmf separate"} <= set(commands)
    assert page.count("--help") >= len(commands)
    assert all(line.isprintable() for line in page.splitlines())  # no mark of the help's own layout is left in it


def test_every_public_module_is_in_the_reference() -> None:
    pages = "".join(path.read_text() for path in (DOCS / "reference").glob("*.rst"))
    assert set(re.findall(r"automodule:: (.*)$", pages, re.M)) == set(MODULES)


def test_every_notebook_is_in_the_gallery() -> None:
    gallery = (DOCS / "tutorial" / "index.md").read_text()
    notebooks = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    assert notebooks
    assert sorted(re.findall(r"^:link: (.*)$", gallery, re.M)) == notebooks
