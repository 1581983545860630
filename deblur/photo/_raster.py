"""JPEG, PNG and WebP.

Pillow reads and writes them, for it keeps EXIF, ICC, XMP and the resolution of all three and refuses a file that is cut
short, where OpenCV keeps part of that and fills the rest with gray. The exception is a PNG of 16 bits, which Pillow
turns into 8: there OpenCV codes the pixels.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from deblur.photo import _exif, _png
from deblur.photo._compression import Compression
from deblur.photo._stored import Resolution, Stored

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PILLOW = threading.Lock()
_LARGEST_SIDE = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383}


def read_jpeg(data: bytes) -> Stored:
    """Read a JPEG: gray or color, 8 bits."""
    image = _opened(JpegImagePlugin.JpegImageFile, data)
    if image.mode not in ("L", "RGB"):
        raise ValueError(f"its colors are {image.mode}; convert it to RGB first")
    # Pillow reports 72 for files that declare no density.
    stored = _stored(image, np.asarray(image), _density(image) if image.info.get("jfif_unit") else None)
    return replace(stored, compression=_jpeg_compression(image))


def read_png(data: bytes) -> Stored:
    """Read a PNG: gray or color, with or without alpha, a palette or a transparent color, 1 to 16 bits."""
    if not _png.is_complete(data):
        raise ValueError("it is cut short")
    image = _opened(PngImagePlugin.PngImageFile, data)
    samples = _png.decode_16_bits(data) if _png.has_16_bits(data) else np.asarray(plain(image))
    return _stored(image, samples, _density(image))


def read_webp(data: bytes) -> Stored:
    """Read a WebP: color, with or without alpha, 8 bits."""
    image = _opened(WebPImagePlugin.WebPImageFile, data)
    return _stored(image, np.asarray(plain(image)), None)


def write_jpeg(path: Path, stored: Stored) -> None:
    """Write quality 95 without chroma subsampling."""
    buffer = io.BytesIO()  # writing to a file, Pillow does not report a full disk
    _image(path, stored).save(
        buffer,
        format="JPEG",
        quality=95,
        subsampling="4:4:4",
        exif=b"Exif\0\0" + stored.exif if stored.exif else b"",
        icc_profile=stored.icc,
        xmp=stored.xmp or b"",
        dpi=stored.resolution or (0, 0),
    )
    path.write_bytes(buffer.getvalue())


def write_png(path: Path, stored: Stored) -> None:
    """Write 8 or 16 bits."""
    if stored.samples.dtype == np.uint16:
        _check(path, stored)
        data = _png.encode_16_bits(stored.samples[0])
    else:
        buffer = io.BytesIO()
        _image(path, stored).save(buffer, format="PNG")
        data = buffer.getvalue()
    path.write_bytes(_png.with_metadata(data, stored))


def write_webp(path: Path, stored: Stored) -> None:
    """Write without loss: the lossy kind halves the resolution of color whatever its quality."""
    buffer = io.BytesIO()
    _image(path, stored).save(
        buffer,
        format="WEBP",
        lossless=True,
        exact=True,  # colors under transparent pixels too
        exif=_exif.with_resolution(stored.exif, stored.resolution) or b"",
        icc_profile=stored.icc or b"",
        xmp=stored.xmp or b"",
    )
    path.write_bytes(buffer.getvalue())


def plain(image: Image.Image) -> Image.Image:
    """Convert an 8-bit image to gray or RGB, and its transparency to alpha."""
    alpha = "A" if image.has_transparency_data else ""
    return image.convert(("L" if image.mode in ("1", "L", "LA") else "RGB") + alpha)


@contextmanager
def patient_pillow() -> Iterator[None]:
    """Lift Pillow's limit of 179 megapixels, which photographs exceed, and silence its warnings about metadata.

    Both are global, hence the lock.
    """
    with _PILLOW, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _opened(plugin: type[ImageFile], data: bytes) -> ImageFile:
    """Decode an image."""
    # Not through Image.open, which opens the JPEGs of telephones as albums of previews and depth maps.
    with patient_pillow():
        image = plugin(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it is an animation of {frames} frames; extract the one to restore")
        image.load()
        return image


def _jpeg_compression(image: ImageFile) -> Compression | None:
    sampling = {0: "4:4:4", 1: "4:2:2"}.get(JpegImagePlugin.get_sampling(image), "4:2:0")
    return Compression.of_jpeg(getattr(image, "quantization", {}), sampling)


def _stored(image: ImageFile, samples: np.ndarray, density: Resolution | None) -> Stored:
    samples = samples.reshape(1, *samples.shape[:2], -1)
    exif = image.info.get("exif", b"").removeprefix(b"Exif\0\0") or None
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    return Stored(
        samples,
        has_alpha=samples.shape[-1] in (2, 4),
        exif=exif,
        icc=image.info.get("icc_profile"),
        xmp=xmp.encode() if isinstance(xmp, str) else xmp,
        resolution=density or (_exif.resolution(exif) if exif else None),
    )


def _density(image: ImageFile) -> Resolution | None:
    x, y = map(float, image.info.get("dpi", (0, 0)))
    return (x, y) if x > 0 and y > 0 else None


def _image(path: Path, stored: Stored) -> Image.Image:
    """Convert the single page to a Pillow image."""
    _check(path, stored)
    page = stored.samples[0]
    return Image.fromarray(page[..., 0] if page.shape[-1] == 1 else page)


def _check(path: Path, stored: Stored) -> None:
    pages, height, width, _ = stored.samples.shape
    if pages > 1:
        raise ValueError(f"it has {pages} pages and {path.suffix} files have one; write a TIFF")
    if stored.channels not in (1, 3):
        raise ValueError(f"it has {stored.channels} channels and {path.suffix} files have 1 or 3; write a TIFF")
    limit = _LARGEST_SIDE.get(path.suffix.lower(), 2**31 - 1)
    if max(height, width) > limit:
        raise ValueError(f"{width} x {height} pixels are too many: a side of a {path.suffix} file is {limit} at most")
