"""`deblur demo`: its options and help. The module beside does the work."""

from __future__ import annotations

from typing import Annotated

import typer

from deblur.cli._options import Force, check_not_empty
from deblur.cli._verbosity import reporter_of

DEMO_EPILOG = """\b
Example:
  deblur demo -o pictures/"""


def demo(
    context: typer.Context,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="DIR",
            help="Folder to write to, made if missing. [default: deblur-demo]",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Restore two photographs, and write pictures of before and after.

    One was blurred by the motion of the camera; the other is blurred here, so that the result can be compared with the
    truth. Nothing is downloaded. Takes a few seconds.
    """
    from deblur.cli._demo import run_demo

    run_demo(output, force=force, report=reporter_of(context))
