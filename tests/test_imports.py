"""The import contracts hold, and each of them notices an import that breaks it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info < (3, 11):
    tomllib = pytest.importorskip("tomli")
else:
    import tomllib

pytest.importorskip("importlinter", reason="the extra dev")

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

INJECTED = {
    "Imports point one way": ("deblur/operators/_shapes.py", "import deblur.psf"),
    "nmf uses the operators and the core of deblur, and nothing else": ("nmf/maps/matrix.py", "import deblur.stack"),
    "Imports within nmf point one way": ("nmf/objective/penalties.py", "import nmf.fit.problem"),
    "deblur does not know nmf": ("deblur/psf/__init__.py", "import nmf"),
}
"""For each contract a module and an import that breaks it; for contracts that are not listed, see `breaking`."""


def breaking(contract: dict) -> tuple[str, str]:
    """Return a module and an import that break a contract."""
    if contract["name"] in INJECTED:
        return INJECTED[contract["name"]]
    if contract["type"] == "layers":
        prefix = "".join(f"{container}." for container in contract.get("containers", [])[:1])
        layers = [layer for layer in contract["layers"] if not layer.startswith("(")]
        highest, lowest = (prefix + re.split(r"[|:]", layers[i])[0].strip() for i in (0, -1))
        return source_of(lowest), f"import {highest}"
    assert contract["type"] == "forbidden", f"tell INJECTED how to break {contract['name']!r}"
    return source_of(contract["source_modules"][0]), f"import {contract['forbidden_modules'][0]}"


def source_of(module: str) -> str:
    """Return the file of a module, relative to the repository."""
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.relative_to(ROOT).as_posix()


def lint(folder: Path) -> subprocess.CompletedProcess:
    """Run import-linter on the packages of a folder."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment(folder))


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a process that imports the packages of a folder."""
    return os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"}


def verdicts(report: str) -> dict[str, str]:
    """Return KEPT or BROKEN for each contract."""
    return {name.strip(): verdict for name, verdict in re.findall(r"^(.+?) (KEPT|BROKEN)\b", report, re.M)}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in ("deblur", "nmf"):
        for file in (ROOT / package).rglob("*.py"):
            target = folder / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    return folder


def test_every_contract_is_kept(copy: Path) -> None:
    done = lint(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert verdicts(done.stdout) == {contract["name"]: "KEPT" for contract in CONTRACTS}


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["name"])
def test_an_injected_import_breaks_its_contract(contract: dict, copy: Path) -> None:
    name, line = breaking(contract)
    file = copy / name
    before = file.read_text()
    try:
        file.write_text(f"{before}\n{line}\n")
        done = lint(copy)
    finally:
        file.write_text(before)
    assert done.returncode != 0, done.stdout
    assert verdicts(done.stdout)[contract["name"]] == "BROKEN"


@pytest.mark.parametrize("package", ["deblur", "nmf"])
def test_a_module_without_a_layer_breaks_the_contract(package: str, copy: Path) -> None:
    """It could import anything, and be imported by anything."""
    names = [contract["name"] for contract in CONTRACTS if contract.get("containers") == [package]]
    file = copy / package / "newcomer.py"
    try:
        file.write_text("")
        done = lint(copy)
    finally:
        file.unlink()
    assert done.returncode != 0, done.stdout
    assert [verdicts(done.stdout)[name] for name in names] == ["BROKEN"]
