"""Help of every command, with examples and all options, and shell completion."""

import re

import pytest
import typer

from deblur.cli import app

from .conftest import Run, Start


def commands(command: object, words: tuple[str, ...] = ()) -> dict[tuple[str, ...], object]:
    """Every command and group, by the words that call it."""
    found = {words: command}
    for name, each in getattr(command, "commands", {}).items():
        found |= commands(each, (*words, name))
    return found


ALL = commands(typer.main.get_command(app))


def test_all_are_found() -> None:
    assert {("restore",), ("psf", "make"), ("datasets", "get"), ("export",), ("demo",)} <= set(ALL)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_help_is_a_manual(run: Run, words: tuple[str, ...]) -> None:
    shown = run(*words, "--help").stdout
    assert shown.startswith(f"Usage: deblur {' '.join(words)}".rstrip())
    examples = re.findall(r"^ +(deblur .+)$", shown, flags=re.MULTILINE)
    assert any(line.startswith(" ".join(("deblur", *words))) for line in examples)
    assert max(len(line) for line in shown.splitlines() if line.strip() not in examples) <= 80
    for parameter in ALL[words].params:  # type: ignore[attr-defined]
        assert getattr(parameter, "help", None), f"{parameter.name} is not explained"


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_examples_parse(words: tuple[str, ...]) -> None:
    """The options of every example exist: they are parsed, and nothing is run."""
    for line in re.findall(r"^ +(deblur .+)$", ALL[words].epilog, flags=re.MULTILINE):  # type: ignore[attr-defined]
        if line.endswith("--help"):
            continue
        given = [part.strip('"') for part in re.sub(r"[<>] \S+|#.*", "", line).split()[1:]]
        called = max((each for each in ALL if list(each) == given[: len(each)]), key=len)
        ALL[called].make_context("deblur", given[len(called) :])  # type: ignore[attr-defined]


def test_exit_codes_are_in_the_help(run: Run) -> None:
    shown = run("--help").stdout
    codes = shown[shown.index("Exit codes:") :]
    assert re.findall(r"^    ([\d, ]+?)  ", codes, flags=re.MULTILINE) == ["0", "1", "2", "130, 141, 143"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("deblur re", {"restore"}),
        ("deblur psf ", {"make", "show", "estimate", "beads"}),
        ("deblur export --on", {"--onnx"}),
    ],
)
def test_shells_complete(start: Start, words: str, expected: set[str]) -> None:
    variables = {"_DEBLUR_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    shown, errors = start(variables=variables, text=True, own_process=True).communicate()
    assert set(shown.split()) == expected
    assert errors == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_load_it(start: Start, shell: str) -> None:
    variables = {"_DEBLUR_COMPLETE": f"source_{shell}"}
    shown, errors = start(variables=variables, text=True, own_process=True).communicate()
    assert "_DEBLUR_COMPLETE=complete_" in shown
    assert errors == ""
