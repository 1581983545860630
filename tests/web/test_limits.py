"""Checks of files before they are decoded, and validation of requests."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

pytest.importorskip("starlette", reason="the page needs the extra web")

import asyncio

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from deblur.web import _validation, make_app
from deblur.web._guard import Guard
from deblur.web._limits import Limits, RefusedError, suffix_of
from deblur.web._sessions import Upload


def encoded(kind: str, sides: tuple[int, int] = (8, 6)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", sides).save(buffer, kind)
    return buffer.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A few bytes whose header claims a picture of any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def tiff_bomb() -> bytes:
    """A TIFF of 100,000 x 100,000 pixels, compressed to a few hundred bytes of tags and one strip."""
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((16, 16), np.uint8), compression="zlib")
    data = bytearray(buffer.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as tiff:
        for name in ("ImageWidth", "ImageLength"):
            tag = tiff.pages.first.tags[name]
            struct.pack_into("<I" if tag.dtype == 4 else "<H", data, tag.valueoffset, 65_000)
    return bytes(data)


@pytest.mark.parametrize(("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp"), ("TIFF", ".tif")])
def test_format_and_size_are_read_from_the_content(kind: str, suffix: str) -> None:
    assert suffix_of(encoded(kind), 48) == suffix
    with pytest.raises(RefusedError, match="8 x 6 pixels, which is more than"):
        suffix_of(encoded(kind), 47)


@pytest.mark.parametrize("bomb", [png_bomb(8000, 8000), png_bomb(60_000, 60_000), png_bomb(2**31 - 1, 1), tiff_bomb()])
def test_decompression_bombs_are_refused_without_decoding(bomb: bytes) -> None:
    assert len(bomb) < 2000
    with pytest.raises(RefusedError, match="pixels"):
        suffix_of(bomb, 50_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
        b"%PDF-1.7",
        encoded("GIF"),
        encoded("BMP"),
        b"II*\0",
        b"II*\0\x08\0\0\0\0\0\0\0",
        b"\xff\xd8\xff",
        encoded("PNG")[:20],
    ],
)
def test_files_that_are_not_pictures_are_refused(data: bytes) -> None:
    with pytest.raises(RefusedError, match=r"not a JPEG|damaged|no picture"):
        suffix_of(data, 1000)
    with pytest.raises(RefusedError, match="empty"):
        suffix_of(b"", 1000)


def test_stacks_are_refused() -> None:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((3, 16, 16), np.uint8), photometric="minisblack")
    with pytest.raises(RefusedError, match="several pages"):
        suffix_of(buffer.getvalue(), 10_000)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("a\r\nSet-Cookie: x.png", "aSet-Cookie_ x.png"),
        ("<img src=x onerror=alert(1)>.png", "_img src=x onerror=alert(1)_.png"),
        ("..", "photo"),
        ("", "photo"),
        ("Übersicht 2.tif", "Übersicht 2.tif"),
        ("x" * 300 + ".png", "x" * 96 + ".png"),
    ],
)
def test_file_names_are_reduced_to_names(text: str, name: str) -> None:
    assert _validation.file_name(text) == name


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "disk"},
        {"kind": "disk", "radius": "3"},
        {"kind": "disk", "radius": True},
        {"kind": "disk", "radius": 1e9},
        {"kind": "motion", "length": 5, "angle": float("nan")},
        {"kind": "gaussian", "sigma": -1},
        {"kind": "camera_shake", "length": 10**9},
        {"kind": "file"},
        {"kind": ["disk"]},
    ],
)
def test_blurs_out_of_range_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match=r"must be|Choose"):
        _validation.blur(fields, Upload("a", b""))


def test_blurs_become_arguments_of_the_command() -> None:
    upload = Upload("a", b"")
    assert _validation.blur({"kind": "blind"}, upload) is None
    assert _validation.blur({"kind": "motion", "length": 12.5, "angle": -30}, upload) == "motion:length=12.5,angle=-30"
    assert _validation.noise_level({"noise_level": None}) is None
    assert _validation.noise_level({"noise_level": 0.01}) == 0.01
    assert _validation.box({"left": 3.0, "top": 0, "width": 10, "height": 20}) == (3, 0, 10, 20)


def sent_by(guard: Guard, method: str, headers: dict[str, str], query: str = "") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": "/",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    return sent


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"host": "127.0.0.1:8000"}, 200),
        ("GET", {"host": "[::1]:8000"}, 200),
        ("GET", {"host": "rebound.example"}, 421),
        ("GET", {"host": "[nonsense"}, 421),
        ("GET", {}, 421),
        ("GET", {"host": "LocalHost"}, 200),
        ("GET", {"host": "evil.example@127.0.0.1"}, 421),
        ("GET", {"host": "127.0.0.1#evil.example"}, 421),
        ("GET", {"host": "127.0.0.1/?@evil.example"}, 421),
        ("GET", {"host": "127.0.0.1:abc"}, 421),
        ("GET", {"host": "127.0.0.1:"}, 421),
        ("POST", {"host": "localhost:8000", "origin": "http://localhost:8000"}, 200),
        ("POST", {"host": "localhost:8000", "origin": "http://localhost:9999"}, 403),
        ("POST", {"host": "localhost:8000", "origin": "https://elsewhere.example"}, 403),
        ("POST", {"host": "localhost:8000", "origin": "null"}, 403),
        ("POST", {"host": "localhost:8000", "origin": "https://localhost:8000"}, 200),
        ("POST", {"host": "localhost:8000", "origin": "evil://localhost:8000"}, 403),
        ("POST", {"host": "localhost:8000", "origin": "localhost:8000"}, 403),
    ],
)
def test_only_requests_of_the_page_itself_are_answered(method: str, headers: dict[str, str], status: int) -> None:
    sent = sent_by(Guard(PlainTextResponse("yes"), ("localhost", "127.0.0.1", "::1")), method, headers)
    assert sent[0]["status"] == status
    names = {name for name, _ in sent[0]["headers"]}
    assert {b"content-security-policy", b"x-content-type-options"} <= names


def test_a_token_opens_the_page_once_from_the_address_and_then_from_a_cookie() -> None:
    guard, host = Guard(PlainTextResponse("yes"), token="secret"), {"host": "anything.example"}
    for query, cookie in (("", ""), ("token=", ""), ("token=secre", "x=secret"), ("token=%FF", "")):
        assert sent_by(guard, "GET", {**host, "cookie": cookie}, query)[0]["status"] == 401
    opened = sent_by(guard, "GET", host, "token=secret")[0]
    headers = dict(opened["headers"])
    assert (opened["status"], headers[b"location"]) == (303, b"/")
    cookie, *attributes = headers[b"set-cookie"].decode().split("; ")
    assert {"HttpOnly", "SameSite=lax"} <= set(attributes)
    again = sent_by(guard, "GET", {**host, "cookie": cookie}, "token=secret")[0]
    assert again["status"] == 303  # the token is not left in the address this time either
    assert sent_by(guard, "POST", {**host, "cookie": cookie})[0]["status"] == 200
    assert sent_by(guard, "POST", host, "token=secret")[0]["status"] == 401  # a redirect would lose what is sent
    foreign = {**host, "cookie": cookie, "origin": "http://elsewhere.example"}
    assert sent_by(guard, "POST", foreign)[0]["status"] == 403
    another = Guard(PlainTextResponse("yes"), token="another")  # on another port, which shares the cookies
    other = dict(sent_by(another, "GET", host, "token=another")[0]["headers"])[b"set-cookie"].decode()
    assert cookie.partition("=")[0] != other.partition("=")[0]


@pytest.mark.parametrize("token", ["", "пароль", "a b"])
def test_a_token_that_no_address_can_hold_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match="token must be letters, digits"):
        make_app(token=token)


def test_a_body_of_unknown_length_is_read_up_to_the_limit() -> None:
    chunks = 0

    async def receive() -> dict[str, Any]:
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b"x" * 1000, "more_body": True}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match=r"larger than the 0.01 MB"):
        asyncio.run(_validation.read_body(request, Limits(), "file", 10_000))
    assert chunks == 11
