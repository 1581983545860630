"""Options of `deblur restore`: the text of their help."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from deblur.cli._options import check_not_empty


def _check_address(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"\w+://.+:\d+", value):
        raise typer.BadParameter(f"it must look like tcp://host:8786, got {value!r}")
    return value


Psf = Annotated[
    str | None,
    typer.Option(
        "--psf",
        metavar="PSF",
        help="Point-spread function of the blur: a file (TIFF, PNG, .npy, FITS, .mat, .csv), or a description such as "
        "disk:radius=4 (see deblur psf make --help). With 3 axes it applies to volumes, with 2 to each page. "
        "Without it, the PSF is estimated from each picture.",
        show_default=False,
    ),
]

Method = Annotated[str, typer.Option("--method", metavar="METHOD", help="Restoration method, or auto.")]

Blur = Annotated[
    str,
    typer.Option(
        "--blur",
        metavar="auto|shake|motion|focus|soft",
        help="Kind of the blur, where there is no --psf: a shake of the camera, straight motion, a lens out of focus, "
        "a little softness. auto finds out, and the output line says it.",
    ),
]

NoiseLevel = Annotated[
    str,
    typer.Option(
        "--noise-level",
        metavar="S",
        help="Standard deviation of the noise as a fraction of the full range, in linear light where that is "
        "restored: 0.02, or 2%; iso:800 for a camera at that sensitivity; a .json file with the noise of a camera; "
        "or auto, to estimate it.",
    ),
]

Iterations = Annotated[
    int | None,
    typer.Option(
        "--iterations",
        metavar="N",
        help="Maximum number of iterations, for iterative methods that restore with a PSF.",
        show_default=False,
    ),
]

Linear = Annotated[
    bool | None,
    typer.Option(
        "--linear/--no-linear",
        help="Decode the sRGB curve before, and encode it after. By default on for 8-bit and 16-bit pictures "
        "with --psf, off for stacks, instrument files and floating-point files.",
        show_default=False,
    ),
]

Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        metavar="photo|counts",
        help="What the pictures are: photographs, or counts of a measurement. By default the file decides, and the "
        "output line says so where they are counts.",
        show_default=False,
    ),
]

Mask = Annotated[
    str | None,
    typer.Option(
        "--mask",
        callback=check_not_empty,
        metavar="FILE",
        help="Gray picture of the same size: black pixels are left out, and kept as they are; white ones are used.",
        show_default=False,
    ),
]

BadPixels = Annotated[
    str | None,
    typer.Option(
        "--bad-pixels",
        callback=check_not_empty,
        metavar="auto|FILE",
        help="Leave out dead and hot pixels: those found by auto, or those white in a gray picture of the same size.",
        show_default=False,
    ),
]

Background = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="N|auto",
        help="Light that is everywhere, in the unit of the file, for counts: without it, it is restored as part of "
        "the scene.",
        show_default=False,
    ),
]

Gain = Annotated[
    float | None,
    typer.Option("--gain", metavar="G", help="Electrons per count, for the noise of counts.", show_default=False),
]

ReadNoise = Annotated[
    float | None,
    typer.Option(
        "--read-noise",
        metavar="E",
        help="Standard deviation of the camera's read noise in electrons, for the noise of counts.",
        show_default=False,
    ),
]

SavePsf = Annotated[
    str | None,
    typer.Option(
        "--save-psf",
        callback=check_not_empty,
        metavar="FILE",
        help="Write the PSF that was estimated (.npy, .tif, .png).",
        show_default=False,
    ),
]

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        callback=check_not_empty,
        metavar="FILE|DIR|NAME",
        help="File to write, folder (made if missing), or a name with the fields {stem}, {ext}, {method}, {parent} and "
        "{n}, the number in this run. By default name-restored.suffix beside the picture.",
        show_default=False,
    ),
]

Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        callback=check_not_empty,
        metavar="FORMAT",
        help="Format of the results: jpg, png, tif, ... By default that of each picture.",
        show_default=False,
    ),
]

Quality = Annotated[
    int | None,
    typer.Option(
        "--quality",
        min=1,
        max=100,
        metavar="N",
        help="Quality of formats that lose some, as JPEG, 1 to 100. By default 95 in JPEG, AVIF and HEIF, and no loss "
        "in the others.",
        show_default=False,
    ),
]

Compression = Annotated[
    str | None,
    typer.Option(
        "--compression",
        metavar="NAME",
        help="Compression of TIFF files, without loss: none, deflate, lzw, zstd, ... By default that of the picture.",
        show_default=False,
    ),
]

Recursive = Annotated[
    bool,
    typer.Option(
        "--recursive",
        "-r",
        help="Enter the folders in folders too; below -o DIR they are made again. Hidden folders and links to "
        "folders are left out.",
    ),
]

Memory = Annotated[
    str | None,
    typer.Option(
        "--memory",
        metavar="BYTES",
        help="Memory limit, such as 4G or 500M: a TIFF is then restored in windows of matching size. Stacks "
        "always are, in four fifths of the free memory. With --jobs or --scheduler, the limit is per process. "
        "Needs --psf.",
        show_default=False,
    ),
]

Float32 = Annotated[
    bool,
    typer.Option("--float32", help="Write stacks in 32-bit floats, in the unit of the file, so that nothing clips."),
]

SkipExisting = Annotated[
    bool, typer.Option("--skip-existing", help="Skip pictures whose results exist, to continue a folder.")
]

Log = Annotated[
    str | None,
    typer.Option(
        "--log",
        callback=check_not_empty,
        metavar="FILE",
        help="Append a line for every picture, with the time: what was done, or what went wrong. JSON if it ends in "
        ".jsonl.",
        show_default=False,
    ),
]

Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        min=1,
        metavar="N",
        help="Number of processes, ideally one per core, for many pictures (extra dask); each picture uses one "
        "thread, or OMP_NUM_THREADS.",
    ),
]

Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        callback=_check_address,
        metavar="ADDRESS",
        help="Restore on the Dask cluster of this scheduler, as tcp://host:8786. All machines need the same files "
        "under the same names.",
        show_default=False,
    ),
]
