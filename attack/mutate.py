"""Mutation testing: change the code a little, in many ways, one at a time, and see whether a test goes red.

    python -m attack.mutate                                  # every module of TARGETS, 40 mutants each
    python -m attack.mutate deblur/operators/_linear.py --count 0    # all mutants of one

A survivor, a change that no test noticed, is printed as a diff: a hole in the tests, code that is not needed, or
a change that means nothing (then `EQUIVALENT` says why). The sample depends on the seed and the source alone.

Operators and comparisons are flipped, constants shifted, conditions negated, arguments swapped or left out, calls
replaced by their argument, bounds of slices left out, statements deleted, returned values replaced by None. Texts
(docstrings, messages, `__repr__`), annotations, decorators and default values of parameters are left alone.

Each mutant is imported by a fork of a process that holds torch, pytest and all else already, so that it costs the
time of its tests; those that killed before run first.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import copy
import difflib
import importlib.abc
import importlib.machinery
import importlib.util
import io
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from .mutate_targets import EQUIVALENT, TARGETS

OURS = ("deblur", "nmf", "tests", "conftest")
GIBIBYTES = 8  # a mutant may ask for any amount of memory
PYTEST = ("-o", "addopts=--doctest-modules", "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "-x", "--no-header")


class Mutant(NamedTuple):
    """One change of a source text."""

    kind: str
    line: int
    source: str


# -- what is changed

ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}
ARITHMETIC |= {ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
COMPARISONS = {ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE)}
COMPARISONS |= {ast.GtE: (ast.Gt, ast.Lt), ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,)}
COMPARISONS |= {ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,)}


def with_fields(node: Any, **fields: Any) -> Any:
    """Return a copy of a node with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def replaced(items: Sequence[Any], i: int, *new: Any) -> list[Any]:
    """Return a list with the i-th item replaced."""
    return [*items[:i], *new, *items[i + 1 :]]


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST | None]]:
    """Give what a node may be changed to, None for nothing at all."""
    match node:
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            yield "operator", with_fields(node, op=ARITHMETIC[type(node.op)]())
        case ast.Compare():
            for i, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    yield "comparison", with_fields(node, ops=replaced(node.ops, i, other()))
        case ast.BoolOp():
            yield "and, or", with_fields(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp() if not isinstance(node.operand, ast.Constant):
            yield "sign", node.operand
        case ast.Constant(value=bool()):
            yield "constant", ast.Constant(not node.value)
        case ast.Constant(value=int()):
            yield from (("constant", ast.Constant(node.value + shift)) for shift in (-1, 1))
        case ast.Constant(value=float()):
            yield "constant", ast.Constant(2 * node.value if node.value else 1.0)
        case ast.IfExp() | ast.If():
            yield "condition", with_fields(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Call():
            yield from changes_of_call(node)
        case ast.Slice():
            yield from (("slice", with_fields(node, **{end: None})) for end in ("lower", "upper") if getattr(node, end))
        case ast.Return() if node.value and not (isinstance(node.value, ast.Constant) and node.value.value is None):
            yield "returned", ast.Return(ast.Constant(None))
        case ast.Expr() | ast.Raise() | ast.Break() | ast.Continue():
            yield "deleted", None
        case ast.Assign() | ast.AnnAssign() if not isinstance(getattr(node, "targets", [None])[0], ast.Name | None):
            yield "deleted", None
    if isinstance(node, ast.AugAssign):
        yield "deleted", None


def changes_of_call(node: ast.Call) -> Iterator[tuple[str, ast.AST]]:
    """Swap or leave out arguments of a call, or take the call for what it is made on."""
    plain = [arg for arg in node.args if not isinstance(arg, ast.Starred)]
    if len(plain) > 1 and plain == node.args:
        yield "arguments", with_fields(node, args=[node.args[1], node.args[0], *node.args[2:]])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg not in (None, "strict"):
            yield "arguments", with_fields(node, keywords=replaced(node.keywords, i))
    method = isinstance(node.func, ast.Attribute) and not (
        isinstance(node.func.value, ast.Name) and node.func.value.id in ("torch", "math", "F", "np", "itertools")
    )
    if method and not isinstance(node.func.value, ast.Call):  # type: ignore[attr-defined]
        yield "call", node.func.value  # type: ignore[attr-defined]
    elif plain and not (isinstance(node.func, ast.Name) and node.func.id == "tuple"):  # a torch.Size is one
        yield "call", plain[0]


def mutable(tree: ast.Module) -> Iterator[ast.AST]:
    """Walk through the nodes of function bodies that say what is computed."""

    def walk(node: ast.AST, inside: bool) -> Iterator[ast.AST]:
        match node:
            case ast.FunctionDef(name="__repr__") | ast.ClassDef(bases=[ast.Name(id="Protocol")]) | ast.JoinedStr():
                return
            case ast.FunctionDef():
                body = node.body[1:] if ast.get_docstring(node) is not None else node.body
                for child in body:
                    yield from walk(child, True)
                return
            case ast.ClassDef() | ast.Module():
                for child in node.body:
                    yield from walk(child, inside)
                return
            case ast.Raise() | ast.Assert() | ast.Import() | ast.ImportFrom():
                if isinstance(node, ast.Raise) and inside:
                    yield node
                return
            case ast.AnnAssign():
                children: list[ast.AST] = [node.target, *([node.value] if node.value else [])]
            case ast.Expr(value=ast.Constant()) | ast.keyword(arg="strict"):  # the second is an assertion
                return
            case _:
                children = list(ast.iter_child_nodes(node))
        if inside:
            yield node
        for child in children:
            yield from walk(child, inside)

    yield from walk(tree, False)


def mutants_of(path: str, source: str) -> list[Mutant]:
    """Make every mutant of a module but those that cannot matter."""
    lines = source.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line.encode()))
    data, found = source.encode(), {}
    for node in mutable(ast.parse(source)):
        if not hasattr(node, "lineno"):
            continue
        begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        for kind, new in changes(node):
            if new is None:
                text = "pass"
            elif isinstance(node, ast.If):  # only its head, else all of it would be written anew
                begin = starts[node.test.lineno - 1] + node.test.col_offset
                end = starts[node.test.end_lineno - 1] + node.test.end_col_offset
                text = f"(not ({ast.unparse(node.test)}))"
            else:
                text = ast.unparse(ast.fix_missing_locations(new))
                text = f"({text})" if isinstance(new, ast.expr) and not isinstance(new, ast.Name | ast.Slice) else text
            changed = (data[:begin] + text.encode() + data[end:]).decode()
            with contextlib.suppress(SyntaxError):  # a call without what names its unpacked arguments, say
                compile(changed, path, "exec")
                if not is_equivalent(path, source, changed):
                    found.setdefault(changed, Mutant(kind, node.lineno, changed))
    return sorted(found.values(), key=lambda mutant: (mutant.line, mutant.kind, mutant.source))


def is_equivalent(path: str, source: str, changed: str) -> bool:
    """Whether the list of changes that mean nothing has this one."""
    old, new = (" ".join(" ".join(part).split()) for part in changed_lines(source, changed))
    return any(before in old and after in new for before, after, _ in EQUIVALENT.get(path, ()))


def changed_lines(source: str, changed: str) -> tuple[list[str], list[str]]:
    """Return the lines that differ, before and after."""
    a, b = source.splitlines(), changed.splitlines()
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    tail = next((i for i, (x, y) in enumerate(zip(a[::-1], b[::-1], strict=False)) if x != y), 0)
    return a[head : len(a) - tail], b[head : len(b) - tail]


# -- what runs


class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """A pytest plugin that imports one module from a text instead of its file."""

    def __init__(self, path: str, source: str) -> None:
        self._path, self._source = path, source
        self.name = path.removesuffix(".py").replace("/", ".")

    def pytest_sessionstart(self) -> None:
        """Come before pytest's own importer, which takes the modules whose doctests it runs."""
        sys.meta_path.insert(0, self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """Say where this module comes from."""
        return importlib.util.spec_from_loader(name, self, origin=self._path) if name == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the text."""
        module.__file__ = os.path.abspath(self._path)
        exec(compile(self._source, module.__file__, "exec"), module.__dict__)  # noqa: S102 - our own module, changed


class Order:
    """A pytest plugin: those that killed before run first; who fails is remembered."""

    def __init__(self, first: Sequence[str], seed: int) -> None:
        self._rank = {name: i for i, name in enumerate(first)}
        self._random = random.Random(seed)
        self.failed: list[str] = []
        self.count = 0

    @pytest.hookimpl(trylast=True)  # after those that were not chosen are gone
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Sort the tests; the rest at random, since neighbors test the same."""
        self._random.shuffle(items)
        items.sort(key=lambda item: self._rank.get(item.nodeid, len(self._rank)))
        self.count = len(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a failure."""
        if report.failed:
            self.failed.append(report.nodeid)


class Outcome(NamedTuple):
    """How the tests ended: "" where all passed, else what killed the mutant."""

    killer: str
    seconds: float
    count: int


def run_tests(path: str, source: str, tests: Sequence[str], first: Sequence[str], seed: int, limit: float) -> Outcome:
    """Run the tests on a changed module, in a fork."""
    start = time.perf_counter()
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receiver)
        signal.setitimer(signal.ITIMER_REAL, limit)  # whose signal ends a process
        resource.setrlimit(resource.RLIMIT_DATA, (GIBIBYTES << 30, GIBIBYTES << 30))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        forget_ours()
        importer, order = Importer(path, source), Order(first, seed)
        status = pytest.main([*PYTEST, *tests], plugins=[importer, order])
        killer = "" if status == 0 else order.failed[0] if order.failed else f"pytest: {status}"
        os.write(sender, json.dumps([killer, order.count]).encode())
        os._exit(0)
    os.close(sender)
    with os.fdopen(receiver, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    killer, count = json.loads(answer) if answer else ("time limit" if os.WIFSIGNALED(status) else "crash", 0)
    return Outcome(killer, time.perf_counter() - start, count)


def forget_ours() -> None:
    """Let every module of the project be imported anew."""
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]


def attack(path: str, count: int, seed: int) -> tuple[int, int]:
    """Try mutants of one module and print those that survive; return how many were killed, and made."""
    source, tests = Path(path).read_text(), TARGETS[path]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*PYTEST, "--collect-only", *tests])  # imports what others wrote, once for all
    healthy = run_tests(path, source, tests, [], seed, 600)
    broken = run_tests(path, "raise ImportError", tests, [], seed, 600)  # else it is not this text that is tested
    if healthy.killer or not broken.killer:
        raise SystemExit(f"{path}: the tests fail on it as it is ({healthy.killer}), or pass without it")
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
            diff = difflib.unified_diff(source.splitlines(), mutant.source.splitlines(), n=0, lineterm="")
            print(f"  survived: {mutant.kind}", *[f"    {line}" for line in list(diff)[2:]], sep="\n", flush=True)
    print(f"{path}: {killed} of {len(chosen)} killed ({100 * killed / max(len(chosen), 1):.0f} %)", flush=True)
    return killed, len(chosen)


def main(arguments: Sequence[str] | None = None) -> None:
    """Attack modules and print the score."""
    parser = argparse.ArgumentParser(prog="python -m attack.mutate", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("modules", nargs="*", help="paths; all of TARGETS if none")
    parser.add_argument("--count", type=int, default=40, help="mutants a module, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="of the draw")
    options = parser.parse_args(arguments)
    unknown = [path for path in options.modules if path not in TARGETS]
    if unknown:
        parser.error(f"no tests are listed for {', '.join(unknown)}; there are {', '.join(TARGETS)}")
    print(f"seed {options.seed}")
    scores = [attack(path, options.count, options.seed) for path in options.modules or TARGETS]
    killed, made = (sum(column) for column in zip(*scores, strict=True))
    print(f"all: {killed} of {made} killed ({100 * killed / made:.0f} %)")


if __name__ == "__main__":
    main()
