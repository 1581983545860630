"""The command `deblur web`: its options and explanations."""

from __future__ import annotations

from typing import Annotated

import typer

from deblur.cli._options import check_not_empty

WEB_EPILOG = """\b
Examples:
  deblur web
  deblur web --port 9000
  deblur web --host 0.0.0.0 --max-megapixels 24    # for everybody in the network"""


def web(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            callback=check_not_empty,
            help="Where to listen; only this machine can reach the default.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="0 takes one that is free.")] = 8000,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Photos that are restored at once; others wait.")
    ] = 1,
    waiting: Annotated[int, typer.Option(metavar="N", min=1, help="Most photos that wait.")] = 8,
    max_megabytes: Annotated[float, typer.Option(metavar="MB", min=0.001, help="Largest file.")] = 100,
    max_megapixels: Annotated[float, typer.Option(metavar="MP", min=0.001, help="Largest picture.")] = 50,
) -> None:
    """Open a page to restore photographs with, in a browser.

    Everything stays on this machine: the page loads nothing from elsewhere, and photographs are held in memory until
    they have been idle for 15 minutes or the page is closed. There is no password: with another --host, everybody who
    can reach that address can use the page. Ctrl-C ends it.
    """
    try:
        from deblur.web import Limits, serve
        from deblur.web._limits import MEGA
    except ModuleNotFoundError as error:
        raise ValueError(f"deblur web needs {error.name}: pip install 'deblur-toolkit[web]'") from error

    limits = Limits(file_bytes=int(max_megabytes * MEGA), pixels=int(max_megapixels * MEGA), waiting=waiting)
    print("deblur web: starting", flush=True)
    serve(
        host,
        port,
        limits=limits,
        workers=workers,
        ready=lambda url: print(f"deblur web: open {url} (Ctrl-C ends it)", flush=True),
    )
