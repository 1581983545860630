"""`deblur web`: its options and help."""

from __future__ import annotations

import secrets
from typing import Annotated

import typer

from deblur.cli._options import Device, check_not_empty
from deblur.cli._verbosity import reporter_of

_MEGA = 1_000_000

WEB_EPILOG = """\b
Examples:
  deblur web
  deblur web --port 9000
  deblur web --host 0.0.0.0 --max-megapixels 24    # for everyone on the network
  deblur web --host 0.0.0.0 --token                # for those who have the printed address"""


def web(
    context: typer.Context,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            callback=check_not_empty,
            help="Address to listen on; only this machine can reach the default.",
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    token: Annotated[
        bool, typer.Option("--token", help="Open the page only to those who have the printed address.")
    ] = False,
    workers: Annotated[
        int, typer.Option(metavar="N", min=1, max=64, help="Photographs restored at once; others wait.")
    ] = 1,
    waiting: Annotated[int, typer.Option(metavar="N", min=1, help="Largest number of photographs that wait.")] = 8,
    max_megabytes: Annotated[float, typer.Option(metavar="MB", min=0.001, help="Largest file, in megabytes.")] = 100,
    max_megapixels: Annotated[float, typer.Option(metavar="MP", min=0.001, help="Largest image, in megapixels.")] = 50,
    device: Device = "auto",
) -> None:
    """Serve a page for restoring photographs in a browser.

    Everything stays on this machine: the page loads nothing from elsewhere, and photographs are held in memory until
    they have been idle for 15 minutes or the page is closed. With another --host, everyone who can reach that address
    can use the page; with --token, only those who have the address that is printed, which then ends in a random token.
    Ctrl-C ends it.
    """
    from deblur._core.extras import needs_extra

    with needs_extra("web", "deblur web"):
        from deblur.web import Limits, serve
        from deblur.web._serve import is_loopback

    if device not in ("auto", "cpu"):  # these need no check, and importing torch would delay the start by seconds
        from deblur._core.devices import resolve_device

        resolve_device(device)
    report = reporter_of(context)
    limits = Limits(file_bytes=int(max_megabytes * _MEGA), pixels=int(max_megapixels * _MEGA), waiting=waiting)
    report.say("deblur web: starting")
    if not (token or is_loopback(host)):
        report.say(f"deblur web: anyone who can reach {host} on the network can open the page; --token prevents that")

    def ready(url: str) -> None:
        is_everywhere = host in ("0.0.0.0", "::")
        elsewhere = "; other machines put the name of this one in place of 127.0.0.1" if is_everywhere else ""
        line = f"deblur web: open {url} (Ctrl-C ends it{elsewhere})"
        if token:  # even with --quiet: nobody could guess it
            print(line, flush=True)
        else:
            report.say(line)

    serve(
        host,
        port,
        limits=limits,
        workers=workers,
        device=device,
        token=secrets.token_urlsafe(16) if token else None,
        ready=ready,
    )
