"""What Pillow cannot do with a PNG: 16 bits a sample in color, and metadata beside them.

References
----------
Portable Network Graphics, third edition (W3C, 2025), sections 5.3 and 11.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import cv2
import numpy as np

from deblur.photo._stored import Stored

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33  # the signature, and the IHDR chunk with its 13 bytes
_INCHES_PER_METER = 1 / 0.0254


def has_16_bits(data: bytes) -> bool:
    """Say what IHDR says."""
    return data[24] == 16


def decode_16_bits(data: bytes) -> np.ndarray:
    """Decode a PNG that Pillow has found sound."""
    # Pixels only: libpng prints its opinion of the other chunks on standard error.
    chunks = [c for kind, c in _chunks(data) if (kind[:1].isupper() and kind != b"IEND") or kind == b"tRNS"]
    if any(zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big") for chunk in chunks):
        raise ValueError("its checksums are wrong")
    sound = SIGNATURE + b"".join(chunks) + _chunk(b"IEND", b"")
    samples = cv2.imdecode(np.frombuffer(sound, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError("its 16-bit samples cannot be decoded")
    if samples.ndim == 2:
        return samples
    gray_with_alpha = data[25] == 4
    return samples[..., [0, 3]] if gray_with_alpha else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def encode_16_bits(page: np.ndarray) -> bytes:
    """Encode samples of shape (height, width, 1 to 4)."""
    # OpenCV cannot write gray with alpha, hence the three equal colors.
    order = {1: [0], 2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[page.shape[-1]]
    return cv2.imencode(".png", page[..., order])[1].tobytes()


def is_complete(data: bytes) -> bool:
    """Say whether the last chunk is there."""
    return any(kind == b"IEND" for kind, _ in _chunks(data))


def with_metadata(data: bytes, stored: Stored) -> bytes:
    """Put EXIF, ICC, XMP and the resolution behind the header of an encoded PNG."""
    chunks = b""
    if stored.icc:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(stored.icc))
    if stored.resolution:
        x, y = (round(value * _INCHES_PER_METER) for value in stored.resolution)
        chunks += _chunk(b"pHYs", struct.pack(">LLB", x, y, 1))
    if stored.exif:
        chunks += _chunk(b"eXIf", stored.exif)
    if stored.xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + stored.xmp)
    return data[:_HEADER_END] + chunks + data[_HEADER_END:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk through the chunks that are whole: their types, and all their bytes."""
    start = len(SIGNATURE)
    while start + 12 <= len(data):
        (length,) = struct.unpack_from(">L", data, start)
        end = start + 12 + length
        if end > len(data):
            return
        yield data[start + 4 : start + 8], data[start:end]
        start = end
