"""BMP, GIF and the formats of Netpbm (PPM, PGM, PBM), which hold pixels and nothing else."""

from __future__ import annotations

import io
import math
import re
from pathlib import Path

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, PpmImagePlugin

from deblur.photo._pillow import as_image, check_size, decoded, density, described, plain
from deblur.photo._stored import Encoding, Stored

_SPACE = rb"(?:\s|#[^\n]*\n)+"
_HEADER = re.compile(rb"(P[2356])" + 3 * (_SPACE + rb"(\d{1,9})") + rb"\s")
_LARGEST = 65535


def read_bmp(path: Path) -> Stored:
    """Read a BMP: a palette or color, with or without alpha."""
    image = decoded(BmpImagePlugin.BmpImageFile, path.read_bytes())
    return described(image, np.asarray(plain(image)), density(image))


def read_gif(path: Path) -> Stored:
    """Read a GIF of one frame."""
    image = decoded(GifImagePlugin.GifImageFile, path.read_bytes())
    return described(image, np.asarray(plain(image)), None)


def read_pnm(path: Path) -> Stored:
    """Read a PPM, PGM or PBM, in text or not, of 1 to 16 bits."""
    data = path.read_bytes()
    header = _HEADER.match(data)
    if header is not None:
        shape = int(header[3]), int(header[2]), 3 if header[1] in (b"P3", b"P6") else 1
        is_deep = 255 < int(header[4]) <= _LARGEST
        least = 2 if is_deep and header[1] in (b"P5", b"P6") else 1
        if math.prod(shape) * least > len(data) - header.end() or 0 in shape:
            raise ValueError("it is cut short")
        if is_deep:
            return Stored(_sixteen_bits(data, header, shape)[None], has_alpha=False)
    image = decoded(PpmImagePlugin.PpmImageFile, data)
    return described(image, np.asarray(plain(image)), None)


def write_bmp(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write without compression."""
    buffer = io.BytesIO()
    as_image(path, stored).save(buffer, format="BMP", dpi=stored.resolution or (0, 0))
    path.write_bytes(buffer.getvalue())


def write_pnm(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write gray as P5 and color as P6, whose samples of two bytes have the higher byte first."""
    check_size(path, stored)
    if path.suffix.lower() == ".pgm" and stored.channels == 3:
        raise ValueError("a .pgm file is gray, and the picture has colors; write a .ppm")
    page = stored.samples[0]
    height, width, channels = page.shape
    largest = np.iinfo(page.dtype).max
    header = f"P{6 if channels == 3 else 5}\n{width} {height}\n{largest}\n".encode()
    path.write_bytes(header + page.astype(page.dtype.newbyteorder(">")).tobytes())


def _sixteen_bits(data: bytes, header: re.Match[bytes], shape: tuple[int, ...]) -> np.ndarray:
    """Decode samples of two bytes, or of text, scaled to the full range: Pillow turns color into 8 bits."""
    largest, count = int(header[4]), math.prod(shape)
    if header[1] in (b"P5", b"P6"):
        samples = np.frombuffer(data, ">u2", count, header.end()).astype(np.uint32)
    else:
        texts = re.sub(rb"#[^\n]*", b"", data[header.end() :]).split(None, count)[:count]
        if len(texts) < count:
            raise ValueError("it is cut short")
        samples = np.array(texts, dtype=np.uint32)
    if samples.max() > largest:
        raise ValueError(f"it has samples of {samples.max()}, above its largest value of {largest}")
    return ((samples * _LARGEST + largest // 2) // largest).astype(np.uint16).reshape(shape)
