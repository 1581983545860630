"""Security middleware: checks of every request, and security headers of every response."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    # No foreign resources, no embedding in other pages, and no inline scripts, as a file name might smuggle in.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware against foreign host names, foreign pages, foreign resources and browser caches.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    hosts : tuple of str, optional
        Accepted host names; any if None. Without this check, a page of another site could read the photographs
        after pointing its own name at this machine (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None = None) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refused(scope["method"], Headers(scope=scope))
        await (refused or self._app)(scope, receive, guarded)

    def _refused(self, method: str, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if self._hosts is not None and _name(f"//{host}") not in self._hosts:
            return JSONResponse({"error": "This server does not answer to that host name."}, 421)
        origin = headers.get("origin")
        if method not in ("GET", "HEAD") and origin is not None and origin.partition("://")[2] != host:
            return JSONResponse({"error": "Only the page itself may send this request."}, 403)
        return None


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
