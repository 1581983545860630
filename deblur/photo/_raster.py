"""PNG and WebP.

Pillow reads and writes them. The exception is a PNG of 16 bits, which Pillow turns into 8: there OpenCV codes the
pixels.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import PngImagePlugin, WebPImagePlugin

from deblur.photo import _exif, _png
from deblur.photo._compression import Compression
from deblur.photo._pillow import as_image, check_size, decoded, density, described, plain
from deblur.photo._stored import Encoding, Stored


def read_png(path: Path) -> Stored:
    """Read a PNG: gray or color, with or without alpha, a palette or a transparent color, 1 to 16 bits."""
    data = path.read_bytes()
    if not _png.is_complete(data):
        raise ValueError("it is cut short")
    image = decoded(PngImagePlugin.PngImageFile, data)
    samples = _png.decode_16_bits(data) if _png.has_16_bits(data) else np.asarray(plain(image))
    return described(image, samples, density(image))


def read_webp(path: Path) -> Stored:
    """Read a WebP: color, with or without alpha, 8 bits."""
    data = path.read_bytes()
    image = decoded(WebPImagePlugin.WebPImageFile, data)
    stored = described(image, np.asarray(plain(image)), None)
    if not _is_lossy(data):
        return stored
    return replace(stored, compression=Compression.of_size("WebP", len(data), image.width * image.height))


def _is_lossy(data: bytes) -> bool:
    """Return whether a WebP has a chunk of lossy samples."""
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == b"VP8 ":
            return True
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little") + (data[at + 4] & 1)
    return False


def write_png(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write 8 or 16 bits."""
    if stored.samples.dtype == np.uint16:
        check_size(path, stored)
        data = _png.encode_16_bits(stored.samples[0])
    else:
        buffer = io.BytesIO()
        as_image(path, stored).save(buffer, format="PNG")
        data = buffer.getvalue()
    path.write_bytes(_png.with_metadata(data, stored))


def write_webp(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write without loss, unless there is a quality: the lossy kind halves the resolution of color."""
    buffer = io.BytesIO()
    lossless = {"lossless": True, "exact": True}  # exact: colors under transparent pixels too
    as_image(path, stored).save(
        buffer,
        format="WEBP",
        **(lossless if encoding.quality is None else {"quality": encoding.quality, "method": 6}),
        exif=_exif.with_resolution(stored.exif, stored.resolution) or b"",
        icc_profile=stored.icc or b"",
        xmp=stored.xmp or b"",
    )
    path.write_bytes(buffer.getvalue())
