"""The command `deblur restore`: its options and explanations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from deblur.cli._options import Force, PsfSize, check_not_empty

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


def _check_address(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\w+://.+:\d+", value):
        raise typer.BadParameter(f"it must look like tcp://host:8786, got {value!r}")
    return value


def restore(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            callback=check_not_empty,
            help="Pictures to restore (JPEG, PNG, TIFF, WebP, OME-Zarr), and folders of them. Or - alone: one from "
            "standard input, restored in its format to standard output.",
            show_default=False,
        ),
    ],
    psf: Annotated[
        str | None,
        typer.Option(
            metavar="PSF",
            help="What blurred them: a file (.npy, .tif, .png), or a text such as disk:radius=4 "
            "(see deblur psf make --help). With 3 axes it blurs stacks as volumes, with 2 page by page. Without it, "
            "the PSF is estimated from each picture.",
            show_default=False,
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="auto, the one that scores best: without a PSF all of the blind method, with one unrolled for "
            "pictures, richardson-lucy for stacks as volumes. Or fused (ten times slower, a little better), "
            "plug-and-play, adm, hyper-laplacian, total-variation, wiener, unsupervised-wiener; without a PSF also "
            "selfdeblur (minutes for a small picture).",
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
            help="Most iterations of richardson-lucy, total-variation or hyper-laplacian, most samples of "
            "unsupervised-wiener.",
            show_default=False,
        ),
    ] = None,
    linear: Annotated[
        bool | None,
        typer.Option(
            "--linear/--no-linear",
            help="Undo the sRGB curve before, and apply it again after. If neither is given: for pictures of 8 or 16 "
            "bits restored with --psf, not for stacks and floating-point files.",
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
            help="Most memory to use, as in 4G or 500M: a TIFF is then restored by parts, of a size to match. Stacks "
            "always are, in four fifths of what is free. With --jobs or --scheduler, each process may use it. Needs "
            "--psf.",
            show_default=False,
        ),
    ] = None,
    float32: Annotated[
        bool,
        typer.Option("--float32", help="Write stacks in floats, in the unit of the file (counts), so that none clips."),
    ] = False,
    force: Force = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Leave out pictures whose results exist: go on with a folder.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes to restore on, best one a core, for many pictures (extra dask); each picture on one "
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON list.")] = False,
) -> None:
    """Restore blurred pictures.

    Without --psf the point-spread function is estimated: for photographs blurred by one motion of the camera. What
    comes back says how far to believe it; a picture that is not blurred, or shows nothing to go by, is not changed.

    Clipped highlights of photographs of 8 or 16 bits are taken for brighter than they are, so that lamps do not ring.

    OME-TIFF, ImageJ hyperstacks and OME-Zarr are read and written by parts, every channel and time by itself; axes,
    voxel sizes and channel names are kept. Samples keep their unit: 16-bit counts are counts in the result, clipped at
    65535, and the line says how many were.

    What the file says besides pixels (EXIF, color profile, resolution, transparency) is kept, and so is its depth.
    After a bad file the others are restored all the same, and the exit code is 1. It is 2 for a wrong option, and for a
    bad file that is the only one.
    """
    from deblur.cli._pipe import STANDARD, restore_standard_input
    from deblur.cli._restore import restore_files
    from deblur.cli._settings import Settings

    if psf is not None and psf_size != "auto":
        raise ValueError("--psf-size is for a PSF that is estimated; leave --psf out")
    if psf is not None and method == "selfdeblur":
        raise ValueError("--method selfdeblur finds the PSF itself; leave --psf out")
    if psf is None and (memory is not None or float32):
        raise ValueError(f"{'--memory' if memory is not None else '--float32'} needs --psf")
    if scheduler is not None and jobs != 1:
        raise ValueError("--jobs starts processes here, and --scheduler has its own; leave out one")
    if skip_existing and force:
        raise ValueError("--skip-existing leaves results alone, and --force replaces them; leave out one")
    settings = Settings.parse(method, noise_level, iterations, linear, psf_size, memory, floats=float32)
    estimated = None if save_psf is None else Path(save_psf)
    if STANDARD in images:
        if len(images) > 1 or as_json:
            raise ValueError("- is one picture, from standard input: it goes with no other, and not with --json")
        if skip_existing or scheduler is not None or jobs != 1:
            raise ValueError("--skip-existing, --jobs and --scheduler are for files; - is one picture, restored here")
        raise typer.Exit(restore_standard_input(psf, settings, output, force=force, save_psf=estimated))
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
    )
    raise typer.Exit(code)
