"""Input validation: every value in a request is checked here, before it reaches a worker."""

from __future__ import annotations

import asyncio
import json
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from starlette.requests import ClientDisconnect, Request

from deblur.restoration._registry import AUTO, BLURS
from deblur.web._limits import MEGA, Limits, RefusedError
from deblur.web._sessions import Upload

_MAX_JSON_BYTES = 10_000
_MAX_PREVIEW_SIDE = 640  # pixels: the page shows at most 400, and a preview must come at once
_PARAMETERS = {  # of each kind of blur, with the least and largest value: about twice what the sliders offer
    "motion": {"length": (1.0, 150.0), "angle": (-180.0, 180.0)},
    "disk": {"radius": (0.5, 60.0)},
    "gaussian": {"sigma": (0.3, 25.0)},
}


def content_length(request: Request) -> int | None:
    """Return the announced size of a request's body in bytes; None if it is missing or malformed."""
    header = request.headers.get("content-length", "")
    return int(header) if header.isascii() and header.isdigit() else None


async def read_body(
    request: Request, limits: Limits, kind: str, max_bytes: int, arrived: Callable[[int], None] = lambda more: None
) -> bytes:
    """Read the body of a request into memory.

    Parameters
    ----------
    request : starlette.requests.Request
        The request.
    limits : Limits
        How slowly a body may arrive.
    kind : str
        What it is, for messages.
    max_bytes : int
        Reading stops there, whatever size was announced.
    arrived : callable, optional
        ``arrived(more)`` is called with the size of each part before it is kept.

    Raises
    ------
    RefusedError
        If it is too large or too slow.
    starlette.requests.ClientDisconnect
        If the visitor hangs up.
    """
    too_large = RefusedError(f"This {kind} is larger than the {max_bytes / MEGA:g} MB that this page accepts.")
    if (content_length(request) or 0) > max_bytes:
        raise too_large
    data, began, is_whole = bytearray(), time.monotonic(), False
    while not is_whole:
        end = began + limits.body_seconds + len(data) / limits.body_rate
        try:
            message = await asyncio.wait_for(request.receive(), max(0.0, end - time.monotonic()))
        except asyncio.TimeoutError:
            raise RefusedError(f"This {kind} arrived too slowly, and the upload was stopped. Try again.") from None
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        if len(data) + len(part) > max_bytes:
            raise too_large
        arrived(len(part))
        data += part
        is_whole = not message.get("more_body", False)
    return bytes(data)


async def read_json(request: Request, limits: Limits) -> dict[str, Any]:
    """Read a JSON object."""
    data = await read_body(request, limits, "request", _MAX_JSON_BYTES)
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise RefusedError("The request is not a JSON object.")
    return fields


def blur(fields: dict[str, Any], upload: Upload) -> str | np.ndarray | None:
    """Return the requested PSF: a text for `deblur.psf.parse`, the uploaded one, or None to estimate it."""
    kind = fields.get("kind")
    if kind == "blind":
        return None
    if kind == "file":
        if upload.psf is None:
            raise RefusedError("Choose a PSF file first.")
        return upload.psf
    if not isinstance(kind, str) or kind not in _PARAMETERS:
        raise RefusedError(f"The kind of blur must be one of blind, file, {', '.join(_PARAMETERS)}.")
    values = {name: number(fields, name, *bounds) for name, bounds in _PARAMETERS[kind].items()}
    return f"{kind}:" + ",".join(f"{name}={value:g}" for name, value in values.items())


def kind_of_blur(fields: dict[str, Any]) -> str:
    """Return the kind of the blur, where its PSF is to be estimated."""
    kind = fields.get("blur", AUTO)
    if not isinstance(kind, str) or kind not in BLURS:
        raise RefusedError(f"The blur must be one of {', '.join(BLURS)}.")
    return kind


def noise_level(fields: dict[str, Any]) -> float | None:
    """Return the noise level, as a fraction of the range; None to estimate it."""
    return None if fields.get("noise_level") is None else number(fields, "noise_level", 0.0, 0.5)


def box(fields: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return left, top, width and height of the part to preview, in pixels."""
    left, top = (int(number(fields, name, 0, 1e6)) for name in ("left", "top"))
    width, height = (int(number(fields, name, 1, _MAX_PREVIEW_SIDE)) for name in ("width", "height"))
    return left, top, width, height


def number(fields: dict[str, Any], name: str, minimum: float, maximum: float) -> float:
    """Return a field that must be a number from `minimum` to `maximum`."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(f"The {name} must be a number.")
    if not minimum <= value <= maximum:  # NaN fails this too
        raise RefusedError(f"The {name} must be from {minimum:g} to {maximum:g}.")
    return float(value)


def file_name(text: str) -> str:
    """Return the last component of a path, without control and reserved characters, at most 100 characters."""
    last = PurePosixPath(text.replace("\\", "/")).name
    printable = "".join(character for character in last if unicodedata.category(character)[0] != "C")
    return re.sub(r'[<>:"|?*]', "_", printable)[-100:].lstrip(".") or "photo"
