"""Ultra HDR: the gain map that telephones append to a JPEG, and what its XMP promises about pictures behind it.

Where the map is kept, it is announced the way Android reads it: a directory in the XMP, and a multi-picture index. What
is left out is also removed from the XMP, as viewers look for what it promises.

References
----------
Ultra HDR Image Format 1.1 (Google); CIPA DC-007-2009, "Multi-Picture Format"; ISO 21496-1:2025.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from PIL import Image, ImageOps

from deblur.photo import _exif
from deblur.photo._jpeg import decoded_jpeg, end_of_picture, segments
from deblur.photo._stored import Stored

_HDRGM = b"http://ns.adobe.com/hdr-gain-map/1.0/"
_CONTAINER = b"http://ns.google.com/photos/1.0/container/"
_CAMERA = b"http://ns.google.com/photos/1.0/camera/"
_XMP_NOTE = b"http://ns.adobe.com/xmp/note/"
_ISO = b"urn:iso:std:iso:ts:21496:-1\0"
_SIGNS = (_HDRGM, _ISO, b"aux:hdrgainmap", b"ns.apple.com/HDRGainMap")
_INDEX_BYTES = 4 + 8 + 2 + 3 * 12 + 4 + 2 * 16
_APP2 = 0xE2
_START = b"\xff\xd8\xff"
_PROMISED = """<rdf:Description rdf:about="" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" \
xmlns:Container="http://ns.google.com/photos/1.0/container/" \
xmlns:Item="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0"><Container:Directory><rdf:Seq>\
<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>\
<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" \
Item:Length="{}"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description>"""
_PACKET = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
    b"</x:xmpmeta>"
)


@dataclass(frozen=True)
class GainMap:
    """How much brighter than its picture a bright screen shows each part of it.

    Attributes
    ----------
    data : bytes
        The map, a JPEG with its own metadata, upright.
    size : (int, int)
        Height and width of the upright picture that it belongs to.
    version : bytes
        Version of ISO 21496-1 that the picture declares; empty if it follows Ultra HDR alone.
    """

    data: bytes
    size: tuple[int, int]
    version: bytes = b""

    def fits(self, size: tuple[int, ...]) -> bool:
        """Return whether it belongs to a picture of this height and width."""
        return tuple(size) == self.size

    def promises(self, xmp: bytes | None) -> tuple[bytes, bytes]:
        """Return the XMP packet with the map's promise, and the segments that announce it."""
        promised = _PROMISED.format(len(self.data)).encode()
        end = (xmp or b"").rfind(b"</rdf:RDF>")
        packet = _PACKET % promised if not xmp or end < 0 else xmp[:end] + promised + xmp[end:]
        iso = _segment(_ISO + self.version) if self.version else b""
        return packet, iso + _segment(b"MPF\0" + bytes(_INDEX_BYTES - 4))

    def appended(self, picture: bytes) -> bytes:
        """Return an encoded JPEG with the map behind it, and the index filled in."""
        place = picture.index(b"MPF\0")
        origin = place + 4  # offsets in the index are counted from its own TIFF header
        directory = struct.pack("<2sHLH", b"II", 42, 8, 3)
        directory += struct.pack("<HHL4s", 0xB000, 7, 4, b"0100")
        directory += struct.pack("<HHLL", 0xB001, 4, 1, 2)
        directory += struct.pack("<HHLL", 0xB002, 7, 32, 8 + 2 + 3 * 12 + 4) + bytes(4)
        entries = struct.pack("<LLLHH", 0x030000, len(picture), 0, 0, 0)
        entries += struct.pack("<LLLHH", 0, len(self.data), len(picture) - origin, 0, 0)
        return picture[:origin] + directory + entries + picture[origin + len(directory + entries) :] + self.data


def with_gain_map(stored: Stored, data: bytes) -> Stored:
    """Keep the gain map behind a JPEG, and remove what the XMP promises besides, with a note on each thing lost."""
    end = end_of_picture(data)
    behind = [] if end is None else list(_pictures(data, end))
    chosen = _gain_map_among(behind, stored.xmp or b"")
    is_promised = _HDRGM in (stored.xmp or b"") or any(part.startswith(_ISO) for _, part in segments(data))
    notes = list(stored.notes)
    gain_map = None
    if chosen is not None:
        turned = _exif.orientation(stored.exif) if stored.exif else 1
        height, width = stored.samples.shape[1:3]
        version = next((part[len(_ISO) :] for _, part in segments(data) if part.startswith(_ISO)), b"")
        upright = _upright(behind[chosen], turned)
        if upright is not None:
            gain_map = GainMap(upright, (width, height) if turned >= 5 else (height, width), version)
    if gain_map is None and (is_promised or chosen is not None):
        notes.append("its HDR gain map is missing or damaged, and was left out")
    others = len(behind) - (chosen is not None)
    if others > 0:
        notes.append(f"{others} more picture{'s' if others > 1 else ''} behind it (previews, depth) were left out")
    if stored.xmp and re.search(rb"(?:MotionPhoto|MicroVideo)=[\"']1", stored.xmp):
        notes.append("the film of its motion photo was left out")
    if stored.xmp and b"HasExtendedXMP" in stored.xmp:
        notes.append("the extended part of its XMP was left out")
    extra = stored.extra if gain_map is None else {**stored.extra, "gain_map": gain_map}
    return replace(stored, xmp=_without_promises(stored.xmp), notes=tuple(notes), extra=extra)


def _pictures(data: bytes, start: int) -> Iterator[bytes]:
    """Yield the whole JPEGs that lie one behind the other."""
    while (start := data.find(_START, start)) >= 0:
        end = end_of_picture(data, start)
        if end is None:
            return
        yield data[start:end]
        start = end


def _gain_map_among(pictures: list[bytes], xmp: bytes) -> int | None:
    """Return which picture is the gain map: that which says so itself, or which the directory calls so."""
    for number, picture in enumerate(pictures):
        if any(sign in segment for _, segment in segments(picture) for sign in _SIGNS):
            return number
    meanings = re.findall(rb":Semantic=[\"'](\w+)", xmp)
    for number, meaning in enumerate(meaning for meaning in meanings if meaning != b"Primary"):
        if meaning == b"GainMap" and number < len(pictures):
            return number
    return None


def _upright(gain_map: bytes, orientation: int) -> bytes | None:
    """Return the map turned as its picture is, with its own metadata; None if it cannot be decoded."""
    try:
        image: Image.Image = decoded_jpeg(gain_map)
    except (OSError, SyntaxError, ValueError):
        return None
    if orientation == 1:
        return gain_map
    xmp, icc = image.info.get("xmp", b""), image.info.get("icc_profile")
    image.getexif()[274] = orientation
    turned = ImageOps.exif_transpose(image)
    iso = b"".join(_segment(part) for marker, part in segments(gain_map) if marker == _APP2 and part.startswith(_ISO))
    buffer = io.BytesIO()
    turned.save(buffer, format="JPEG", quality=95, subsampling="4:4:4", xmp=xmp, icc_profile=icc, exif=b"", extra=iso)
    return buffer.getvalue()


def _without_promises(xmp: bytes | None) -> bytes | None:
    """Remove the directory of pictures, the gain map and the motion photo from an XMP packet."""
    if not xmp:
        return xmp
    for prefix in _prefixes(xmp, _CONTAINER):
        xmp = re.sub(rb"<%s:Directory\b.*?</%s:Directory>" % (prefix, prefix), b"", xmp, flags=re.DOTALL)
    for namespace, names in ((_HDRGM, rb"\w+"), (_CAMERA, rb"(?:Motion|Micro)\w+"), (_XMP_NOTE, rb"HasExtendedXMP")):
        for prefix in _prefixes(xmp, namespace):
            name = prefix + rb":" + names
            xmp = re.sub(rb"<(%s)\b[^>]*(?<!/)>.*?</\1>|<%s\b[^>]*/>" % (name, name), b"", xmp, flags=re.DOTALL)
            xmp = re.sub(rb"\s%s=(?:\"[^\"]*\"|'[^']*')" % name, b"", xmp)
    return xmp


def _prefixes(xmp: bytes, namespace: bytes) -> set[bytes]:
    return set(re.findall(rb"xmlns:(\w+)=[\"']" + re.escape(namespace), xmp))


def _segment(content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, _APP2, len(content) + 2) + content
