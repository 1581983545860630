"""EXIF: a TIFF directory of tags, inside a JPEG, a PNG or a WebP, or as a TIFF file itself.

Pillow and OpenCV carry an EXIF block from one file to another but cannot move it into or out of a TIFF at any bit
depth, and rewriting it with them changes types and loses tags. A directory is a dozen lines each way, kept to the byte.

References
----------
TIFF Revision 6.0 (Adobe, 1992), section 2; Exif 2.32 (CIPA DC-008-2019), section 4.6.
"""

from __future__ import annotations

import mmap
import re
import struct
from fractions import Fraction
from pathlib import Path
from typing import Literal

from deblur.photo._stored import Resolution

Buffer = bytes | mmap.mmap
Directory = dict[int, "tuple[int, bytes] | Directory"]
"""Tag to (type, value in the file's byte order), or to the directory that the tag points to."""

_ORIENTATION, _X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT = 274, 282, 283, 296
_RESOLUTION = {_X_RESOLUTION, _Y_RESOLUTION, _RESOLUTION_UNIT}
_POINTERS = {0x8769, 0x8825, 0xA005}  # Exif, GPS, interoperability
# Tags that describe the photograph, not how a file stores it: ImageDescription, Make, Model, Software,
# DateTime, Artist, HostComputer, Rating, Copyright, the two directories, Windows' XP tags, ImageJ's metadata.
_DESCRIPTION = 270
_DESCRIPTIVE = {_DESCRIPTION, 271, 272, 305, 306, 315, 316, 18246, 18249, 33432, 0x8769, 0x8825}
_DESCRIPTIVE |= {*range(40091, 40096), 50838, 50839}
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_INCH, _CENTIMETER = 2, 3


def names_camera(exif: bytes) -> bool:
    """Return whether an EXIF block has the make, the model or the settings of a camera."""
    return bool({271, 272, 0x8769} & _read(exif).keys())


def byte_order(exif: Buffer) -> Literal["<", ">"]:
    """Return the byte order as `struct` writes it."""
    return ">" if exif[:2] == b"MM" else "<"


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation, 1 (upright) to 8; 1 if it is missing or invalid."""
    turned = int(_number(_read(exif), _ORIENTATION, byte_order(exif)) or 1)
    return turned if 1 <= turned <= 8 else 1


def with_orientation_reset(exif: bytes) -> bytes:
    """Set the orientation of an EXIF block (or a TIFF file) to 1.

    Patched in place: maker notes contain offsets, which break when the block is rewritten.
    """
    patched, order = bytearray(exif), byte_order(exif)
    start, count = _extent(exif)
    for position in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind = struct.unpack_from(order + "HH", exif, position)
        if (tag, kind) == (_ORIENTATION, _SHORT):
            struct.pack_into(order + "H", patched, position + 8, 1)
    return bytes(patched)


def upright_xmp(xmp: bytes) -> bytes:
    """Set the orientation that an XMP packet repeats to 1: some programs believe it."""
    return re.sub(rb"(tiff:Orientation(?:=[\"']|>))[2-8]", rb"\g<1>1", xmp)


def without_thumbnail(exif: bytes) -> bytes:
    """Remove the second directory, whose thumbnail shows the blurred picture."""
    start, count = _extent(exif)
    link = start + 2 + 12 * count
    return exif[:link] + bytes(4) + exif[link + 4 :] if count else exif


def resolution(exif: bytes) -> Resolution | None:
    """Return the pixels per inch along x and y, or None if they or their unit are unknown."""
    directory, order = _read(exif), byte_order(exif)
    x, y = (_number(directory, tag, order) for tag in (_X_RESOLUTION, _Y_RESOLUTION))
    unit = _number(directory, _RESOLUTION_UNIT, order) or _INCH
    if not x or not y or unit not in (_INCH, _CENTIMETER):
        return None
    return (x, y) if unit == _INCH else (x * 2.54, y * 2.54)


def with_resolution(exif: bytes | None, value: Resolution | None) -> bytes | None:
    """Set the resolution of an EXIF block, or of a new one: for formats that store it nowhere else."""
    if value is None or (exif and resolution(exif) == value):
        return exif
    order = byte_order(exif or b"II")
    directory = _read(exif) if exif else {}
    for tag, number in zip((_X_RESOLUTION, _Y_RESOLUTION), value, strict=True):
        ratio = Fraction(number).limit_denominator(10_000)
        directory[tag] = _RATIONAL, struct.pack(order + "LL", ratio.numerator, ratio.denominator)
    directory[_RESOLUTION_UNIT] = _SHORT, struct.pack(order + "H", _INCH)
    return _block(directory, order)


def from_tiff(path: Path) -> tuple[bytes | None, Resolution | None]:
    """Copy the descriptive tags of a TIFF file into an EXIF block; the resolution is also returned separately."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        directory, order = _read(view), byte_order(view)
    kept = {tag: directory[tag] for tag in {*_DESCRIPTIVE, *_RESOLUTION, _ORIENTATION} & directory.keys()}
    match kept.get(_DESCRIPTION):
        case (_, bytes(text)) if text.startswith(b'{"shape"'):  # metadata that tifffile writes for itself
            del kept[_DESCRIPTION]
    block = _block(kept, order)
    return block if kept.keys() - _RESOLUTION else None, resolution(block)


def into_tiff(path: Path, exif: bytes, *, keep_resolution: bool) -> None:
    """Add the descriptive tags of `exif` to the first page of a TIFF file of the same byte order.

    The first directory is written anew at the end of the file, and the header pointed to it. BigTIFF files (over
    4 GB) stay as they are.
    """
    order = byte_order(exif)
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
            start, count = _extent(view)
            directory, end = _read(view), len(view) + len(view) % 2
            following = view[start + 2 + 12 * count :][:4] if count else b""
        if not count:
            return
        source = _read(exif)
        wanted = _DESCRIPTIVE if keep_resolution else _DESCRIPTIVE | _RESOLUTION
        directory.update({tag: source[tag] for tag in wanted & source.keys()})
        file.seek(end)
        file.write(_write(directory, order, end, following))
        file.seek(4)
        file.write(struct.pack(order + "L", end))


def _number(directory: Directory, tag: int, order: str) -> float | None:
    match directory.get(tag):
        case (3, value) if len(value) == 2:
            return float(*struct.unpack(order + "H", value))
        case (5, value) if len(value) == 8:
            numerator, denominator = struct.unpack(order + "LL", value)
            return numerator / denominator if denominator else None
    return None


def _block(directory: Directory, order: str) -> bytes:
    header = (b"II" if order == "<" else b"MM") + struct.pack(order + "HL", 42, 8)
    return header + _write(directory, order, 8)


def _extent(blob: Buffer) -> tuple[int, int]:
    """Return the offset and number of entries of the first directory; 0, 0 if it is cut short or not classic TIFF."""
    order = byte_order(blob)
    if blob[:4] not in (b"II*\0", b"MM\0*") or len(blob) < 8:
        return 0, 0
    (start,) = struct.unpack_from(order + "L", blob, 4)
    return start, _count(blob, order, start)


def _count(blob: Buffer, order: str, start: int) -> int:
    if not 8 <= start <= len(blob) - 2:
        return 0
    (count,) = struct.unpack_from(order + "H", blob, start)
    return count if start + 2 + 12 * count + 4 <= len(blob) else 0


def _read(blob: Buffer, start: int | None = None, depth: int = 3) -> Directory:
    """Parse the directory at `start`, by default the first; entries that are damaged are left out."""
    order = byte_order(blob)
    start = _extent(blob)[0] if start is None else start
    directory: Directory = {}
    for position in range(start + 2, start + 2 + 12 * _count(blob, order, start), 12):
        tag, kind, count = struct.unpack_from(order + "HHL", blob, position)
        size = count * _SIZES.get(kind, 0)
        (offset,) = struct.unpack_from(order + "L", blob, position + 8)
        if tag in _POINTERS:
            if depth > 1 and (inner := _read(blob, offset, depth - 1)):
                directory[tag] = inner
        else:
            where = position + 8 if size <= 4 else offset
            if size and where + size <= len(blob):
                directory[tag] = kind, blob[where : where + size]
    return directory


def _write(directory: Directory, order: str, start: int, following: bytes = bytes(4)) -> bytes:
    """Encode a directory at offset `start`, with the values and directories it points to."""
    entries, values = struct.pack(order + "H", len(directory)), b""
    values_start = start + 2 + 12 * len(directory) + 4
    for tag, entry in sorted(directory.items()):
        offset = struct.pack(order + "L", values_start + len(values))
        if isinstance(entry, dict):
            kind, count, field = _LONG, 1, offset
            values += _write(entry, order, values_start + len(values))
        else:
            kind, value = entry
            count, field = len(value) // _SIZES[kind], value.ljust(4, b"\0")
            if len(value) > 4:
                field = offset
                values += value + bytes(len(value) % 2)
        entries += struct.pack(order + "HHL", tag, kind, count) + field
    return entries + following + values
