"""HEIF, which telephones write as HEIC: through libheif, with 8, 10 or 12 bits per sample."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from deblur.photo import _exif
from deblur.photo._compression import Compression
from deblur.photo._extra import needs_library
from deblur.photo._pillow import check_size
from deblur.photo._stored import Encoding, Stored

_QUALITY = 95
_WRITTEN_BITS = 10  # of pictures of more than 8
_BRIGHT = {16: "PQ", 18: "HLG"}  # transfer characteristics of ITU-T H.273
_MODES = {(1, 1): "L", (2, 1): "LA", (3, 1): "RGB", (4, 1): "RGBA"}
_MODES |= {(1, 2): "L;16", (2, 2): "LA;16", (3, 2): "RGB;16", (4, 2): "RGBA;16"}


def read_heif(path: Path) -> Stored:
    """Read the primary picture: gray or color, with or without alpha."""
    pillow_heif = _library()
    data = path.read_bytes()
    opened = pillow_heif.open_heif(data, convert_hdr_to_8bit=False)
    notes = []
    if len(opened) > 1:
        others = len(opened) - 1
        notes.append(f"its {others} other pictures were left out" if others > 1 else "its other picture was left out")
    image = opened[opened.primary_index]
    samples = np.array(image).reshape(1, image.size[1], image.size[0], -1)
    bits = int(image.info.get("bit_depth", 8))
    if samples.dtype.itemsize == 2:  # the bits lie at the upper end: fill the lower ones, so that white is white
        samples = samples | samples >> np.uint16(bits)
    curve = image.info.get("nclx_profile", {}).get("transfer_characteristics")
    if curve in _BRIGHT:
        notes.append(f"its samples follow the {_BRIGHT[curve]} curve for bright screens, and were taken for sRGB")
    if image.info.get("aux"):
        notes.append("its gain map and other auxiliary pictures were left out")
    exif = (image.info.get("exif") or b"").removeprefix(b"Exif\0\0") or None
    xmp = image.info.get("xmp")
    return Stored(
        samples.astype(samples.dtype.newbyteorder("="), copy=False),
        has_alpha=image.has_alpha,
        compression=Compression.of_size("HEIF", len(data), image.size[0] * image.size[1]),
        premultiplied=image.premultiplied_alpha,
        # libheif turns the picture as the container says, and the standard tells readers to ignore the EXIF.
        exif=_exif.with_orientation_reset(exif) if exif else None,
        icc=image.info.get("icc_profile"),
        xmp=_exif.upright_xmp(xmp) if xmp else None,
        resolution=_exif.resolution(exif) if exif else None,
        notes=tuple(notes),
    )


def write_heif(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write with full color resolution, in 8 or 10 bits."""
    pillow_heif = _library()
    check_size(path, stored)
    page = stored.samples[0]
    height, width, channels = page.shape
    if page.dtype.itemsize == 2:
        spare = 16 - _WRITTEN_BITS  # the library cuts the lowest bits off; round first
        steps = np.rint(page * (((1 << _WRITTEN_BITS) - 1) / 65535)).astype(np.uint16)
        page = steps << np.uint16(spare)
    mode = _MODES[channels, page.dtype.itemsize]
    exif = _exif.with_resolution(stored.exif, stored.resolution)
    buffer = io.BytesIO()
    image = pillow_heif.from_bytes(mode=mode, size=(width, height), data=page.tobytes())
    try:
        image.save(
            buffer,
            quality=encoding.quality or _QUALITY,
            chroma=444,
            exif=b"Exif\0\0" + exif if exif else None,
            icc_profile=stored.icc,
            xmp=stored.xmp,
        )
    except RuntimeError as error:
        raise ValueError(f"libheif cannot encode it ({error}); write an AVIF or JPEG") from error
    path.write_bytes(buffer.getvalue())


def _library() -> Any:
    with needs_library("heif", "a HEIF picture"):
        import pillow_heif
    return pillow_heif
