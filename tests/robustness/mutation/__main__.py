"""Mutation testing: change the code a little, in many ways, one at a time, and see whether a test fails.

    python -m tests.robustness.mutation                                  # every module of TARGETS, 40 mutants each
    python -m tests.robustness.mutation deblur/operators/_linear.py --count 0    # all mutants of one

A survivor, a change that no test noticed, is printed as a diff: a gap in the tests, code that is not needed, or an
equivalent change (then `EQUIVALENT` says why). The sample depends on the seed and the source alone.

Each mutant is imported by a fork of a process that has imported torch and pytest already, so that it costs the time of
its tests; those that killed before run first.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import os
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.robustness._forks import run_in_fork
from tests.robustness.mutation._mutants import Mutant, mutants_of
from tests.robustness.mutation.targets import TARGETS

OURS = ("deblur", "nmf", "tests", "conftest")
MEMORY = 8 << 30  # a mutant may ask for any amount of it
PYTEST = ("-o", "addopts=--doctest-modules", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-x", "--no-header")


class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A pytest plugin that imports one module from a text instead of its file."""

    def __init__(self, path: str, source: str) -> None:
        self._path, self._source = path, source
        self.name = path.removesuffix(".py").replace("/", ".")

    def pytest_sessionstart(self) -> None:
        """Come before pytest's own importer, which imports the modules whose doctests it runs."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Return the module's specification."""
        return importlib.util.spec_from_loader(name, self, origin=self._path) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Execute the text."""
        module.__file__ = os.path.abspath(self._path)
        exec(compile(self._source, module.__file__, "exec"), module.__dict__)  # noqa: S102 - our own module, changed


class Order:
    """A pytest plugin that runs the tests that killed before first, and records failures."""

    def __init__(self, first: Sequence[str], seed: int) -> None:
        self._rank = {name: i for i, name in enumerate(first)}
        self._random = random.Random(seed)
        self.failed: list[str] = []
        self.count = 0

    @pytest.hookimpl(trylast=True)  # after deselected tests are gone
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests; the rest at random, since neighbors test the same thing."""
        self._random.shuffle(items)
        items.sort(key=lambda item: self._rank.get(item.nodeid, len(self._rank)))
        self.count = len(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a failure."""
        if report.failed:
            self.failed.append(report.nodeid)


class Outcome(NamedTuple):
    """Result of the tests: `killer` is the test that failed, "" where all passed."""

    killer: str
    seconds: float
    count: int


def run_tests(path: str, source: str, tests: Sequence[str], first: Sequence[str], seed: int, limit: float) -> Outcome:
    """Run the tests on a changed module, in a fork."""

    def work() -> tuple[str, int]:
        _silence()
        _forget_ours()
        order = Order(first, seed)
        status = pytest.main([*PYTEST, *tests], plugins=[Importer(path, source), order])
        return "" if status == 0 else order.failed[0] if order.failed else f"pytest: {status}", order.count

    start = time.perf_counter()
    value, exit_code = run_in_fork(work, limit, MEMORY)
    killer, count = value or ("time limit" if exit_code is None else "crash", 0)
    return Outcome(killer, time.perf_counter() - start, count)


def _silence() -> None:
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)


def _forget_ours() -> None:
    """Let every module of the project be imported anew."""
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]


def count_killed(path: str, count: int, seed: int) -> tuple[int, int]:
    """Run the tests on mutants of one module and print those that survive; return how many were killed, and made."""
    source, tests = Path(path).read_text(), TARGETS[path]
    healthy = _check_tests(path, source, tests, seed)
    mutants = mutants_of(path, source)
    chosen = mutants
    if 0 < count < len(mutants):
        chosen = sorted(random.Random(f"{seed} {path}").sample(mutants, count), key=lambda mutant: mutant.line)
    print(
        f"{path}: {len(chosen)} of {len(mutants)} mutants, {healthy.count} tests, {healthy.seconds:.0f} s", flush=True
    )
    killers: dict[str, int] = {}
    killed = 0
    for mutant in chosen:
        first = sorted(killers, key=lambda name: -killers[name])
        outcome = run_tests(path, mutant.source, tests, first, seed, 3 * healthy.seconds + 3)
        if outcome.killer:
            killed += 1
            killers[outcome.killer] = killers.get(outcome.killer, 0) + 1
        else:
            _print_survivor(source, mutant)
    print(f"{path}: {killed} of {len(chosen)} killed ({100 * killed / max(len(chosen), 1):.0f} %)", flush=True)
    return killed, len(chosen)


def _check_tests(path: str, source: str, tests: Sequence[str], seed: int) -> Outcome:
    """Return how the tests end on the unchanged source; they must pass on it, and fail on a module that is broken."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*PYTEST, "--collect-only", *tests])  # imports third-party packages once for all forks
    healthy = run_tests(path, source, tests, [], seed, 600)
    broken = run_tests(path, "raise ImportError", tests, [], seed, 600)  # else another text than this one is tested
    if healthy.killer or not broken.killer:
        raise SystemExit(f"{path}: the tests fail on it as it is ({healthy.killer}), or pass without it")
    return healthy


def _print_survivor(source: str, mutant: Mutant) -> None:
    diff = difflib.unified_diff(source.splitlines(), mutant.source.splitlines(), n=0, lineterm="")
    print(f"  survived: {mutant.kind}", *[f"    {line}" for line in list(diff)[2:]], sep="\n", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Test mutants of modules and print the score."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.robustness.mutation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("modules", nargs="*", help="paths; all of TARGETS if none")
    parser.add_argument("--count", type=int, default=40, help="mutants per module, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the random draw")
    options = parser.parse_args(arguments)
    unknown = [path for path in options.modules if path not in TARGETS]
    if unknown:
        parser.error(f"no tests are listed for {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    print(f"seed {options.seed}")
    scores = [count_killed(path, options.count, options.seed) for path in options.modules or TARGETS]
    killed, made = (sum(column) for column in zip(*scores, strict=True))
    print(f"all: {killed} of {made} killed ({100 * killed / made:.0f} %)")


if __name__ == "__main__":
    main()
