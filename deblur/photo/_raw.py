"""RAW files of cameras, developed by LibRaw to linear light: what the sensor counted, in the colors of sRGB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import JpegImagePlugin

from deblur.photo import _exif
from deblur.photo._extra import needs_library
from deblur.photo._pillow import patient_pillow
from deblur.photo._profile import linear_srgb
from deblur.photo._stored import Stored


def read_raw(path: Path) -> Stored:
    """Read the picture of a RAW file in 16 bits, with black level and white balance as the camera says, upright."""
    with needs_library("raw", "a camera's RAW file"):
        import rawpy
    try:
        with rawpy.imread(str(path)) as raw:
            samples = raw.postprocess(
                gamma=(1, 1),
                output_bps=16,
                output_color=rawpy.ColorSpace.sRGB,
                use_camera_wb=True,
                no_auto_bright=True,
                adjust_maximum_thr=0.0,  # white as the file has it, not as this picture happens to be
            )
            exif = _exif_of(path, rawpy, raw)
    except (rawpy.LibRawFileUnsupportedError, rawpy.NotSupportedError):
        version = ".".join(map(str, rawpy.libraw_version))
        raise ValueError(f"LibRaw {version} does not know its camera; convert it to DNG first") from None
    except rawpy.LibRawError as error:
        reason = error.args[0] if error.args else error
        raise ValueError(f"it is damaged ({reason.decode() if isinstance(reason, bytes) else reason})") from None
    return Stored(
        samples[None],
        has_alpha=False,
        exif=_exif.with_orientation_reset(exif) if exif else None,
        icc=linear_srgb(),
        resolution=_exif.resolution(exif) if exif else None,
        linear=True,
    )


def _exif_of(path: Path, rawpy: Any, raw: Any) -> bytes | None:
    """Return the camera's data, from the file if it is a TIFF, or else from the preview inside."""
    with path.open("rb") as file:
        start = file.read(4)
    if start in (b"II*\0", b"MM\0*"):
        return _exif.from_tiff(path)[0]
    try:
        preview = raw.extract_thumb()
    except rawpy.LibRawError:
        return None
    if preview.format != rawpy.ThumbFormat.JPEG:
        return None
    try:
        with patient_pillow():
            found = JpegImagePlugin.JpegImageFile(io.BytesIO(preview.data)).info.get("exif", b"")
    except (OSError, SyntaxError, ValueError):  # a damaged preview does not matter
        return None
    return found.removeprefix(b"Exif\0\0") or None
