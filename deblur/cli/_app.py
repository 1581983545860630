"""The commands: their names, options and explanations. The work is in the modules beside."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

import deblur
from deblur.cli._app_bench import BENCH_EPILOG, bench, datasets_app
from deblur.cli._app_train import TRAIN_EPILOG, train
from deblur.cli._errors import DEBUG, complain
from deblur.cli._options import check_not_empty

# Whatever computes is imported inside the commands, so that --help and the check of the options do not wait for it.

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
psf_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(psf_app, name="psf")
app.add_typer(datasets_app, name="datasets")

Force = Annotated[bool, typer.Option("--force", help="Replace files that exist.")]


def main() -> None:
    """Run the command line: the entry point of the installed command."""
    if not os.environ.get(DEBUG):
        warnings.simplefilter("ignore")
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    # Threads that wait by spinning bring torch nearly to a halt on a machine that is busy with something else.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as with 2>&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")  # file names need not be valid text
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that temporary files are removed
    code = _run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:
        # Python flushes once more when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    command = typer.main.get_command(app)
    try:
        # And not command.main(), which prints a usage error over several lines.
        with command.make_context("deblur", arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as stop:
        return stop.exit_code
    except KeyboardInterrupt:
        print("deblur: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader has seen enough, as in `deblur psf show ... | head`
        return 128 + 13  # SIGPIPE
    except Exception as error:
        complain(error)
        return 2
    return 0


def _print_version(asked: bool) -> None:
    if asked:
        print(f"deblur {deblur.__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="""\b
Start here:
  deblur demo
  deblur restore photo.jpg --psf "motion:length=15,angle=30"
  deblur restore --help""",
)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Restore blurred pictures.

    A blurred picture is the sharp one, convolved with a point-spread function (PSF): the picture that the camera makes
    of one point of light. Where it is known, most of the blur can be undone.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(
    epilog="""\b
Examples:
  deblur restore photo.jpg --psf "motion:length=15,angle=30"
  deblur restore photo.jpg --psf psf.tif --method richardson-lucy -o sharp.png
  deblur restore shots/ more/*.tif --psf "gaussian:sigma=2" -o restored/
  deblur restore stack.tif --psf "gaussian:sigma=3x1x1" --json"""
)
def restore(
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            callback=check_not_empty,
            help="Pictures to restore (JPEG, PNG, TIFF, WebP), and folders of them.",
            show_default=False,
        ),
    ],
    psf: Annotated[
        str,
        typer.Option(
            metavar="PSF",
            help="What blurred them: a file (.npy, .tif, .png), or a text such as disk:radius=4 "
            "(see deblur psf make --help). With 3 axes it blurs stacks as volumes, with 2 page by page.",
        ),
    ],
    method: Annotated[
        str,
        typer.Option(
            metavar="METHOD",
            help="auto, the one that scores best: unrolled for pictures, richardson-lucy for stacks as volumes. Or "
            "fused (better still, and ten times slower), plug-and-play, adm, wiener, unsupervised-wiener.",
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
            help="Most iterations of richardson-lucy, most samples of unsupervised-wiener.",
            show_default=False,
        ),
    ] = None,
    linear: Annotated[
        bool | None,
        typer.Option(
            "--linear/--no-linear",
            help="Undo the sRGB curve before, and apply it again after. If neither is given: for pictures of 8 or 16 "
            "bits, not for stacks and floating-point files.",
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
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON list.")] = False,
) -> None:
    """Restore pictures with a known point-spread function.

    What the file says besides pixels (EXIF, color profile, resolution, transparency) is kept, and so is its depth.
    After a bad file the others are restored all the same, and the exit code is 1. It is 2 for a wrong option, and for a
    bad file that is the only one.
    """
    from deblur.cli._restore import Settings, restore_files

    settings = Settings.parse(method, noise_level, iterations, linear)
    code = restore_files([Path(image) for image in images], psf, settings, output, force=force, as_json=as_json)
    raise typer.Exit(code)


@app.command(
    epilog="""\b
Example:
  deblur demo -o pictures/"""
)
def demo(
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

    One was blurred by a camera that moved while it was taken; the other is blurred here, so that the result can be
    compared with the truth. Nothing is downloaded. Takes a few seconds.
    """
    from deblur.cli._demo import run_demo

    run_demo(output, force=force)


app.command(epilog=BENCH_EPILOG)(bench)
app.command(epilog=TRAIN_EPILOG)(train)


@psf_app.callback(
    invoke_without_command=True,
    epilog="""\b
Examples:
  deblur psf make "disk:radius=4" -o psf.tif
  deblur psf show psf.tif""",
)
def _psf_root(context: typer.Context) -> None:
    """Make point-spread functions, and look at them."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@psf_app.command(
    epilog="""\b
Kinds:
  gaussian:sigma=2                 soft; sigma=4x1,angle=30 is elliptic
  disk:radius=4                    out of focus
  motion:length=15,angle=30        straight motion of the camera
  camera_shake:length=31,seed=4    unsteady hand; another seed, another path
  airy:radius=6                    perfect lens; radius of the first dark ring
  gaussian:sigma=3x1x1             3-D, for stacks: planes x rows x columns
\b
Lengths are pixels; angles are degrees, counter-clockwise from the horizontal.
Every kind takes shape, as in shape=41 or shape=41x31.
\b
Example:
  deblur psf make "motion:length=15,angle=30" -o psf.tif"""
)
def make(
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="Text that describes the point-spread function.", show_default=False)
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="FILE",
            help=".npy keeps the values exactly, .tif in 32-bit floats; .png is a 16-bit picture.",
        ),
    ],
    force: Force = False,
) -> None:
    """Make a point-spread function, and write it to a file."""
    from deblur.cli._psf import make_psf

    make_psf(spec, Path(output), force=force)


@psf_app.command(
    epilog="""\b
Examples:
  deblur psf show psf.tif
  deblur psf show "camera_shake:length=31,seed=4" -o shake.png"""
)
def show(
    psf: Annotated[
        str,
        typer.Argument(
            metavar="PSF", help="A file, or a text that describes the point-spread function.", show_default=False
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="FILE",
            help="Write an enlarged picture too.",
            show_default=False,
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Describe and draw a point-spread function.

    Prints its size, sum, centroid and support, and a picture of it. There, brightness is the square root of the value,
    so that faint parts show; a 3-D one is summed over its planes.
    """
    from deblur.cli._psf import show_psf

    show_psf(psf, None if output is None else Path(output), force=force)
