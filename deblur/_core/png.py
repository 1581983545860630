"""The chunks of a PNG file.

References
----------
Portable Network Graphics, third edition (W3C, 2025), section 5.3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def pixels_only(data: bytes) -> bytes:
    """Return a PNG without its metadata: libpng prints warnings about other chunks, and about a bad end.

    Raises
    ------
    ValueError
        If a checksum of the remaining chunks is wrong.
    """
    kept = [each for kind, each in walk(data) if (kind[:1].isupper() and kind != b"IEND") or kind == b"tRNS"]
    if any(zlib.crc32(each[4:-4]) != int.from_bytes(each[-4:], "big") for each in kept):
        raise ValueError("its checksums are wrong")
    return SIGNATURE + b"".join(kept) + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """Encode a chunk."""
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def walk(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and all bytes of each complete chunk."""
    start = len(SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield data[start + 4 : start + 8], data[start:end]
        start = end
