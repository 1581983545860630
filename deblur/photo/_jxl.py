"""JPEG XL, through the plugin of Pillow where one is installed."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from deblur.photo import _exif
from deblur.photo._extra import needs_library
from deblur.photo._pillow import as_image, decoded, described, plain
from deblur.photo._stored import Encoding, Stored


def read_jxl(path: Path) -> Stored:
    """Read a JPEG XL: gray or color, with or without alpha, 8 bits, or 16 if gray."""
    image = decoded(_plugin().JXLImageFile, path.read_bytes())
    samples = np.asarray(image if image.mode == "I;16" else plain(image))
    stored = described(image, samples, None)
    # The decoder turns the picture, and leaves the EXIF as it was.
    return replace(stored, exif=_exif.with_orientation_reset(stored.exif)) if stored.exif else stored


def write_jxl(path: Path, stored: Stored, encoding: Encoding) -> None:
    """Write without loss, unless there is a quality."""
    _plugin()
    buffer = io.BytesIO()
    lossless = {"lossless": True, "use_original_profile": True}
    as_image(path, stored).save(
        buffer,
        format="JXL",
        **(lossless if encoding.quality is None else {"quality": encoding.quality}),
        exif=_exif.with_resolution(stored.exif, stored.resolution) or b"",
        xmp=stored.xmp or b"",
        use_container=True,
    )
    path.write_bytes(buffer.getvalue())


def _plugin() -> Any:
    with needs_library("jxl", "a JPEG XL picture"):
        from pillow_jxl import JpegXLImagePlugin
    return JpegXLImagePlugin
