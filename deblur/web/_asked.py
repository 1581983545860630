"""What a visitor asks for, checked."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from starlette.requests import Request

from deblur.web._desk import Held
from deblur.web._limits import MEGA, RefusedError

MOST_JSON = 10_000  # bytes
_NUMBERS = {
    "motion": {"length": (1.0, 150.0), "angle": (-180.0, 180.0)},
    "disk": {"radius": (0.5, 60.0)},
    "gaussian": {"sigma": (0.3, 25.0)},
}
_BOX_SIDE = 640


def length(request: Request) -> int | None:
    """Return how many bytes are said to come; None if that is not said."""
    said = request.headers.get("content-length", "")
    return int(said) if said.isascii() and said.isdigit() else None


async def body(request: Request, most: int, what: str) -> bytes:
    """Read a request, into memory and no further than allowed."""
    too_large = RefusedError(f"This {what} is larger than the {most / MEGA:g} MB that this page takes.")
    if (length(request) or 0) > most:
        raise too_large
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > most:
            raise too_large
    return bytes(data)


async def fields(request: Request) -> dict[str, Any]:
    """Read a JSON object."""
    try:
        asked = json.loads(await body(request, MOST_JSON, "request"))
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise RefusedError("The request is not a JSON object.")
    return asked


def blur(asked: dict[str, Any], held: Held) -> str | np.ndarray | None:
    """Return the PSF that is asked for: a text for `deblur.psf.parse`, one from a file, or None to find it."""
    kind = asked.get("kind")
    if kind == "blind":
        return None
    if kind == "file":
        if held.psf is None:
            raise RefusedError("Choose a PSF file first.")
        return held.psf
    if not isinstance(kind, str) or kind not in _NUMBERS:
        raise RefusedError(f"The kind of blur must be blind, file, {', '.join(_NUMBERS)}.")
    values = {name: number(asked, name, *bounds) for name, bounds in _NUMBERS[kind].items()}
    return f"{kind}:" + ",".join(f"{name}={value:g}" for name, value in values.items())


def noise_level(asked: dict[str, Any]) -> float | None:
    """Return the noise level, as a fraction of the range; None to estimate it."""
    return None if asked.get("noise_level") is None else number(asked, "noise_level", 0.0, 0.5)


def box(asked: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return left, top, width and height of what to preview."""
    left, top = (int(number(asked, name, 0, 1e6)) for name in ("left", "top"))
    width, height = (int(number(asked, name, 1, _BOX_SIDE)) for name in ("width", "height"))
    return left, top, width, height


def number(asked: dict[str, Any], name: str, least: float, most: float) -> float:
    """Return a number in a range."""
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RefusedError(f"The {name} must be a number.")
    if not least <= value <= most:  # nor is NaN
        raise RefusedError(f"The {name} must be from {least:g} to {most:g}.")
    return float(value)


def file_name(text: str) -> str:
    """Return the last part of a file name, without what names should not have."""
    last = PurePosixPath(text.replace("\\", "/")).name
    printable = "".join(each for each in last if unicodedata.category(each)[0] != "C")
    return re.sub(r'[<>:"|?*]', "_", printable)[-100:].lstrip(".") or "photo"
