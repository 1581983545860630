"""The command line: its commands, and what holds for all of them. The modules beside do the work."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import warnings
from typing import Annotated, Any

import typer

import deblur
from deblur.cli._app_bench import BENCH_EPILOG, BenchCommand, bench, datasets_app
from deblur.cli._app_demo import DEMO_EPILOG, demo
from deblur.cli._app_doctor import DOCTOR_EPILOG, doctor
from deblur.cli._app_export import EXPORT_EPILOG, export
from deblur.cli._app_psf import psf_app
from deblur.cli._app_restore import RESTORE_EPILOG, RestoreCommand, restore
from deblur.cli._app_train import TRAIN_EPILOG, train
from deblur.cli._app_web import WEB_EPILOG, web
from deblur.cli._errors import DEBUG, complain
from deblur.cli._verbosity import Command, Reporter

# Whatever computes is imported inside the commands, so that --help and the check of the options do not wait for it.

try:
    import resource
except ModuleNotFoundError:  # Windows has no such limits
    resource = None  # type: ignore[assignment]

_LEAST_MEMORY = 10**9
"""Bytes of address space without which torch cannot be loaded; measured."""

COMPLETE = "_DEBLUR_COMPLETE"
"""Set in the environment by a shell that completes a command."""

app = typer.Typer(
    rich_markup_mode=None, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]}
)
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
    """Set up the process: its warnings, threads, streams and signals."""
    if not os.environ.get(DEBUG):
        warnings.simplefilter("ignore")
        # But a restoration that is slower than its --device promised says so.
        warnings.filterwarnings("always", message=r".*: computing on the CPU$", category=RuntimeWarning)
        warnings.showwarning = _print_warning
        os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    # Threads that spin while they wait bring torch nearly to a halt on a busy machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as with 2>&-
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        getattr(sys, name).reconfigure(errors="backslashreplace")  # file names need not be valid text
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that temporary files are removed
    sys.unraisablehook = _interrupt_again


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"deblur: {message}", file=sys.stderr, flush=True)


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
    if COMPLETE in os.environ:  # a shell completes a command, and reads standard output
        command.main(prog_name="deblur")
    try:
        _check_surroundings(arguments)
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


def _check_surroundings(arguments: list[str]) -> None:
    """Raise an error where the libraries would end the program, in words that say nothing to its user."""
    try:
        os.getcwd()
    except FileNotFoundError:
        raise FileNotFoundError("the working directory is gone; change to one that exists") from None
    if resource is None or not arguments or {"-h", "--help", "-V", "--version"} & set(arguments):
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if 0 <= most < _LEAST_MEMORY:
        raise MemoryError


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"deblur {deblur.__version__}")
        raise typer.Exit


@app.callback(
    invoke_without_command=True,
    epilog="""\b
Start here:
  deblur demo
  deblur restore photo.jpg
  deblur restore --help
  deblur doctor

\b
Exit codes:
  0    everything is done; pictures left as they were count as done
  1    a part failed, with a line on standard error for each; the rest is done
  2    a wrong option, or the only file is bad: nothing is done
  130, 141, 143  interrupted; the reader of a pipe has gone; terminated

\b
Environment:
  DEBLUR_DATA, DEBLUR_CACHE  where data sets are, and are downloaded to
  DEBLUR_DEBUG               if set, errors show where they come from""",
)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print decisions, too.")] = False,
) -> None:
    """Restore blurred pictures.

    A blurred picture is the sharp one, convolved with a point-spread function (PSF): the image that the camera makes of
    a single point of light. Where it is known, or can be estimated from the picture, most of the blur can be undone.
    """
    if quiet or verbose:
        context.obj = Reporter(1 if verbose else -1)
    if context.invoked_subcommand is None:
        print(context.get_help())


app.command(cls=Command, epilog=DEMO_EPILOG)(demo)
app.command(cls=RestoreCommand, epilog=RESTORE_EPILOG)(restore)
app.command(cls=BenchCommand, epilog=BENCH_EPILOG)(bench)
app.command(cls=Command, epilog=TRAIN_EPILOG)(train)
app.command(cls=Command, epilog=EXPORT_EPILOG)(export)
app.command(cls=Command, epilog=WEB_EPILOG)(web)
app.command(cls=Command, epilog=DOCTOR_EPILOG)(doctor)
