"""Damaged files and texts, drawn from a seeded generator."""

from __future__ import annotations

import random

_EXTREMES = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\0",
    b"\0\0\0\x80",
    b"\x80\0\0\0",
)
_TROUBLE = (
    *("", "0", "-1", "-0", "1", "1e9", "1e308", "1e-320", "nan", "inf", "-inf", "9" * 30, "1" * 5000, "0x10", "1_0"),
    *("x", "2x", "1x1x1x1", "é", "ş", "İ", "\u202e", "\n", "\t", "%s", "%00", "../..", "/dev/null", "/", "~", ".", "-"),
    *("--", "--help", "--force", "=", ":", ",", "[", "{", '"', "'", "\\", "null", "true", "[" * 2000, "a" * 4096),
)


def damaged(data: bytes, rng: random.Random, *, header: int = 512) -> bytes:
    """Return a file with 1 to 4 defects, more often near its start, where formats store sizes."""
    content = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        end = min(len(content), header) if rng.random() < 0.7 else len(content)
        at = rng.randrange(end) if end else 0
        kind = rng.randrange(7)
        if kind == 0 and content:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and content:
            content[at] = rng.randrange(256)
        elif kind == 2:
            content[at : at + 4] = rng.choice(_EXTREMES)
        elif kind == 3:
            del content[at : at + rng.randint(1, 64)]
        elif kind == 4:
            content[at:at] = content[at : at + rng.randint(1, 64)]
        elif kind == 5 and rng.random() < 0.3:
            del content[at:]
        else:
            content[at:at] = rng.randbytes(rng.randint(1, 16))
    return bytes(content)


def damaged_text(text: str, rng: random.Random) -> str:
    """Return a text with 1 to 3 pieces deleted, repeated, or replaced by a troublesome word."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        size = rng.choice((0, 1, 1, 2, 5, 20))
        kind = rng.randrange(4)
        if kind == 0:
            text = text[:at] + text[at + size :]
        elif kind == 1:
            text = text[:at] + 2 * text[at : at + size] + text[at + size :]
        elif kind == 2:
            text = text[:at] + chr(rng.choice((0x20, 0x7F, 0xE9, 0x131, 0x2028, 0x1F600))) + text[at + size :]
        else:
            text = text[:at] + rng.choice(_TROUBLE) + text[at + size :]
    return text


def trouble(rng: random.Random) -> str:
    """Return a word that often breaks programs."""
    return rng.choice(_TROUBLE)
