"""What the formats that Pillow reads and writes share.

Pillow keeps EXIF, ICC, XMP and the resolution and refuses a file that is cut short, where OpenCV keeps part of that and
fills the rest with gray.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from deblur.photo import _exif
from deblur.photo._formats import format_of
from deblur.photo._stored import Resolution, Stored

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

_PILLOW = threading.Lock()

_ALWAYS, _DENSEST = 2**24, 5000  # pixels; pixels per byte, five times those of a blank PNG or JPEG


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


def decoded(plugin: type[ImageFile], data: bytes) -> ImageFile:
    """Decode an image."""
    # Not through Image.open, which opens the JPEGs of telephones as albums of previews and depth maps.
    with patient_pillow():
        image = plugin(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
        if frames > 1:
            raise ValueError(f"it is an animation of {frames} frames; extract the one to restore")
        check_plausible(image.size, len(data))
        image.load()
        return image


def check_plausible(size: tuple[int, int], length: int) -> None:
    """Raise `ValueError` if a file is much too short for its sides, which then are damage and would fill the memory."""
    if size[0] * size[1] > _ALWAYS + _DENSEST * length:
        raise ValueError(f"it declares {size[0]} x {size[1]} pixels in {length} bytes: it is damaged")


def described(image: ImageFile, samples: np.ndarray, density: Resolution | None) -> Stored:
    """Return decoded samples with the metadata of their file."""
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


def density(image: ImageFile) -> Resolution | None:
    """Return the pixels per inch, None if the file does not say."""
    x, y = map(float, image.info.get("dpi", (0, 0)))
    return (x, y) if x > 0 and y > 0 else None


def as_image(path: Path, stored: Stored) -> Image.Image:
    """Convert the single page to a Pillow image."""
    check_size(path, stored)
    page = stored.samples[0]
    return Image.fromarray(page[..., 0] if page.shape[-1] == 1 else page)


def check_size(path: Path, stored: Stored) -> None:
    """Raise `ValueError` if the format of a suffix cannot hold the pages, channels or sides."""
    pages, height, width, _ = stored.samples.shape
    if pages > 1:
        raise ValueError(f"it has {pages} pages and {path.suffix} files have one; write a TIFF")
    if stored.channels not in (1, 3):
        raise ValueError(f"it has {stored.channels} channels and {path.suffix} files have 1 or 3; write a TIFF")
    kind = format_of(path.suffix)
    limit = kind.largest_side if kind else 0
    if max(height, width) > limit:
        raise ValueError(f"{width} x {height} pixels are too many: a side of a {path.suffix} file is {limit} at most")
