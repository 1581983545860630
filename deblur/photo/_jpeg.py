"""JPEG: the photograph itself, and the gain map that telephones append to it.

References
----------
ITU-T T.81, annex B: the segments of a file.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import JpegImagePlugin
from PIL.ImageFile import ImageFile

from deblur.photo._compression import Compression
from deblur.photo._pillow import as_image, decoded, density, described
from deblur.photo._stored import Encoding, Stored

_QUALITY = 95
_START_OF_SCAN, _END = 0xDA, 0xD9
_MOST_SCANS = 100  # encoders write about ten
_UNUSUAL = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical"}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_AFTER_ENTROPY = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")  # of a segment with a length; the decoder skips what is between
_PROMISES = (b"MPF\0", b"hdr-gain-map", b"google.com/photos/1.0/", b"urn:iso:std:iso:ts:21496:-1", b"HasExtendedXMP")


def read_jpeg(path: Path) -> Stored:
    """Read a JPEG: gray or color, 8 bits."""
    data = path.read_bytes()
    header = list(segments(data))
    for marker, segment in header:
        if marker in _FRAMES:
            _check_frame(marker, segment)
            break
    image = decoded_jpeg(data)
    if image.mode not in ("L", "RGB"):
        raise ValueError(f"its colors are {image.mode}; convert it to RGB first")
    # Pillow reports 72 for files that declare no density.
    stored = described(image, np.asarray(image), density(image) if image.info.get("jfif_unit") else None)
    sampling = {0: "4:4:4", 1: "4:2:2"}.get(JpegImagePlugin.get_sampling(image), "4:2:0")
    stored = replace(stored, compression=Compression.of_jpeg(getattr(image, "quantization", {}), sampling))
    if any(promise in segment for _, segment in header for promise in _PROMISES):
        from deblur.photo._gainmap import with_gain_map

        return with_gain_map(stored, data)
    return stored


def decoded_jpeg(data: bytes) -> ImageFile:
    """Return a decoded image; raise `ValueError` if it cannot be decoded, or would take absurdly long."""
    if _scans(data) > _MOST_SCANS:  # each visits every pixel, for as little as 100 bytes of the file
        raise ValueError(f"it is a JPEG of more than {_MOST_SCANS} scans, which no camera or program writes")
    return decoded(JpegImagePlugin.JpegImageFile, data)


def write_jpeg(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write without chroma subsampling."""
    gain_map: Any = stored.extra.get("gain_map")
    keeps_map = gain_map is not None and gain_map.fits(stored.samples.shape[1:3])
    xmp, segment = gain_map.promises(stored.xmp) if keeps_map else (stored.xmp, b"")
    buffer = io.BytesIO()  # writing to a file, Pillow does not report a full disk
    as_image(path, stored).save(
        buffer,
        format="JPEG",
        quality=encoding.quality or _QUALITY,
        subsampling="4:4:4",
        exif=b"Exif\0\0" + stored.exif if stored.exif else b"",
        icc_profile=stored.icc,
        xmp=xmp or b"",
        dpi=stored.resolution or (0, 0),
        extra=segment,
    )
    data = buffer.getvalue()
    path.write_bytes(gain_map.appended(data) if keeps_map else data)


def segments(data: bytes, start: int = 2) -> Iterator[tuple[int, bytes]]:
    """Yield the marker and content of each segment, up to the first scan."""
    while start + 4 <= len(data) and data[start] == 0xFF:
        marker, length = data[start + 1], int.from_bytes(data[start + 2 : start + 4], "big")
        if marker == 0xFF:  # padding
            start += 1
            continue
        if marker == _START_OF_SCAN or length < 2:
            return
        yield marker, data[start + 4 : start + 2 + length]
        start += 2 + length


def end_of_picture(data: bytes, start: int = 0) -> int | None:
    """Return where the JPEG that begins at `start` ends; None if it is cut short."""
    place = start + 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        place += 2 + length if marker != 0xFF else 1
        if marker == _START_OF_SCAN:
            found = _AFTER_ENTROPY.search(data, place)
            if found is None:
                return None
            place = found.start()
        if data[place : place + 2] == bytes([0xFF, _END]):
            return place + 2
    return None


def _scans(data: bytes) -> int:
    """Count the scans of the picture that begins the file, finding markers as the decoder does."""
    scans, place = 0, 2
    while (found := _MARKER.search(data, place)) is not None and (marker := data[found.end() - 1]) != _END:
        scans += marker == _START_OF_SCAN
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def _check_frame(marker: int, segment: bytes) -> None:
    """Raise `ValueError` for kinds of JPEG that the decoder lacks or would misread."""
    if marker in _UNUSUAL:
        raise ValueError(f"it is a {_UNUSUAL[marker]} JPEG, which is not supported; convert it to PNG first")
    bits = segment[0] if segment else 8
    if bits != 8:
        raise ValueError(f"it is a JPEG of {bits} bits, which is not supported; convert it to 16-bit PNG first")
