"""The command `deblur psf beads`: its options and explanations; and the kinds of PSF for the help of `make`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from deblur.cli._options import Force, PsfFile, check_not_empty

BEADS_EPILOG = """\b
Examples:
  deblur psf beads beads.tif --size 31x65x65 -o psf.tif
  deblur psf beads beads.tif --size 41 --symmetrize -o psf.tif"""

_COLUMN = 33  # of 80: where the notes on short examples begin


class PsfKindsCommand(TyperCommand):
    """A command whose help lists the kinds of point-spread function, imported only when that help is shown."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the list of kinds, then the epilog given to the command."""
        own, self.epilog = self.epilog, f"{_kinds_epilog()}\n\n{self.epilog}"
        super().format_epilog(ctx, formatter)
        self.epilog = own


def _kinds_epilog() -> str:
    from deblur.psf._kinds import kinds

    examples = [each for kind in kinds().values() for each in kind.examples.items()]
    short = [f"  {text:{_COLUMN - 2}}  {note}" for text, note in examples if len(text) <= _COLUMN - 2]
    long = [f"  {text}\n    {note}" for text, note in examples if len(text) > _COLUMN - 2]
    return "\b\n" + "\n".join(["Kinds:", *short, *long])


def beads(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", callback=check_not_empty, help="Picture or stack of beads (TIFF).")
    ],
    output: PsfFile,
    size: Annotated[
        str,
        typer.Option(
            metavar="N|NxM|NxMxK",
            help="Size of the PSF in voxels, planes first; each bead needs such a window to itself.",
            show_default=False,
        ),
    ],
    threshold: Annotated[
        float, typer.Option(metavar="T", help="Least height of a bead, as a part of the highest one's.")
    ] = 0.2,
    symmetrize: Annotated[bool, typer.Option("--symmetrize", help="Average about the optical axis.")] = False,
    force: Force = False,
) -> None:
    """Measure a point-spread function from a picture or a stack of small beads.

    Beads that lie alone are aligned to a fraction of a voxel and averaged; those unlike the others are left out.
    """
    from deblur.cli._psf import measure_psf

    measure_psf(Path(image), Path(output), size, threshold=threshold, symmetrize=symmetrize, force=force)
