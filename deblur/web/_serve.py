"""The HTTP server of the page."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from deblur.web._app import make_app
from deblur.web._limits import Limits

_MAX_CONNECTIONS = 256  # a browser opens about six; more only exhausts memory and file descriptors

_BACKLOG = 128


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    device: str = "auto",
    token: str | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    host : str
        Address to listen on. The default is reachable from this machine only.
    port : int
        Port to listen on; 0 takes a free one.
    limits : Limits, optional
        Sizes, numbers and times.
    workers : int
        Number of photographs restored at once.
    device : str
        Where they are restored: ``"auto"`` (the default), ``"cpu"``, ``"cuda"`` or ``"mps"``.
    token : str, optional
        Secret that visitors need, for a `host` that others can reach; it is in the URL for `ready`.
    ready : callable, optional
        ``ready(url)`` is called as soon as the page can be opened.

    Raises
    ------
    OSError
        If the address is not available.

    Examples
    --------
    >>> from deblur.web import serve
    >>> serve(ready=print)  # until it is interrupted  # doctest: +SKIP
    http://127.0.0.1:8000/
    >>> serve("256.0.0.1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    OSError: cannot listen on 256.0.0.1, port 8000: ...
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        if os.name == "posix":  # on Windows, this would share the port with another server
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(_BACKLOG)  # now, because a port that is bound but not listened on can be bound again
        except OSError as error:
            raise OSError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
        url = f"http://{_in_url(host)}:{listener.getsockname()[1]}/" + (f"?token={quote(token)}" if token else "")
        hosts = ("localhost", "127.0.0.1", "::1") if is_loopback(host) else None
        limits = limits or Limits()
        app = make_app(limits, workers=workers, hosts=hosts, device=device, token=token)
        _Server(_configured(app, limits), lambda: ready and ready(url)).run(sockets=[listener])


def _configured(app: Starlette, limits: Limits) -> uvicorn.Config:
    logging.getLogger("uvicorn.error").addFilter(_is_worth_a_line)
    return uvicorn.Config(
        app,
        http=partial(_Protocol, header_seconds=limits.header_seconds),  # type: ignore[arg-type]  # any callable will do
        log_level="error",
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=2,
        limit_concurrency=_MAX_CONNECTIONS,
        backlog=_BACKLOG,
    )


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Return False for requests that Ctrl-C ends: uvicorn would print a traceback for each."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _Protocol(H11Protocol):
    """HTTP that hangs up if the headers of a request do not arrive in time, which uvicorn would wait for endlessly."""

    def __init__(self, *arguments: Any, header_seconds: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_seconds = header_seconds
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._time_headers()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._time_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_timer()

    def _time_headers(self) -> None:
        if self.conn.their_state is not h11.IDLE:  # the headers are here
            self._stop_timer()
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self._header_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None


class _Server(uvicorn.Server):
    """A server that calls a function once it accepts connections."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _in_url(host: str) -> str:
    """Return the host for a URL that can be opened on this machine."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
