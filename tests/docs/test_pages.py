"""The documentation is true: its code runs, its commands and names exist."""

import importlib
import re
import runpy
import shlex
import socket
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import typer

import nmf.cli
from deblur import psf
from deblur.cli import app
from deblur.operators import Convolution

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts and page.name != "changelog.md"]  # it names what is gone

pytestmark = pytest.mark.skipif(not (ROOT / "docs" / "index.md").exists(), reason="the pages are not in the wheel")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def python_of(page: Path) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S))


def commands_of(page: Path) -> list[str]:
    """Return the commands of indented blocks, without comments and what they are piped into."""
    text = page.read_text(encoding="utf-8")
    lines = re.findall(r"^ {4}((?:.*&& )?(?:deblur|python -m nmf|podman run .* deblur) .*)$", text, re.M)
    return [re.split(r" +#| [<>|] ", line)[0].split("&& ")[-1] for line in lines]


def files(folder: Path) -> None:
    """Write small versions of the files that the pages use."""
    rng = np.random.default_rng(0)
    from skimage import data

    blur = psf.disk(2)
    psf.save(folder / "psf.tif", blur)
    psf.save(folder / "measured.tif", psf.gaussian(2, 21))
    scene = data.astronaut()[40:140, 170:270]
    blurred = Convolution(blur, scene.shape[:2], boundary="reflect")(scene.transpose(2, 0, 1) / 255.0)
    pixels = (255 * blurred + rng.normal(0, 1, blurred.shape)).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    cv2.imwrite(str(folder / "photo.jpg"), pixels[..., ::-1])
    (folder / "photos").mkdir()
    for i in range(3):
        cv2.imwrite(str(folder / "photos" / f"{i}.png"), data.camera()[20 * i : 20 * i + 144, 100:244])
    sizes = {"PhysicalSizeZ": 0.3, "PhysicalSizeY": 0.1, "PhysicalSizeX": 0.1}
    cells = rng.poisson(5, (12, 24, 24)).astype(np.uint16)
    tifffile.imwrite(folder / "cells.ome.tif", cells, metadata={"axes": "ZYX", **sizes})
    np.save(folder / "mosaic.npy", rng.integers(0, 255, (90, 100), np.uint8))
    np.save(folder / "V.npy", rng.random((20, 30)))
    from nmf import audio

    clicks = np.zeros(8000)
    clicks[::2000] = 1
    audio.write(folder / "drums.wav", np.convolve(clicks, rng.normal(0, 0.1, 400))[:8000], 8000)


@pytest.mark.parametrize("page", [page for page in PAGES if python_of(page)], ids=name_of)
def test_the_code_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files(tmp_path)
    monkeypatch.chdir(tmp_path)
    if page.name == "cluster.md":
        zarr = pytest.importorskip("zarr")
        pytest.importorskip("dask.array")
        zarr.create_array("huge.zarr", data=np.random.default_rng(0).random((180, 180)), chunks=(90, 90))
        with socket.create_server(("127.0.0.1", 0)) as free:  # torchrun would choose it
            port = free.getsockname()[1]
        for name, value in {"RANK": 0, "WORLD_SIZE": 1, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}.items():
            monkeypatch.setenv(name, str(value))
    script = tmp_path / f"{page.stem}.code.py"
    script.write_text(python_of(page), encoding="utf-8")
    runpy.run_path(str(script))


@pytest.mark.parametrize("page", [page for page in PAGES if commands_of(page)], ids=name_of)
def test_the_commands_have_these_options(page: Path) -> None:
    for line in commands_of(page):
        words = shlex.split(line)
        if words[0] == "podman":
            words = words[words.index("deblur", 1) :]
        command = typer.main.get_command(nmf.cli.app if words[0] == "python" else app)
        words = words[3:] if words[0] == "python" else words[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        known |= {"--help", "--install-completion"}
        unknown = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
        assert not unknown, f"{line}: {unknown}"
        assert not (hasattr(command, "commands") and words and not words[0].startswith("-")), f"{line}: no such command"


def exists(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_names_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    names = re.findall(r"`((?:deblur|nmf)(?:\.[A-Za-z_]\w*)+)", text)
    if page.name == "coming_from.md":
        theirs = {cell for row in re.findall(r"^\|(.*?)\|", text, re.M) for cell in re.findall(r"`([\w.]+)", row)}
        names = [name for name in names if name not in theirs or not name.startswith("nmf.")] + ["nmf.NMF"]
        assert len(names) > 50
    missing = [name for name in names if not exists(name)]
    assert not missing


def test_a_name_that_does_not_exist_is_noticed() -> None:
    assert exists("deblur.operators.LinearOperator.to_matrix")
    assert not exists("deblur.operators.deconvolve")
    assert not exists("deblur.nothing")
