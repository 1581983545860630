"""Readers of pictures and arrays: .npy, TIFF, PNG, JPEG, BMP."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from deblur._core.errors import reading
from deblur._core.png import pixels_only
from deblur._core.srgb import to_linear

from ._grid import MAX_PIXELS

_MAKE = 0x010F  # the EXIF tag that names the maker of the camera
_MOST_CHANNELS = 5  # more are planes of a program that names no axes


class Contents(NamedTuple):
    """What a file holds: the array as it is stored, its format, the sizes that it records, and what was left out."""

    values: npt.NDArray[np.generic]
    format: str
    voxel_size: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()


def check_size(shape: tuple[int, ...]) -> None:
    """Raise `ValueError` for an array that no point-spread function fills, before it is read."""
    if math.prod(shape) > MAX_PIXELS:
        raise ValueError(f"{' x '.join(map(str, shape))} values are too many for a PSF; cut away what is dark")


def read_npy(path: Path, name: str) -> Contents:
    """Read an array of NumPy, without unpickling anything."""
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    with path.open("rb") as file, reading(path, "not a readable .npy file of numbers"):
        header = headers.get(np.lib.format.read_magic(file))
        if header is None:
            raise ValueError("its version is for records, which are no PSF")
        check_size(header(file)[0])  # a damaged one asks for any amount of memory
        file.seek(0)
        return Contents(np.lib.format.read_array(file, allow_pickle=False), "NumPy")


def read_tiff(path: Path, name: str) -> Contents:
    """Read the first series of a TIFF file, with the voxel sizes of OME and ImageJ."""
    import tifffile

    from deblur._core.tiff import opened, voxel_size

    with reading(path, "not a readable TIFF file"), opened(path) as file:
        series, kind = file.series[0], "OME-TIFF" if file.is_ome else "ImageJ TIFF" if file.is_imagej else "TIFF"
        check_size(series.shape)
        values, axes = series.asarray(), series.axes
        sizes = voxel_size(file) if kind != "TIFF" else {}
        is_inverted = series.keyframe.photometric == tifffile.PHOTOMETRIC.MINISWHITE
        is_palette = series.keyframe.photometric == tifffile.PHOTOMETRIC.PALETTE
        others = len(file.series) - 1
    if is_palette:
        raise ValueError(f"{path}: a PSF is gray, got a palette of colors; save it as gray")
    notes = [f"{others} more pictures in it were left out"] if others else []
    if "S" in axes:
        values, axes = _gray(np.moveaxis(values, axes.index("S"), -1), path), axes.replace("S", "")
    if "C" in axes and ("Z" in axes or values.shape[axes.index("C")] <= _MOST_CHANNELS):
        raise ValueError(f"{path}: a PSF has one channel, got {values.shape[axes.index('C')]}; save one of them")
    if "Z" not in axes and set(axes) & {"C", "T"}:
        notes.append(f"its {'channels' if 'C' in axes else 'time points'} were taken for planes")
    if is_inverted and values.dtype.kind == "u":
        values = np.iinfo(values.dtype).max - values
        notes.append("0 is white in it, so its values were inverted")
    return Contents(values, kind, sizes, tuple(notes))


def read_png(path: Path, name: str) -> Contents:
    """Read a PNG file of 8 or 16 bits."""
    import cv2
    from PIL import PngImagePlugin

    # Through bytes: imread cannot tell a missing file from a damaged one, nor open every file name on Windows.
    encoded = path.read_bytes()
    with reading(path, "not a readable PNG file"):
        # First by Pillow, which turns 16 bits of color into 8, but is silent: libpng prints its warnings of damage.
        PngImagePlugin.PngImageFile(io.BytesIO(encoded)).verify()  # the checksums
        image = PngImagePlugin.PngImageFile(io.BytesIO(encoded))
        check_size(image.size)
        image.load()
        values = cv2.imdecode(np.frombuffer(pixels_only(encoded), dtype=np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise ValueError("its samples cannot be decoded")
    return Contents(_gray(values, path) if values.ndim == 3 else values, "PNG")


def read_raster(path: Path, name: str) -> Contents:
    """Read a JPEG or BMP file."""
    from PIL import Image, ImageOps

    kind = "BMP" if path.suffix.lower() == ".bmp" else "JPEG"
    encoded = path.read_bytes()
    with reading(path, f"not a readable {kind} file"), warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(io.BytesIO(encoded), formats=[kind]) as image:
            check_size(image.size)
            upright: Any = ImageOps.exif_transpose(image)
            if upright.mode in ("1", "P"):
                upright = upright.convert("L" if upright.mode == "1" else "RGB")
            if upright.mode not in ("L", "RGB", "RGBA"):
                raise ValueError(f"its colors are {upright.mode}; save it as gray")
            values, is_of_camera = np.asarray(upright), bool(image.getexif().get(_MAKE))
    values = _gray(values, path) if values.ndim == 3 else values
    if kind == "BMP":
        return Contents(values, kind)
    notes = ["JPEG changes faint light; a PNG or TIFF file keeps it"]
    if is_of_camera and values.any():
        notes.append("a camera wrote it, so its values were decoded from the sRGB curve to linear light")
        light = to_linear(values.astype(np.float64) / 255)
        values = light / light.sum()
    return Contents(values, kind, notes=tuple(notes))


def _gray(values: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.generic]:
    """Reduce a picture with channels last to one channel, if that loses nothing."""
    channels = values.shape[-1]
    has_alpha = channels in (2, 4)
    if has_alpha and (values[..., -1] != _opaque(values.dtype)).any():
        raise ValueError(f"{path}: a PSF has no transparency; save it as gray without alpha")
    color = values[..., : channels - has_alpha]
    if (color != color[..., :1]).any():
        raise ValueError(f"{path}: a PSF is gray, got {color.shape[-1]} channels that differ; save it as gray")
    return color[..., 0]


def _opaque(dtype: np.dtype) -> float:
    return 1.0 if dtype.kind == "f" else np.iinfo(dtype).max
