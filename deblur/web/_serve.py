"""The HTTP server of the page."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

import uvicorn

from deblur.web._app import make_app
from deblur.web._limits import Limits

_MAX_CONNECTIONS = 256  # a browser opens about six; more only exhausts memory and file descriptors


def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    device: str = "auto",
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
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise OSError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
        port = listener.getsockname()[1]
        hosts = ("localhost", "127.0.0.1", "::1") if _is_loopback(host) else None
        config = uvicorn.Config(
            make_app(limits, workers=workers, hosts=hosts, device=device),
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
            limit_concurrency=_MAX_CONNECTIONS,
        )
        _Server(config, lambda: ready and ready(f"http://{_in_url(host)}:{port}/")).run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that calls a function once it accepts connections."""

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


def _in_url(host: str) -> str:
    """Return the host for a URL that can be opened on this machine."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
