"""What the site takes from elsewhere in the project: notebooks, their pictures, pages, and the help of the commands."""

from __future__ import annotations

import base64
import json
import re
import textwrap
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml

ROOT = Path(__file__).parents[1]

PICTURES = {"01": 1, "02": 1, "03": -1, "04": 0, "05": 0, "06": 1, "07": 0, "08": 4, "09": 0}
"""Which of its pictures stands for a notebook in the gallery."""


def everything(docs: Path) -> None:
    """Write what is gathered beside the pages, each file only where it has changed."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        write(docs / "tutorial" / notebook.name, notebook.read_bytes())
        pictures = pictures_of(json.loads(notebook.read_text(encoding="utf-8")))
        write(docs / "tutorial" / "thumbnails" / f"{notebook.stem}.jpg", pictures[PICTURES[notebook.name[:2]]])
    write(docs / "reference" / "cli.md", command_lines().encode())
    for source, target in (("CHANGELOG.md", "changelog.md"), ("CONTRIBUTING.md", "contributing.md")):
        write(docs / target, (ROOT / source).read_bytes())
    write(docs / "explanation" / "model_card.md", (ROOT / "deblur/networks/weights/README.md").read_bytes())


def write(path: Path, content: bytes) -> None:
    """Write a file where it differs, so that the next build is short."""
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def pictures_of(notebook: dict[str, Any]) -> list[bytes]:
    """Return the pictures among a notebook's outputs."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    return [base64.b64decode(o["data"]["image/jpeg"]) for o in outputs if "image/jpeg" in o.get("data", {})]


def command_lines() -> str:
    """Return a page with the help of every command, as the command prints it."""
    import typer
    from typer.testing import CliRunner

    from deblur.cli import app as deblur_app
    from nmf.cli import app as nmf_app

    parts = ["# Command line", "What each command prints when it is asked for `--help`."]

    def walk(app: Any, command: Any, words: list[str], prefix: str) -> None:
        name = " ".join([prefix, *words])
        arguments = [*words, "--help"]
        result = CliRunner().invoke(app, arguments, prog_name=prefix, terminal_width=100, env={"COLUMNS": "100"})
        if result.exit_code:
            raise RuntimeError(f"{name} --help failed: {result.output}")
        parts.append(f"## {name}\n\n```text\n{result.output.rstrip()}\n```")
        for child in getattr(command, "commands", {}):
            walk(app, command.commands[child], [*words, child], prefix)

    walk(deblur_app, typer.main.get_command(deblur_app), [], "deblur")
    walk(nmf_app, typer.main.get_command(nmf_app), [], "python -m nmf")
    return "\n\n".join(parts) + "\n"


def connect(app: Any) -> None:
    """Tell Sphinx how formulas are drawn, and which members of records to leave out."""
    app.add_html_math_renderer("mathml", (inline_math, None), (display_math, None))
    app.connect("autodoc-skip-member", skips)
    app.connect("doctree-resolved", link_names)
    app.connect("doctree-resolved", let_names_break)


def skips(app: Any, kind: str, name: str, member: object, skip: bool, options: object) -> bool | None:
    """Leave out the fields of named tuples: the docstring of the class has them, with shapes."""
    return True if (getattr(member, "__doc__", None) or "").startswith("Alias for field number") else None


def link_names(app: Any, doctree: nodes.document, docname: str) -> None:
    """Make a link of every name in a page's text that the reference has, so that pages stay plain Markdown."""
    known = app.env.domains["py"].objects
    for literal in list(doctree.findall(nodes.literal)):
        target = known.get(re.split(r"[(\s]", literal.astext())[0])
        if target is None or target.docname == docname or isinstance(literal.parent, nodes.reference):
            continue
        uri = app.builder.get_relative_uri(docname, target.docname)
        place = "" if target.objtype == "module" else f"#{target.node_id}"
        link = nodes.reference("", "", internal=True, refuri=uri + place)
        literal.replace_self(link)
        link += literal


def let_names_break(app: Any, doctree: nodes.document, docname: str) -> None:
    """Let long names in tables go on in the next line after a dot or an underscore, so that telephones show them."""
    for entry in doctree.findall(nodes.entry):
        for literal in entry.findall(nodes.literal):
            parts = [nodes.Text(part) for part in re.split(r"(?<=[A-Za-z][._])(?=\w)", literal.astext())]
            literal.children = []
            for part in parts:
                literal += [part, nodes.raw("", "<wbr>", format="html")]


def inline_math(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(latex2mathml.tex2mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def display_math(self: Any, node: nodes.math_block) -> None:
    """Write formulas with lines of their own: blank lines part them."""
    for formula in re.split(r"\n\s*\n", textwrap.dedent(node.astext()).strip()):
        self.body.append(f'<div class="math">{latex2mathml.tex2mathml(formula, as_block=True)}</div>')
    raise nodes.SkipNode
