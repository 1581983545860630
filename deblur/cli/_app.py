"""The commands: their names, options and explanations. The work is in the modules beside."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

import deblur
from deblur.cli._app_bench import BENCH_EPILOG, bench, datasets_app
from deblur.cli._app_export import EXPORT_EPILOG, export
from deblur.cli._app_psf import BEADS_EPILOG, PsfKindsCommand, beads
from deblur.cli._app_restore import RESTORE_EPILOG, restore
from deblur.cli._app_train import TRAIN_EPILOG, train
from deblur.cli._app_web import WEB_EPILOG, web
from deblur.cli._errors import DEBUG, complain
from deblur.cli._options import Force, PsfFile, PsfSize, check_not_empty

# Whatever computes is imported inside the commands, so that --help and the check of the options do not wait for it.

COMPLETE = "_DEBLUR_COMPLETE"
"""Set in the environment by the shell that wants to complete a command."""

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
psf_app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.add_typer(psf_app, name="psf")
app.add_typer(datasets_app, name="datasets")


def main() -> None:
    """Run the command line: the entry point of the installed command."""
    try:
        _prepare()
        code = _run(sys.argv[1:])
        _flush()
    except KeyboardInterrupt:
        print("deblur: interrupted", file=sys.stderr)
        code = 128 + signal.SIGINT
    sys.exit(code)


def _prepare() -> None:
    """Set what holds for the process: its warnings, threads, streams and signals."""
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
    sys.unraisablehook = _interrupt_again


def _interrupt_again(unraisable: Any) -> None:
    """Do not lose a Ctrl-C that arrives while Python cleans up after an object, where it can only print it."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        again = threading.Timer(0.05, _thread.interrupt_main)
        again.daemon = True  # the end of the program does not wait for it
        again.start()
    else:
        sys.__unraisablehook__(unraisable)


def _flush() -> None:
    try:
        sys.stdout.flush()
    except OSError:
        # Python flushes once more when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    command = typer.main.get_command(app)
    if COMPLETE in os.environ:  # a shell asks what can follow; it is answered on standard output
        command.main(prog_name="deblur")
    try:
        # And not command.main(), which prints a usage error over several lines.
        with command.make_context("deblur", arguments) as context:
            command.invoke(context)
        sys.stdout.flush()
    except typer.Exit as stop:
        return stop.exit_code
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
  deblur restore photo.jpg
  deblur restore --help

\b
Exit codes:
  0    all is done
  1    a part failed, a line on standard error for each; the rest is done
  2    a wrong option, or a bad file that is the only one: nothing is done
  130, 141, 143  interrupted; the reader of a pipe has gone; terminated

\b
Environment:
  DEBLUR_DATA, DEBLUR_CACHE  where data sets are, and are downloaded to
  DEBLUR_DEBUG               if set, errors show where they come from""",
)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Restore blurred pictures.

    A blurred picture is the sharp one, convolved with a point-spread function (PSF): the picture that the camera makes
    of one point of light. Where it is known, or can be told from the picture, most of the blur can be undone.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


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


app.command(epilog=RESTORE_EPILOG)(restore)
app.command(epilog=BENCH_EPILOG)(bench)
app.command(epilog=TRAIN_EPILOG)(train)
app.command(epilog=EXPORT_EPILOG)(export)
app.command(epilog=WEB_EPILOG)(web)
psf_app.command(epilog=BEADS_EPILOG)(beads)


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
    """Make point-spread functions, and look at them."""
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
    spec: Annotated[
        str, typer.Argument(metavar="SPEC", help="Text that describes the point-spread function.", show_default=False)
    ],
    output: PsfFile,
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


@psf_app.command(
    epilog="""\b
Examples:
  deblur psf estimate photo.jpg -o psf.tif
  deblur psf estimate photo.jpg --psf-size 61 -o psf.npy"""
)
def estimate(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="A blurred photograph.", show_default=False)],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", callback=check_not_empty, metavar="FILE", help="File to write (.npy, .tif, .png)."
        ),
    ],
    psf_size: PsfSize = "auto",
    force: Force = False,
) -> None:
    """Estimate the point-spread function of a blurred photograph.

    Writes it, draws it, and says how far to believe it.
    """
    from deblur.cli._psf import estimate_psf

    estimate_psf(Path(image), Path(output), psf_size, force=force)
