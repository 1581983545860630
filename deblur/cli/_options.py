"""What the options of several commands have in common."""

from __future__ import annotations

from typing import Annotated

import typer

Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]

PsfSize = Annotated[
    str,
    typer.Option(
        "--psf-size",
        metavar="N|NxM",
        help="Largest size of an estimated PSF in pixels, odd; a third too much does no harm. Or auto, to find it.",
    ),
]


def check_not_empty(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse an empty path, as an unset variable of a script leaves it: it would mean the current folder."""
    if value is not None and "" in (value if isinstance(value, list) else [value]):
        raise typer.BadParameter("it is empty")
    return value
