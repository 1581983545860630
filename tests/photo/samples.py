"""Files of cameras, telephones and instruments, made here."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
)
XMP += b"</x:xmpmeta>"
RESOLUTION = 300.0, 150.0


def scene(height: int = 36, width: int = 48, seed: int = 0) -> np.ndarray:
    """A smooth picture in color, from 0 to 1, with no symmetry."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.random((height, width, 3)), (0, 0), 2)
    return (smooth - smooth.min()) / (smooth.max() - smooth.min())


def exif(orientation: int = 1, order: str = "<") -> bytes:
    """What a camera writes."""
    block = Image.Exif()
    block.endian = order
    block[271], block[272], block[306] = "Maker", "Model 1", "2024:01:02 03:04:05"
    block[274], block[282], block[283], block[296] = orientation, *RESOLUTION, 2
    block[0x8769] = {33434: 0.02, 34855: 400, 37500: bytes(range(256)) * 2}
    block[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0)}
    return block.tobytes().removeprefix(b"Exif\0\0")


def turned(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Store an upright picture the way a camera held so does (Exif 2.32, table 6)."""
    return np.ascontiguousarray(
        {
            1: lambda p: p,
            2: np.fliplr,
            3: lambda p: np.rot90(p, 2),
            4: np.flipud,
            5: lambda p: np.fliplr(np.rot90(p, -1)),
            6: lambda p: np.rot90(p, 1),
            7: lambda p: np.fliplr(np.rot90(p, 1)),
            8: lambda p: np.rot90(p, -1),
        }[orientation](pixels)
    )


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    """Encode samples of 8 bits."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=95, subsampling="4:4:4", **options)
    return buffer.getvalue()


def dng(path: Path, colors: np.ndarray, *, orientation: int = 1, model: str = "Test 1", **options: object) -> None:
    """Write a RAW file: colors from 0 to 1 behind a Bayer mosaic, with a black level and a white balance.

    The sensor sees half of red and blue, and counts from 256 to 4095.
    """
    mosaic = colors[..., 1].copy()
    mosaic[::2, ::2], mosaic[1::2, 1::2] = colors[::2, ::2, 0] / 2, colors[1::2, 1::2, 2] / 2
    counts = np.rint(256 + mosaic * (4095 - 256)).astype(np.uint16)
    # From XYZ to the colors of this sensor: those of sRGB, times what it sees of each.
    from_xyz = np.diag([0.5, 1, 0.5]) @ np.linalg.inv(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    matrix = [part for value in from_xyz.ravel() for part in (round(value * 10000), 10000)]
    tags = [
        (50706, "B", 4, (1, 4, 0, 0), True),
        (50707, "B", 4, (1, 1, 0, 0), True),
        (33421, "H", 2, (2, 2), True),
        (33422, "B", 4, (0, 1, 1, 2), True),
        (50708, "s", 0, f"Maker {model}", True),
        (50714, "H", 1, 256, True),
        (50717, "H", 1, 4095, True),
        (50721, "2i", 9, matrix, True),
        (50778, "H", 1, 21, True),
        (50728, "2I", 3, (1, 2, 1, 1, 1, 2), True),
        (271, "s", 0, "Maker", True),
        (272, "s", 0, model, True),
        (274, "H", 1, orientation, True),
    ]
    tifffile.imwrite(path, counts, photometric=32803, metadata=None, software=False, extratags=tags, **options)


def ultra_hdr(pixels: np.ndarray, gain: np.ndarray, *, orientation: int = 1, index: bool = True) -> bytes:
    """Encode a JPEG with a gain map, as telephones do: announced in XMP, and in a multi-picture index."""
    parameters = b'<rdf:Description xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
    parameters += b'hdrgm:GainMapMax="2.5" hdrgm:HDRCapacityMax="2.5"/>'
    behind = jpeg(gain, xmp=XMP % parameters)
    promise = (
        b'<rdf:Description xmlns:Container="http://ns.google.com/photos/1.0/container/" xmlns:Item="http://ns.google.com/'
        b'photos/1.0/container/item/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" '
        b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"><Container:Directory><rdf:Seq>'
        b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/></rdf:li>'
        b'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" '
        b'Item:Length="%d"/></rdf:li></rdf:Seq></Container:Directory></rdf:Description>' % len(behind)
    )
    segment = struct.pack(">BBH", 0xFF, 0xE2, 4 + 82 + 2) + b"MPF\0" + bytes(82)
    front = jpeg(pixels, xmp=XMP % promise, exif=b"Exif\0\0" + exif(orientation), extra=segment if index else b"")
    return front + behind
