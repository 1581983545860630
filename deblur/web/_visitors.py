"""Visitors who leave before they have their response, and those who are refused before they have sent everything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DRAIN_SECONDS = 10.0
_SILENT_SECONDS = 1.0  # then nothing is on its way, and the response will arrive


async def unless_gone(request: Request, work: Coroutine[Any, Any, Any]) -> Any:
    """Await `work` and return its result; cancel it, and raise `ClientDisconnect`, if the visitor hangs up before."""
    task, gone = asyncio.create_task(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait([task, gone], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        gone.cancel()
        if task.cancel():
            await asyncio.wait([task])


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Drain:
    """ASGI middleware that reads the rest of a request before an error is sent.

    A connection that is closed while the other side still sends is reset, and browsers and libraries then report the
    reset instead of the response.

    Parameters
    ----------
    app : ASGI application
        The application that responds.
    max_bytes : int
        Most bytes to read and throw away; if there are more, the connection is closed.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_whole = False

        async def received() -> Message:
            nonlocal is_whole
            message = await receive()
            is_whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
            return message

        async def drain() -> None:
            end, left = time.monotonic() + _DRAIN_SECONDS, self._max_bytes
            while not is_whole and left > 0 and time.monotonic() < end:
                message = await asyncio.wait_for(received(), _SILENT_SECONDS)
                left -= len(message.get("body", b""))

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400 and not is_whole:
                with suppress(asyncio.TimeoutError):  # a silent sender still gets the response
                    await drain()
                if not is_whole:
                    message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, received, sent)
