"""The page on a port of this machine."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from deblur.web._app import make_app
from deblur.web._limits import Limits

_CONNECTIONS = 256


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until interrupted.

    Parameters
    ----------
    host : str
        Address to listen at. Only this machine can reach the default.
    port : int
        Where to listen; 0 takes one that is free.
    limits : Limits, optional
        How much the page takes on.
    workers : int
        How many photographs are restored at once.
    ready : callable, optional
        ``ready(url)`` is called as soon as the page can be opened.

    Raises
    ------
    OSError
        If the address cannot be had.

    Examples
    --------
    >>> from deblur.web import serve
    >>> serve(ready=print)  # until it is interrupted  # doctest: +SKIP
    http://127.0.0.1:8000/
    >>> serve("256.0.0.1")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    OSError: cannot listen at 256.0.0.1, port 8000: ...
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise OSError(f"cannot listen at {host}, port {port}: {error.strerror or error}") from error
        port = listener.getsockname()[1]
        hosts = ("localhost", "127.0.0.1", "::1") if _is_loopback(host) else None
        config = uvicorn.Config(
            make_app(limits, workers=workers, hosts=hosts),
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
            limit_concurrency=_CONNECTIONS,
        )
        _Server(config, lambda: ready and ready(f"http://{_shown(host)}:{port}/")).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    """Return the host as it stands in a URL that can be opened on this machine."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
