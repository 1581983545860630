"""The benchmarks and robustness commands that the tree names exist, and say how they are used."""

import os
import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("benchmarks", "deblur", "docs", "nmf", "notebooks", "tests", ".github", ".ci")
SUFFIXES = (".py", ".pyi", ".md", ".ipynb", ".toml", ".yml")
NAMED = re.compile(r"-m[\s\"',\\n#]+((?:benchmarks|tests\.robustness)(?:\.\w+)+)")


def files() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    return [*inside, *(path for path in ROOT.iterdir() if path.suffix in SUFFIXES)]


def named() -> dict[str, str]:
    """Return the modules that are named as commands, each with a file that names it."""
    found = {}
    for path in files():
        if "_build" not in path.parts and path != Path(__file__).resolve():
            found |= dict.fromkeys(NAMED.findall(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT)))
    return found


COMMANDS = named()


def test_commands_are_found_in_every_kind_of_file() -> None:
    assert len(COMMANDS) > 30
    assert NAMED.findall('a line # python -m\n    # benchmarks.speed.wiener, and "-m", "tests.robustness.fuzz"') == [
        "benchmarks.speed.wiener",
        "tests.robustness.fuzz",
    ]


@pytest.mark.parametrize("module", sorted(COMMANDS))
def test_a_named_command_explains_itself(
    module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.name == "nt" and module.startswith("tests.robustness"):
        pytest.skip("these fork, and limit memory")
    if module.startswith("tests.robustness"):
        pytest.importorskip("httpx", reason="requests are sent with httpx")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "argv", [module, "--help"])
    monkeypatch.syspath_prepend(str(ROOT))
    with pytest.raises(SystemExit) as stop:
        runpy.run_module(module, run_name="__main__")
    assert stop.value.code == 0, f"{COMMANDS[module]} names {module}"
    assert "usage:" in capsys.readouterr().out


def test_every_benchmark_names_its_own_command() -> None:
    for path in (ROOT / "benchmarks").glob("*/[!_]*.py"):
        name = f"python -m benchmarks.{path.parent.name}.{path.stem}"
        assert name in path.read_text(encoding="utf-8"), path
