"""AVIF, which Pillow reads and writes in 8 bits."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import AvifImagePlugin

from deblur.photo import _exif
from deblur.photo._compression import Compression
from deblur.photo._pillow import as_image, decoded, described, plain
from deblur.photo._stored import Encoding, Stored

_QUALITY = 95  # as of JPEG; it has no lossless kind that keeps RGB as it is


def read_avif(path: Path) -> Stored:
    """Read an AVIF: color, with or without alpha; Pillow decodes 10 and 12 bits to 8."""
    data = path.read_bytes()
    image = decoded(AvifImagePlugin.AvifImageFile, data)
    stored = described(image, np.asarray(plain(image)), None)
    stored = replace(stored, compression=Compression.of_size("AVIF", len(data), image.width * image.height))
    bits = _av1_bits(data)
    return replace(stored, notes=(f"its {bits} bits per sample were read as 8",)) if bits > 8 else stored


def write_avif(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write with full color resolution."""
    buffer = io.BytesIO()
    image = as_image(path, stored)
    image.save(
        buffer,
        format="AVIF",
        quality=encoding.quality or _QUALITY,
        subsampling="4:0:0" if image.mode == "L" else "4:4:4",
        exif=_exif.with_resolution(stored.exif, stored.resolution) or b"",
        icc_profile=stored.icc or b"",
        xmp=stored.xmp or b"",
    )
    path.write_bytes(buffer.getvalue())


def _av1_bits(data: bytes) -> int:
    """Return the bits per sample that the codec's configuration declares; 8 if there is none."""
    place = data.find(b"av1C")
    flags = data[place + 6] if 0 <= place < len(data) - 6 else 0
    return (12 if flags & 0x20 else 10) if flags & 0x40 else 8
