"""PNG features that Pillow lacks: 16 bits per sample in color, with metadata.

References
----------
Portable Network Graphics, third edition (W3C, 2025), sections 5.3 and 11.
"""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

from deblur._core.png import chunk, pixels_only, walk
from deblur.photo._opencv import in_its_order
from deblur.photo._stored import Stored

_HEADER_END = 33  # the signature, and the IHDR chunk with its 13 bytes
_INCHES_PER_METER = 1 / 0.0254


def has_16_bits(data: bytes) -> bool:
    """Return whether the header declares 16 bits per sample."""
    return data[24] == 16


def decode_16_bits(data: bytes) -> np.ndarray:
    """Decode a PNG that Pillow has verified."""
    samples = cv2.imdecode(np.frombuffer(pixels_only(data), np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError("its 16-bit samples cannot be decoded")
    if samples.ndim == 2:
        return samples
    gray_with_alpha = data[25] == 4
    return samples[..., [0, 3]] if gray_with_alpha else samples[..., [2, 1, 0, 3][: samples.shape[2]]]


def encode_16_bits(page: np.ndarray) -> bytes:
    """Encode samples of shape (height, width, 1 to 4)."""
    return cv2.imencode(".png", in_its_order(page))[1].tobytes()


def is_complete(data: bytes) -> bool:
    """Return whether the last chunk is present."""
    return any(kind == b"IEND" for kind, _ in walk(data))


def with_metadata(data: bytes, stored: Stored) -> bytes:
    """Insert EXIF, ICC, XMP and the resolution after the header of an encoded PNG."""
    chunks = b""
    if stored.icc:
        chunks += chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(stored.icc))
    if stored.resolution:
        x, y = (round(value * _INCHES_PER_METER) for value in stored.resolution)
        chunks += chunk(b"pHYs", struct.pack(">LLB", x, y, 1))
    if stored.exif:
        chunks += chunk(b"eXIf", stored.exif)
    if stored.xmp:
        chunks += chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + stored.xmp)
    return data[:_HEADER_END] + chunks + data[_HEADER_END:]
