"""The Containerfile, part by part: it is not built here."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer

from deblur.cli import app

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
FILE = ROOT / "Containerfile"

pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the Containerfile is in the repository, not in the sdist")


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def stages() -> list[list[tuple[str, str]]]:
    """The instructions of each stage: (name, arguments)."""
    text = re.sub(r"\\\n\s*", "", FILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    instructions = [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]
    starts = [number for number, (name, _) in enumerate(instructions) if name == "FROM"]
    assert starts[0] == 0
    return [instructions[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]


def arguments(stage: list[tuple[str, str]], wanted: str) -> list[str]:
    return [rest for name, rest in stage if name == wanted]


def test_what_is_copied_exists_and_suffices(stages: list[list[tuple[str, str]]], project: dict) -> None:
    copied = [source for copy in arguments(stages[0], "COPY") for source in copy.split()[:-1]]
    assert all((ROOT / source).exists() for source in copied)
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = [project["project"]["readme"], *project["project"]["license-files"], "pyproject.toml", "constraints.txt"]
    assert set(needed) | set(wheel["packages"]) | set(wheel["force-include"]) == set(copied)


def test_it_installs_as_the_readme_says(stages: list[list[tuple[str, str]]], project: dict) -> None:
    readme = (ROOT / "README.md").read_text()
    commands = [run.replace(" --no-cache-dir", "") for run in arguments(stages[0], "RUN") if run.startswith("pip")]
    small_torch, package = commands
    assert f"`{small_torch}`" in readme
    plain, extras = re.fullmatch(r'(pip install -c constraints.txt )"\.\[([\w,]+)\]"', package).groups()
    assert f"{plain}." in readme
    if missing := set(extras.split(",")) - set(project["project"]["optional-dependencies"]):
        pytest.skip(f"this tree has no extra {missing}")


def test_torch_is_that_of_the_constraints(stages: list[list[tuple[str, str]]]) -> None:
    (pinned,) = re.findall(r"^torch==.+$", (ROOT / "constraints.txt").read_text(), flags=re.MULTILINE)
    assert any(pinned in run for run in arguments(stages[0], "RUN"))


def test_it_is_one_python_that_the_package_takes(stages: list[list[tuple[str, str]]], project: dict) -> None:
    images = {arguments(stage, "FROM")[0].split()[0] for stage in stages}
    assert len(images) == 1  # a virtual environment goes from one to the other
    minor = int(re.search(r"python:3\.(\d+)-slim$", images.pop()).group(1))
    assert minor >= int(project["project"]["requires-python"].removeprefix(">=3."))
    (copied,) = arguments(stages[-1], "COPY")
    _, source, target = copied.split()
    assert source == target == arguments(stages[0], "RUN")[0].split()[-1]
    assert all(any(f"PATH={target}/bin:$PATH" in each for each in arguments(stage, "ENV")) for stage in stages)


def test_user_is_not_root(stages: list[list[tuple[str, str]]]) -> None:
    (user,) = arguments(stages[-1], "USER")
    assert user not in ("root", "0")
    assert any(re.fullmatch(rf"useradd .*--uid [1-9]\d* {user}", run) for run in arguments(stages[-1], "RUN"))
    names = [name for name, _ in stages[-1]]
    assert "RUN" not in names[names.index("USER") :]  # nothing is installed as the user, and nothing runs before it


def test_it_starts_the_command(stages: list[list[tuple[str, str]]], project: dict) -> None:
    (entry,), (default,) = (
        [json.loads(each) for each in arguments(stages[-1], name)] for name in ("ENTRYPOINT", "CMD")
    )
    assert entry == ["deblur"]
    assert entry[0] in project["project"]["scripts"]
    name, *options = default
    port = options[options.index("--port") + 1]
    assert arguments(stages[-1], "EXPOSE") == [port]
    assert options[options.index("--host") + 1] == "0.0.0.0"  # of the container; what it publishes, its user says
    command = typer.main.get_command(app).commands.get(name)  # type: ignore[attr-defined]
    if command is None:
        pytest.skip(f"this tree has no command {name}")
    command.make_context("deblur", options)
