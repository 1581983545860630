"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer


def check_not_empty(value: str | list[str] | None) -> str | list[str] | None:
    """Refuse an empty path, as from an unset variable of a script: it would mean the current folder."""
    if value is not None and "" in (value if isinstance(value, list) else [value]):
        raise typer.BadParameter("it is empty")
    return value


Device = Annotated[
    str,
    typer.Option(
        "--device", metavar="DEVICE", callback=check_not_empty, help="Where to compute: auto, cpu, cuda, cuda:1, mps."
    ),
]

Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]

PsfFile = Annotated[
    str,
    typer.Option(
        "--output",
        "-o",
        callback=check_not_empty,
        metavar="FILE",
        help=".npy keeps the values exactly, .tif in 32-bit floats; .png is a 16-bit picture.",
    ),
]

PsfSize = Annotated[
    str,
    typer.Option(
        "--psf-size",
        metavar="N|NxM",
        help="Largest size of the PSF of a shake in pixels, odd; a third too much does no harm. auto finds it.",
    ),
]


def sizes_in(text: str) -> tuple[int, ...]:
    """Read numbers joined by x, as in ``31`` and ``31x21``; return none for any other text."""
    parts = text.split("x")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def parse_psf_size(text: str) -> tuple[int, int] | None:
    """Read the largest size of a PSF: ``31``, ``31x21``, or None for ``auto``."""
    if text == "auto":
        return None
    sizes = sizes_in(text)
    if len(sizes) not in (1, 2):
        raise ValueError(f"--psf-size must be auto, or odd pixels such as 31 or 31x21, got {text!r}")
    if any(size < 3 or size % 2 == 0 for size in sizes):
        raise ValueError(f"--psf-size must be odd and at least 3, got {text!r}")
    return sizes[0], sizes[-1]
