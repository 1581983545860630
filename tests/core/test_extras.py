"""A missing extra is an error that names a command which works today."""

import importlib.metadata
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import deblur
from deblur._core.extras import DISTRIBUTION, extras, install_command, missing_extra, needs_extra

ROOT = Path(__file__).resolve().parents[2]


def declared() -> dict[str, list[str]]:
    if sys.version_info < (3, 11):
        pytest.skip("reads pyproject.toml with tomllib")
    import tomllib

    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["optional-dependencies"]


def names(requirements: object) -> set[str]:
    return {re.split(r"[\s\[<>=!~;]", each, maxsplit=1)[0].lower() for each in requirements}  # type: ignore[attr-defined]


def test_every_extra_has_a_command_that_installs_its_requirements() -> None:
    if importlib.metadata.version(DISTRIBUTION) != deblur.__version__:
        pytest.skip("another version of the sources was installed, whose extras may differ")
    assert set(extras()) == set(declared())
    for name, requirements in declared().items():
        words = shlex.split(install_command(name))
        assert words[:2] == ["pip", "install"]
        own = names(each for each in requirements if not each.startswith(DISTRIBUTION))
        assert own <= names(words[2:])
        assert DISTRIBUTION not in names(words[2:]), "it is not on the package index"


def test_an_import_that_fails_names_the_command() -> None:
    with (
        pytest.raises(
            ModuleNotFoundError, match=r"the page needs uvicorn_: pip install 'starlette>=[\d.]+' "
        ) as caught,
        needs_extra("web", "the page"),
    ):
        import uvicorn_.server  # noqa: F401
    assert caught.value.name == "uvicorn_"
    assert "\n" not in str(caught.value)


def test_a_fault_of_our_own_is_not_taken_for_a_missing_extra() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'deblur.nothing'"), needs_extra("web", "the page"):
        import deblur.nothing  # noqa: F401


def test_sources_that_were_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    assert extras() == {}
    line = missing_extra("zarr", "a stack in a zarr folder needs zarr")
    assert line == 'a stack in a zarr folder needs zarr: pip install -e ".[zarr]" in the folder of the sources'


def _deblur_dask() -> None:
    import deblur.dask  # noqa: F401


def _export() -> None:
    from deblur.networks import Denoiser, export_onnx

    export_onnx(Denoiser(widths=(8, 16), depths=(1, 1), decoder_depth=1), "never.onnx")


def _zarr() -> None:
    from deblur.stack import Stack, create_stack

    with create_stack("never.zarr", Stack(np.zeros((2, 3, 4)), "ZYX", format="zarr")):
        raise AssertionError


def _pylops() -> None:
    from deblur.compat import to_pylops
    from deblur.operators import Identity

    to_pylops(Identity((4,)))


def _deepinv() -> None:
    from deblur.compat import to_deepinv
    from deblur.operators import Identity

    to_deepinv(Identity((4,)))


def _audio() -> None:
    from nmf import audio

    audio.read("never.wav")


def _sklearn() -> None:
    import nmf.sklearn  # noqa: F401


USES: dict[str, tuple[Callable[[], None], tuple[str, ...]]] = {
    "dask": (_deblur_dask, ("dask", "deblur.dask", "deblur.restoration._dask")),
    "onnx": (_export, ("onnxscript",)),
    "zarr": (_zarr, ("zarr",)),
    "pylops": (_pylops, ("pylops",)),
    "deepinv": (_deepinv, ("deepinv",)),
    "audio": (_audio, ("soundfile",)),
    "sklearn": (_sklearn, ("sklearn", "sklearn.base", "nmf.sklearn")),
}


@pytest.mark.parametrize("extra", USES)
def test_what_needs_an_extra_says_so(extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    use, modules = USES[extra]
    monkeypatch.chdir(tmp_path)
    for name in modules:
        if name.startswith(("deblur.", "nmf.")):
            monkeypatch.delitem(sys.modules, name, raising=False)
        else:
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=re.escape(install_command(extra))):
        use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["deblur", "nmf"])
def test_no_message_names_the_distribution_as_if_it_were_on_the_index(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert not re.search(r"pip install '?deblur-toolkit", path.read_text(encoding="utf-8")), path


def test_the_command_fails_in_one_line(tmp_path: Path) -> None:
    deblur.photo.write(tmp_path / "a.png", deblur.photo.Photo(np.zeros((9, 9))))
    script = "import sys; sys.modules['distributed'] = None; sys.argv = sys.argv[1:]; import deblur.cli as c; c.main()"
    words = ["deblur", "restore", "a.png", "--psf", "disk:radius=1", "--jobs", "2"]
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("deblur: a restoration in several processes needs distributed: pip install ")
    assert len(done.stderr.splitlines()) == 1
