"""`deblur psf`: its commands, their options and help. The module beside does the work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deblur.cli._options import Device, Force, PsfFile, PsfSize, check_not_empty
from deblur.cli._verbosity import Command, reporter_of

psf_app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

_COLUMN = 33  # of 80: where the notes on short examples begin


class PsfKindsCommand(Command):
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


@psf_app.callback(
    invoke_without_command=True,
    epilog="""\b
Examples:
  deblur psf make "disk:radius=4" -o psf.tif
  deblur psf estimate photo.jpg -o psf.tif
  deblur psf beads beads.tif --size 31x65x65 -o psf.tif
  deblur psf show psf.tif""",
)
def _psf_root(context: typer.Context) -> None:
    """Make, estimate, measure and show point-spread functions."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@psf_app.command(
    cls=PsfKindsCommand,
    epilog="""\b
Lengths are pixels, those of microscopes micrometers; angles are degrees,
counter-clockwise from the horizontal.
Every kind takes shape, as in shape=41 or shape=41x31.

\b
Example:
  deblur psf make "motion:length=15,angle=30" -o psf.tif""",
)
def make(
    context: typer.Context,
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="Description of the point-spread function.", show_default=False)
    ],
    output: PsfFile,
    force: Force = False,
) -> None:
    """Make a point-spread function, and write it to a file."""
    from deblur.cli._psf import make_psf

    make_psf(spec, Path(output), force=force, report=reporter_of(context))


@psf_app.command(
    cls=Command,
    epilog="""\b
Examples:
  deblur psf show psf.tif
  deblur psf show "camera_shake:length=31,seed=4" -o shake.png""",
)
def show(
    psf: Annotated[
        str,
        typer.Argument(
            metavar="PSF", help="A file, or a description of the point-spread function.", show_default=False
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="FILE",
            help="Write an enlarged picture, too.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Describe and draw a point-spread function.

    Prints its size, sum, centroid, support and voxel size, what is wrong with it and would be mended, and a picture of
    it. There, brightness is the square root of the value, so that faint parts show; a 3-D PSF is summed over its
    planes. Files are arrays (.npy), pictures (TIFF, PNG, JPEG, BMP), FITS, MATLAB (FILE.mat:NAME for one of several)
    and tables (.txt, .csv).
    """
    from deblur.cli._psf import show_psf

    show_psf(psf, None if output is None else Path(output), force=force)


@psf_app.command(
    cls=Command,
    epilog="""\b
Examples:
  deblur psf estimate photo.jpg -o psf.tif
  deblur psf estimate photo.jpg --psf-size 61 -o psf.npy""",
)
def estimate(
    context: typer.Context,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A blurred photograph.", show_default=False)],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", callback=check_not_empty, metavar="FILE", help="File to write (.npy, .tif, .png)."
        ),
    ],
    psf_size: PsfSize = "auto",
    device: Device = "auto",
    force: Force = False,
) -> None:
    """Estimate the point-spread function of a blurred photograph.

    Writes it, draws it, and prints the confidence in it: high, medium or low. Where no blur is found, it is one pixel.
    """
    from deblur.cli._psf import estimate_psf

    report = reporter_of(context)
    estimate_psf(Path(image), Path(output), psf_size, device=device, force=force, report=report)


@psf_app.command(
    cls=Command,
    epilog="""\b
Examples:
  deblur psf beads beads.tif --size 31x65x65 -o psf.tif
  deblur psf beads beads.tif --size 41 --symmetrize -o psf.tif""",
)
def beads(
    context: typer.Context,
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", callback=check_not_empty, help="Picture or stack of beads (TIFF).")
    ],
    output: PsfFile,
    size: Annotated[
        str,
        typer.Option(
            metavar="N|NxM|NxMxK",
            help="Size of the PSF in voxels, planes first; each bead needs a window of this size to itself.",
            show_default=False,
        ),
    ],
    threshold: Annotated[
        float, typer.Option(metavar="T", help="Smallest height of a bead, relative to the highest one.")
    ] = 0.2,
    symmetrize: Annotated[bool, typer.Option("--symmetrize", help="Average about the optical axis.")] = False,
    force: Force = False,
) -> None:
    """Measure a point-spread function from a picture or a stack of small beads.

    Isolated beads are aligned to a fraction of a voxel and averaged; outliers are left out.
    """
    from deblur.cli._psf import measure_psf

    report = reporter_of(context)
    measure_psf(Path(image), Path(output), size, threshold=threshold, symmetrize=symmetrize, force=force, report=report)
