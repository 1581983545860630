"""Color profiles of linear light: made for what a camera's sensor counted, and recognized in files.

References
----------
ICC.1:2001-04, "File Format for Color Profiles", sections 6.1 to 6.5.
"""

from __future__ import annotations

import functools
import struct

import numpy as np

_WHITE = (0.9642, 1.0, 0.8249)  # D50
_PRIMARIES = {"r": (0.43607, 0.22249, 0.01392), "g": (0.38515, 0.71687, 0.09708), "b": (0.14307, 0.06061, 0.71410)}
_HEADER, _NAME = 128, b"sRGB primaries, linear light\0"


@functools.cache
def linear_srgb() -> bytes:
    """Return the profile of samples with the primaries of sRGB that are proportional to light."""
    name = struct.pack(">4s4xL", b"desc", len(_NAME)) + _NAME + bytes(78)
    tags = {b"desc": name, b"cprt": b"text\0\0\0\0No copyright\0", b"wtpt": _xyz(_WHITE)}
    for letter, primary in _PRIMARIES.items():
        tags[f"{letter}XYZ".encode()] = _xyz(primary)
        tags[f"{letter}TRC".encode()] = struct.pack(">4s4xL", b"curv", 0)  # no entries: the identity
    table, values = struct.pack(">L", len(tags)), b""
    start = _HEADER + 4 + 12 * len(tags)
    for tag, value in tags.items():
        table += struct.pack(">4sLL", tag, start + len(values), len(value))
        values += value + bytes(-len(value) % 4)
    header = struct.pack(">L4xL4s4s4s", start + len(values), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += struct.pack(">6H4s28x", 2024, 1, 1, 0, 0, 0, b"acsp") + _xyz(_WHITE)[8:]
    return header.ljust(_HEADER, b"\0") + table + values


def is_linear(profile: bytes | None) -> bool:
    """Return whether the tone curve of a color profile is the identity; False if there is none, or it is damaged."""
    try:
        return profile is not None and _is_identity(profile)
    except (struct.error, ValueError):
        return False


def _is_identity(profile: bytes) -> bool:
    (count,) = struct.unpack_from(">L", profile, _HEADER)
    for number in range(min(count, 100)):
        tag, start, size = struct.unpack_from(">4sLL", profile, _HEADER + 4 + 12 * number)
        if tag not in (b"gTRC", b"kTRC"):
            continue
        kind, entries = struct.unpack_from(">4s4xL", profile, start)
        if kind == b"para":
            form, gamma = struct.unpack_from(">H2xl", profile, start + 8)
            return bool(form == 0 and gamma == 1 << 16)
        if kind != b"curv":
            return False
        curve = np.frombuffer(profile[start + 12 : start + size], ">u2", min(entries, (size - 12) // 2))
        if entries <= 1:
            return entries == 0 or curve[0] == 256  # a gamma, in 256ths
        return bool(np.abs(curve - np.linspace(0, 65535, len(curve))).max() <= 2)
    return False


def _xyz(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">4s4x3l", b"XYZ ", *(round(value * 65536) for value in values))
