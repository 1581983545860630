"""JPEG 2000: 8 bits through Pillow, and more through OpenCV; the metadata lie in boxes around the pixels.

References
----------
ITU-T T.800 (2019), annexes A.5 and I.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Jpeg2KImagePlugin

from deblur.photo import _exif
from deblur.photo._opencv import decode, in_its_order, quiet_opencv
from deblur.photo._pillow import as_image, check_size, decoded, density, described, plain
from deblur.photo._stored import Encoding, Resolution, Stored

_CODESTREAM = b"\xff\x4f\xff\x51"
_EXIF = b"JpgTiffExif->JP2"
_XMP = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_HEADER, _COLOR, _RESOLUTION, _UUID = b"jp2h", b"colr", b"res ", b"uuid"
_LEAST_SIDE = 32  # of the six resolutions that OpenCV puts into a file
_PROFILE = 2  # method of a color box
_INCHES_PER_METER = 1 / 0.0254


def read_jp2(path: Path) -> Stored:
    """Read gray or color, with or without alpha, of 1 to 16 bits."""
    data = path.read_bytes()
    bits, signed = _depth(data)
    if signed or bits > 16:
        raise ValueError(f"its samples have {bits} bits{' and a sign' if signed else ''}; convert it first")
    image = decoded(Jpeg2KImagePlugin.Jpeg2KImageFile, data)  # refuses a file that is cut short
    if image.mode not in ("L", "LA", "RGB", "RGBA", "I;16", "P", "PA"):
        raise ValueError(f"its colors are {image.mode}; convert it to RGB first")
    samples = _deep(data, bits) if bits > 8 else np.asarray(plain(image))
    stored = described(image, samples, density(image))
    exif, icc, xmp = _metadata(data)
    resolution = stored.resolution or (_exif.resolution(exif) if exif else None)
    return replace(stored, exif=exif, icc=icc, xmp=xmp, resolution=resolution)


def write_jp2(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write without loss, unless there is a quality."""
    rate = None if encoding.quality is None else _rate(encoding.quality)
    if stored.samples.dtype == np.uint16:
        check_size(path, stored)
        strength = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000 if rate is None else round(1000 / rate)]
        with quiet_opencv():
            encoded, made = cv2.imencode(".jp2", in_its_order(stored.samples[0]), strength)
        if not encoded:
            raise ValueError(f"OpenCV encodes no 16-bit JPEG 2000 with sides below {_LEAST_SIDE} pixels; write a PNG")
        data = made.tobytes()
    else:
        buffer = io.BytesIO()
        lossy = {} if rate is None else {"irreversible": True, "quality_mode": "rates", "quality_layers": [rate]}
        image = as_image(path, stored)
        image.save(buffer, format="JPEG2000", mct=int(image.mode[:3] == "RGB"), **lossy)
        data = buffer.getvalue()
    path.write_bytes(_with_metadata(data, stored))


def _rate(quality: int) -> float:
    """Return how many times smaller than the samples the file becomes: 3 for quality 100, 10 for 75, 30 for 50."""
    return float(3 * 10 ** ((100 - quality) / 50))


def _depth(data: bytes) -> tuple[int, bool]:
    """Return the most bits of a component, and whether one is signed."""
    start = data.find(_CODESTREAM)
    if start < 0 or len(data) < start + 42:
        raise ValueError("it is cut short")
    (count,) = struct.unpack_from(">H", data, start + 40)
    components = data[start + 42 : start + 42 + 3 * count : 3]
    if not components:
        raise ValueError("it has no components")
    return max(each & 0x7F for each in components) + 1, any(each & 0x80 for each in components)


def _deep(data: bytes, bits: int) -> np.ndarray:
    """Decode more than 8 bits, scaled to the full range of 16."""
    samples = decode(data)
    if samples is None or samples.dtype != np.uint16:
        raise ValueError(f"its samples of {bits} bits cannot be decoded")
    largest = (1 << bits) - 1
    return samples if bits == 16 else ((samples.astype(np.uint32) * 65535 + largest // 2) // largest).astype(np.uint16)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield the type, content, start and end of each box."""
    start = 0
    while start + 8 <= len(data):
        size, kind = struct.unpack_from(">L4s", data, start)
        header = 8
        if size == 1 and start + 16 <= len(data):
            size, header = struct.unpack_from(">Q", data, start + 8)[0], 16
        end = len(data) if size == 0 else start + size
        if end < start + header or end > len(data):
            return
        yield kind, data[start + header : end], start, end
        start = end


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", 8 + len(content), kind) + content


def _metadata(data: bytes) -> tuple[bytes | None, bytes | None, bytes | None]:
    """Return EXIF, color profile and XMP."""
    exif = icc = xmp = None
    if data[:4] == _CODESTREAM:
        return exif, icc, xmp
    for kind, content, _, _ in _boxes(data):
        if kind == _HEADER:
            profiles = [inner[3:] for name, inner, _, _ in _boxes(content) if name == _COLOR and inner[:1] == b"\x02"]
            icc = profiles[0] if profiles else None
        elif kind == _UUID and content.startswith(_EXIF):
            exif = content[len(_EXIF) :].removeprefix(b"Exif\0\0")
        elif kind == _UUID and content.startswith(_XMP):
            xmp = content[len(_XMP) :]
    return exif or None, icc or None, xmp or None


def _with_metadata(data: bytes, stored: Stored) -> bytes:
    """Put the color profile and the resolution into the header box, and EXIF and XMP behind it."""
    start, end, inside = next((first, last, inner) for kind, inner, first, last in _boxes(data) if kind == _HEADER)
    content = b""
    for kind, _, first, last in _boxes(inside):
        if kind == _COLOR and stored.icc:  # readers take the first that they understand
            content += _box(_COLOR, bytes([_PROFILE, 0, 0]) + stored.icc)
        content += inside[first:last]
    if stored.resolution:
        content += _box(_RESOLUTION, _box(b"resc", _capture_resolution(stored.resolution)))
    behind = _box(_UUID, _EXIF + stored.exif) if stored.exif else b""
    behind += _box(_UUID, _XMP + stored.xmp) if stored.xmp else b""
    return data[:start] + _box(_HEADER, content) + behind + data[end:]


def _capture_resolution(resolution: Resolution) -> bytes:
    """Return pixels per meter, as fractions of 16 bits: first along y."""
    fractions = []
    for value in reversed(resolution):
        per_meter = value * _INCHES_PER_METER
        below = min(max(1, int(65535 / per_meter)), 65535)
        fractions += [min(max(1, round(per_meter * below)), 65535), below]
    return struct.pack(">4H2B", *fractions, 0, 0)
