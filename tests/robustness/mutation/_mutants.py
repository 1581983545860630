"""Small changes of a module's source: operators, comparisons, constants, conditions, arguments, calls, statements.

Texts (docstrings, messages, ``__repr__``), annotations, decorators and default values of parameters are left alone.
"""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tests.robustness.mutation.targets import EQUIVALENT


class Mutant(NamedTuple):
    """A source text with one change."""

    kind: str
    line: int
    source: str


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
    """Yield what a node may be changed to, None for its deletion."""
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
    """Swap or drop arguments of a call, or replace it by its argument or object."""
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
    """Walk the nodes of function bodies that take part in the computation."""

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
    """Return every mutant of a module except the equivalent ones."""
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
    """Return whether a change is listed as equivalent."""
    old, new = (" ".join(" ".join(part).split()) for part in changed_lines(source, changed))
    return any(before in old and after in new for before, after, _ in EQUIVALENT.get(path, ()))


def changed_lines(source: str, changed: str) -> tuple[list[str], list[str]]:
    """Return the lines that differ, before and after."""
    a, b = source.splitlines(), changed.splitlines()
    head = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    tail = next((i for i, (x, y) in enumerate(zip(a[::-1], b[::-1], strict=False)) if x != y), 0)
    return a[head : len(a) - tail], b[head : len(b) - tail]
