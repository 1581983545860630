"""`deblur doctor`: its options and help. The module beside does the work."""

from __future__ import annotations

from typing import Annotated

import typer

from deblur.cli._options import Device

DOCTOR_EPILOG = """\b
Examples:
  deblur doctor
  deblur doctor --json > report.json"""


def doctor(
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Check the installation, and print what a bug report needs.

    Prints versions, device, threads, memory and optional formats, and runs a small self-test of the operators, of
    restoration and of factorization. Takes a few seconds. The exit code is 1 if the self-test fails.
    """
    from deblur.cli._doctor import run_doctor

    raise typer.Exit(run_doctor(device, as_json=as_json))
