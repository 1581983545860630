"""Security middleware: checks every request, and adds security headers to every response."""

from __future__ import annotations

import hashlib
import re
import secrets

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COOKIE = "deblur-web"
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[\w.-]+)(:\d{1,5})?", re.ASCII | re.IGNORECASE)  # nothing else, as user@
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
    """ASGI middleware against foreign host names, foreign pages, foreign resources, browser caches, and strangers.

    Parameters
    ----------
    app : ASGI application
        The application to protect.
    hosts : tuple of str, optional
        Accepted host names; any if None. Without this check, a page of another site could read the photographs
        after pointing its own name at this machine (DNS rebinding).
    token : str, optional
        Secret that a visitor must have: once as ``?token=`` in the address, and from then on in a cookie.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] | None = None, token: str | None = None) -> None:
        self._app, self._hosts, self._token = app, hosts, token
        # Cookies are shared by all ports of a host, and each may have a page of its own.
        self._cookie = f"{_COOKIE}-{hashlib.sha256((token or '').encode()).hexdigest()[:8]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self._app)(scope, receive, guarded)

    def _refused(self, request: Request) -> Response | None:
        """Return the response to a request that is not passed on."""
        host, origin = _HOST.fullmatch(request.headers.get("host", "")), request.headers.get("origin")
        if host is None or (self._hosts is not None and host["name"].strip("[]").lower() not in self._hosts):
            return JSONResponse({"error": "This server does not answer to that host name."}, 421)
        own = (None, f"http://{host[0]}", f"https://{host[0]}")  # https where another server is in front
        if request.method not in ("GET", "HEAD") and origin not in own:
            return JSONResponse({"error": "Only the page itself may send this request."}, 403)
        if self._token is None:
            return None
        is_opened = request.method == "GET" and request.url.path == "/" and "token" in request.query_params
        if not is_opened and self._is_token(request.cookies.get(self._cookie)):
            return None
        if not (is_opened and self._is_token(request.query_params["token"])):
            return JSONResponse({"error": "Open the address that deblur web has printed, with its token."}, 401)
        response = RedirectResponse("/", 303)  # so that the token is not left in the address bar
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="lax")
        return response

    def _is_token(self, text: str | None) -> bool:
        return text is not None and secrets.compare_digest(text.encode(), (self._token or "").encode())
