"""`deblur datasets` and `deblur bench`: their options and help. The modules beside do the work."""

from __future__ import annotations

import textwrap
from typing import Annotated, Any

import typer

from deblur.cli._options import Device, check_not_empty
from deblur.cli._verbosity import Command, reporter_of

datasets_app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A name from deblur datasets list.", show_default=False)]


@datasets_app.callback(
    invoke_without_command=True,
    epilog="""\b
Examples:
  deblur datasets list
  deblur datasets get set14

\b
Where:
  the folder in the environment variable DEBLUR_DATA, then the cache, to which
  they are downloaded; DEBLUR_CACHE names another one""",
)
def _datasets_root(context: typer.Context) -> None:
    """Download the data sets of the benchmarks, and check them."""
    if context.invoked_subcommand is None:
        print(context.get_help())


@datasets_app.command(
    "list",
    cls=Command,
    epilog="""\b
Example:
  deblur datasets list""",
)
def list_() -> None:
    """List the data sets, and which of them are on this machine."""
    from deblur.cli._datasets import list_datasets

    list_datasets()


@datasets_app.command(
    cls=Command,
    epilog="""\b
Example:
  deblur datasets info levin2009""",
)
def info(name: Name) -> None:
    """Print the license of a data set, its citation and its traps."""
    from deblur.cli._datasets import describe_dataset

    describe_dataset(name)


@datasets_app.command(
    cls=Command,
    epilog="""\b
Example:
  deblur datasets get set14 --to data/""",
)
def get(
    context: typer.Context,
    name: Name,
    to: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty,
            metavar="DIR",
            help="Folder to download to, made if missing, instead of the cache.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Download a data set, unless it is on this machine.

    Every file is checked by its SHA-256. An interrupted download resumes the next time.
    """
    from deblur.cli._datasets import get_dataset

    get_dataset(name, to, reporter_of(context))


@datasets_app.command(
    cls=Command,
    epilog="""\b
Example:
  deblur datasets verify set14""",
)
def verify(context: typer.Context, name: Name) -> None:
    """Check the files of a data set.

    Size and SHA-256 are compared with its card. Prints a line for each wrong file; the exit code is then 1.
    """
    from deblur.cli._datasets import verify_dataset

    raise typer.Exit(verify_dataset(name, reporter_of(context)))


BENCH_EPILOG = """\b
Examples:
  deblur bench levin-nonblind --method wiener --method skimage.wiener
  deblur bench set14-levin --noise 0.01 --limit 8 --jobs 2
  deblur bench folder --images photos/ --psfs psf.tif --method wiener"""


class BenchCommand(Command):
    """A command whose help lists the protocols and methods, imported only when that help is shown."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the lists, then the epilog given to the command."""
        own, self.epilog = self.epilog, f"{_protocols_epilog()}\n\n{_methods_epilog()}\n\n{self.epilog}"
        super().format_epilog(ctx, formatter)
        self.epilog = own


def _protocols_epilog() -> str:
    from deblur.benchmark import PROTOCOLS
    from deblur.benchmark._folder import TITLE

    titles = {each.name: each.title for each in PROTOCOLS} | {"folder": TITLE}
    width = max(map(len, titles))
    return "\b\nProtocols:\n" + "\n".join(f"  {name:{width}}  {title}" for name, title in titles.items())


def _methods_epilog() -> str:
    from deblur.benchmark import method_names
    from deblur.restoration._registry import ROWS

    blind = {row.name.replace("-", "_"): row.blind for row in ROWS}
    groups = {
        "the PSF known": [name for name, is_blind in blind.items() if not is_blind],
        "the PSF estimated": [name for name, is_blind in blind.items() if is_blind],
        "those of other packages": [name for name in method_names() if "." in name],
    }
    lines = [
        f"{textwrap.fill(', '.join(names), 78, initial_indent='  ', subsequent_indent='  ')}\n      {title}"
        for title, names in groups.items()
    ]
    fixed = ["  blurred", "      the blurred image itself", '  "richardson_lucy(num_iter=100)"', "      with options"]
    return "\b\nMethods:\n" + "\n".join([*lines, *fixed])


def bench(
    context: typer.Context,
    protocol: Annotated[
        str | None, typer.Argument(metavar="PROTOCOL", help="What is restored and scored.", show_default=False)
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="M",
            help="A method, or FILE.py:FUNCTION of your own; may be given several times. [default: all]",
            show_default=False,
        ),
    ] = None,
    noise: Annotated[
        list[float] | None,
        typer.Option(
            metavar="S",
            help="Standard deviation of the noise as a fraction of the range, 0.01 being 1 %; may be given several "
            "times. [default: those of the protocol]",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", help="Run the first N pictures of each noise level only.", show_default=False),
    ] = None,
    jobs: Annotated[int, typer.Option(metavar="J", help="Pictures to restore at once, ideally one per core.")] = 1,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            callback=check_not_empty,
            metavar="DIR",
            help="Folder of the run. [default: deblur-bench/PROTOCOL]",
            show_default=False,
        ),
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option(
            "--json",
            callback=check_not_empty,
            metavar="FILE",
            help="Write the scores to this file, too.",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare a fixed subset with stored scores; takes --jobs only.")
    ] = False,
    images: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty, metavar="DIR", help="For folder: the sharp pictures.", show_default=False
        ),
    ] = None,
    psfs: Annotated[
        str | None,
        typer.Option(
            callback=check_not_empty, metavar="DIR|FILE", help="For folder: what blurs them.", show_default=False
        ),
    ] = None,
    border: Annotated[
        str | None,
        typer.Option(metavar="B", help="For folder: valid, circular or zero. [default: valid]", show_default=False),
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="For folder: withhold the PSFs, and align before comparing.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Score methods on a benchmark.

    Prints a table, and writes the folder of the run: results.json, results.csv (one row per picture), results.md, and
    report.html with plots and pictures. Finished work is kept there: an interrupted run resumes where it stopped, and
    one more method costs only its own time. A method that fails on a picture is reported, and the others continue; the
    exit code is then 1.
    """
    from deblur.cli._bench import Request, run_bench, run_quick

    request = Request(
        protocol,
        tuple(method or ()),
        tuple(noise or ()),
        limit,
        jobs,
        output,
        json_file,
        images,
        psfs,
        border,
        blind,
        device,
    )
    report = reporter_of(context)
    raise typer.Exit(run_quick(request, report) if quick else run_bench(request, report))
