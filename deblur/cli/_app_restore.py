"""The command `deblur restore`: its options and explanations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from deblur.cli._options import Device, Force, PsfSize, check_not_empty
from deblur.cli._verbosity import Command, reporter_of

RESTORE_EPILOG = """\b
Examples:
  deblur restore photo.jpg
  deblur restore photo.jpg --psf "motion:length=15,angle=30"
  deblur restore photo.jpg --psf psf.tif --method richardson-lucy -o sharp.png
  deblur restore shots/ more/*.tif --psf "gaussian:sigma=2" -o restored/
  deblur restore stack.tif --psf "gaussian:sigma=3x1x1" --json
  deblur restore cells.ome.tif --psf psf3d.tif --method richardson-lucy -o cells.zarr
  deblur restore mosaic.tif --psf psf.tif --method wiener --memory 4G
  deblur restore scans/ --psf psf.tif -o sharp/ --scheduler tcp://10.0.0.1:8786
  deblur restore - --psf psf.tif < photo.jpg > sharp.jpg"""


class RestoreCommand(Command):
    """A command whose help lists the methods, imported only when that help is shown."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, with the methods of the registry."""
        from deblur.cli._settings import method_help

        for parameter in self.params:
            if parameter.name == "method":
                parameter.help = method_help()  # type: ignore[attr-defined]
        return super().get_help(ctx)


def _check_address(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\w+://.+:\d+", value):
        raise typer.BadParameter(f"it must look like tcp://host:8786, got {value!r}")
    return value


def restore(
    context: typer.Context,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            callback=check_not_empty,
            help="Pictures to restore (JPEG, PNG, TIFF, WebP, OME-Zarr), and folders of them. A single - reads one "
            "picture from standard input and writes the result to standard output in the same format.",
            show_default=False,
        ),
    ],
    psf: Annotated[
        str | None,
        typer.Option(
            metavar="PSF",
            help="Point-spread function of the blur: a file (.npy, .tif, .png), or a description such as "
            "disk:radius=4 (see deblur psf make --help). With 3 axes it applies to volumes, with 2 to each page. "
            "Without it, the PSF is estimated from each picture.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="Restoration method, or auto.",
        ),
    ] = "auto",
    noise_level: Annotated[
        str,
        typer.Option(
            metavar="S",
            help="Standard deviation of the noise as a fraction of the full range, in linear light where that is "
            "restored; or auto, to estimate it.",
        ),
    ] = "auto",
    iterations: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Maximum number of iterations, for iterative methods that restore with a PSF.",
            show_default=False,
        ),
    ] = None,
    linear: Annotated[
        bool | None,
        typer.Option(
            "--linear/--no-linear",
            help="Decode the sRGB curve before, and encode it after. By default on for 8-bit and 16-bit pictures "
            "with --psf, off for stacks, instrument files and floating-point files.",
            show_default=False,
        ),
    ] = None,
    psf_size: PsfSize = "auto",
    save_psf: Annotated[
        str | None,
        typer.Option(
            "--save-psf",
            callback=check_not_empty,
            metavar="FILE",
            help="Write the PSF that was estimated (.npy, .tif, .png).",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="FILE|DIR",
            help="File to write, or folder (made if missing). By default name-restored.suffix beside the picture.",
            show_default=False,
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="BYTES",
            help="Memory limit, such as 4G or 500M: a TIFF is then restored in windows of matching size. Stacks "
            "always are, in four fifths of the free memory. With --jobs or --scheduler, the limit is per process. "
            "Needs --psf.",
            show_default=False,
        ),
    ] = None,
    float32: Annotated[
        bool,
        typer.Option(
            "--float32", help="Write stacks in 32-bit floats, in the unit of the file, so that nothing clips."
        ),
    ] = False,
    force: Force = False,
    skip_existing: Annotated[
        bool,
        typer.Option("--skip-existing", help="Skip pictures whose results exist, to continue a folder."),
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of processes, ideally one per core, for many pictures (extra dask); each picture uses one "
            "thread, or OMP_NUM_THREADS.",
        ),
    ] = 1,
    scheduler: Annotated[
        str | None,
        typer.Option(
            callback=_check_address,
            metavar="ADDRESS",
            help="Restore on the Dask cluster of this scheduler, as tcp://host:8786. All machines need the same files "
            "under the same names.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON list.")] = False,
) -> None:
    """Restore blurred pictures.

    Without --psf the point-spread function is estimated, for photographs blurred by camera motion; the result states
    the confidence in the estimate. A picture that is not blurred, or that has too little detail, is left unchanged.

    Clipped highlights of 8-bit and 16-bit photographs are treated as brighter than they are, so that they do not ring.

    OME-TIFF, ImageJ hyperstacks and OME-Zarr are read and written in windows, each channel and time separately; axes,
    voxel sizes and channel names are kept. Samples keep their unit: 16-bit counts stay counts, clipped at 65535, and
    the output line says how many were clipped.

    Metadata (EXIF, color profile, resolution, transparency) and bit depth are kept. A bad file does not stop the
    others; the exit code is then 1. It is 2 for a wrong option, or if the only file is bad.
    """
    from deblur.cli._pipe import STANDARD, restore_standard_input
    from deblur.cli._restore import restore_files
    from deblur.cli._settings import Settings

    if scheduler is not None and jobs != 1:
        raise ValueError("--jobs starts processes here, and --scheduler has its own; leave out one")
    if skip_existing and force:
        raise ValueError("--skip-existing leaves results alone, and --force replaces them; leave out one")
    settings = Settings.parse(method, noise_level, iterations, linear, psf_size, memory, floats=float32, device=device)
    settings.check_psf(given=psf is not None)
    estimated = None if save_psf is None else Path(save_psf)
    if STANDARD in images:
        if len(images) > 1 or as_json:
            raise ValueError("- is one picture, from standard input: it goes with no other, and not with --json")
        if skip_existing or scheduler is not None or jobs != 1:
            raise ValueError("--skip-existing, --jobs and --scheduler are for files; - is one picture, restored here")
        report = reporter_of(context)
        code = restore_standard_input(psf, settings, output, force=force, save_psf=estimated, report=report)
        raise typer.Exit(code)
    code = restore_files(
        [Path(image) for image in images],
        psf,
        settings,
        output,
        force=force,
        as_json=as_json,
        save_psf=estimated,
        cluster=jobs if scheduler is None else scheduler,
        skip_existing=skip_existing,
        report=reporter_of(context),
    )
    raise typer.Exit(code)
