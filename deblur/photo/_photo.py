"""A photograph in memory, and how it is read from and written to files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from deblur._core.atomic import atomic_path
from deblur._core.errors import reading
from deblur._core.samples import quantized, scaled
from deblur.photo import _exif
from deblur.photo._compression import Compression
from deblur.photo._origin import Origin
from deblur.photo._stored import Resolution, Stored

SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp")
_DTYPES = ("uint8", "uint16", "uint32", "int8", "int16", "int32", "float16", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Photo:
    """A photograph, or a stack of pages, with the metadata of its file.

    It is immutable; `dataclasses.replace` makes a changed copy that keeps the metadata:
    ``write(path, replace(photo, pixels=restored))``.

    Parameters
    ----------
    pixels : numpy.ndarray
        Floating values, upright: (height, width) for gray, (height, width, channels) for color in RGB order, with
        a leading axis for the pages of a stack. Integers of the file are scaled to [0, 1]. The values follow the
        transfer curve of the file, which is sRGB for photographs (see `to_linear`).
    channel_axis : None or -1
        Axis of the colors, as in `deblur.nonblind`; None if gray.
    alpha : numpy.ndarray or None
        Opacity, of the shape of `pixels` without the channels; kept apart, so that restoration leaves it alone.
    dtype : numpy.dtype
        Type of the samples in the file; `write` rounds to it, as far as the format can hold it.
    exif, icc, xmp : bytes or None
        Camera data (from the TIFF header on, orientation 1, no thumbnail), color profile, XMP packet.
    resolution : (float, float) or None
        Pixels per inch along x and y.
    measured : bool
        Whether the file describes itself as the data of an instrument (OME-TIFF, ImageJ): its samples are proportional
        to light, and follow no sRGB curve.
    compression : Compression or None
        How strongly a lossy format has quantized the samples; None for lossless formats.

    Attributes
    ----------
    origin : Origin or None
        The file that `read` took it from; None for any other photograph, copies with changes included.

    Raises
    ------
    TypeError
        If `pixels` or `alpha` is not a floating NumPy array.
    ValueError
        If `channel_axis` is neither None nor -1, `dtype` is not an integer of 8 to 32 bits or a float of 16 to 64, or
        a shape does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.photo import Photo
    >>> photo = Photo(np.zeros((4, 6, 3)), channel_axis=-1)
    >>> photo.dtype, photo.alpha, photo.pages
    (dtype('uint8'), None, 1)
    """

    pixels: np.ndarray = field(repr=False)
    channel_axis: int | None = None
    alpha: np.ndarray | None = field(default=None, repr=False)
    dtype: np.dtype = field(default_factory=lambda: np.dtype(np.uint8))
    exif: bytes | None = field(default=None, repr=False)
    icc: bytes | None = field(default=None, repr=False)
    xmp: bytes | None = field(default=None, repr=False)
    resolution: Resolution | None = None
    measured: bool = False
    compression: Compression | None = None
    origin: Origin | None = field(default=None, repr=False, init=False)  # so that a changed copy has none

    @property
    def pages(self) -> int:
        """Number of pages of a stack; 1 for a picture."""
        return len(self.pixels) if self.is_stack else 1

    @property
    def is_stack(self) -> bool:
        """Whether `pixels` has a leading axis of pages."""
        return self.pixels.ndim - (self.channel_axis is not None) == 3

    def __post_init__(self) -> None:
        if self.channel_axis not in (None, -1):
            raise ValueError(f"channel_axis must be None or -1, got {self.channel_axis!r}")
        object.__setattr__(self, "dtype", np.dtype(self.dtype).newbyteorder("="))
        if self.dtype.name not in _DTYPES:
            raise ValueError(f"dtype must be one of {', '.join(_DTYPES)}, got {self.dtype}")
        _check_floating(self.pixels, "pixels")
        if self.alpha is not None:
            _check_floating(self.alpha, "alpha")
        page_shape = self.pixels.shape if self.channel_axis is None else self.pixels.shape[:-1]
        if len(page_shape) not in (2, 3) or self.pixels.size == 0:
            layout = "([pages,] height, width" + (")" if self.channel_axis is None else ", channels)")
            raise ValueError(f"pixels must have shape {layout} and not be empty, got {self.pixels.shape}")
        if self.alpha is not None and self.alpha.shape != page_shape:
            raise ValueError(f"alpha must have shape {page_shape}, as pixels, got {self.alpha.shape}")


def read(path: str | os.PathLike[str]) -> Photo:
    """Read a JPEG, PNG, TIFF or WebP file.

    The content decides the format, not the name. The EXIF orientation is applied, and reset in the metadata. Palettes
    and bilevel images are converted to colors, and premultiplied colors are divided by alpha.

    Parameters
    ----------
    path : str or path-like
        8 or 16 bits, in TIFF also 32 bits and floating; gray or RGB, with or without alpha; in TIFF also many pages of
        one size, or any number of channels.

    Returns
    -------
    Photo
        Integers are divided by the largest of their type; floating samples stay as they are in the file, NaN included.
        The pixels are float32, or float64 where the file has float64 or 32-bit integers.

    Raises
    ------
    OSError
        If the file is missing or may not be read.
    ValueError
        If it is a folder, empty, not such an image, damaged, cut short, animated, or in a color space other than
        gray and RGB. The message names the path.

    See Also
    --------
    write : The inverse.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from deblur.photo import Photo, read, write
    >>> ramp = Photo(np.linspace(0, 1, 12).reshape(3, 4), dtype=np.dtype(np.uint16))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "ramp.png")
    ...     write(path, ramp)
    ...     photo = read(path)
    >>> photo.pixels.shape, photo.pixels.dtype, photo.dtype, photo.channel_axis
    ((3, 4), dtype('float32'), dtype('uint16'), None)
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise ValueError(f"cannot read {path}: it is a {'folder' if path.is_dir() else 'device or a pipe'}")
    with path.open("rb") as file:
        start = file.read(12)
        origin = Origin.of(path, file.fileno())
    with reading(path):
        photo = _photo(_read_stored(path, start))
    object.__setattr__(photo, "origin", origin)
    return photo


def write(path: str | os.PathLike[str], photo: Photo, *, overwrite: bool = False) -> None:
    """Write a photograph in the format of the file name.

    The file has the depth of ``photo.dtype`` if the format can hold it: JPEG and WebP have 8 bits, PNG has 8 or 16
    (16 for all but 8-bit photographs), TIFF has all. Integers are rounded half to even and clipped; the samples of a
    floating TIFF are written as they are. JPEG is written in quality 95 with full color resolution, WebP lossless
    (and always in color), TIFF uncompressed. EXIF, ICC, XMP and the resolution are kept. The file appears whole or
    not at all.

    Parameters
    ----------
    path : str or path-like
        Ends in .jpg, .jpeg, .png, .tif, .tiff or .webp.
    photo : Photo
        Photograph to write.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the folder is missing or not writable.
    ValueError
        If the suffix is another, or the format cannot hold the photograph: pages or more than three channels
        outside TIFF, transparency in JPEG, NaN in integers, sides that are too long.

    See Also
    --------
    read : The inverse, with an example of both.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from deblur.photo import Photo, write
    >>> photo = Photo(np.full((3, 4), 0.5))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "gray.png")
    ...     write(path, photo)
    ...     write(path, photo)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileExistsError: ...
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"cannot write {path}: its suffix must be one of {', '.join(SUFFIXES)}")
    try:
        stored = _stored(photo, suffix)
        with atomic_path(path, overwrite=overwrite) as temporary:
            _write_stored(temporary, stored, suffix)
    except ValueError as error:
        raise ValueError(f"cannot write {path}: {error}") from error


def _check_floating(array: np.ndarray, name: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"{name} must be a floating NumPy array, got {getattr(array, 'dtype', type(array).__name__)}")


def detect_suffix(start: bytes) -> str:
    """Return the file name suffix for the format of an image, from the first bytes of its file.

    Parameters
    ----------
    start : bytes
        At least the first 12 bytes of the file.

    Returns
    -------
    {".jpg", ".png", ".tif", ".webp"}
        Suffix for the format.

    Raises
    ------
    ValueError
        If the bytes are empty or of another format.

    Examples
    --------
    >>> from deblur.photo import detect_suffix
    >>> detect_suffix(b"RIFF....WEBPVP8 ")
    '.webp'
    """
    from deblur._core.png import SIGNATURE

    if not start:
        raise ValueError("it is empty")
    if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return ".tif"
    if start[:3] == b"\xff\xd8\xff":
        return ".jpg"
    if start[:8] == SIGNATURE:
        return ".png"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return ".webp"
    raise ValueError("it is not a JPEG, PNG, TIFF or WebP image")


def _read_stored(path: Path, start: bytes) -> Stored:
    """Decode the file by its first bytes."""
    from deblur.photo import _raster, _tiff

    suffix = detect_suffix(start)
    if suffix == ".tif":
        return _tiff.read_tiff(path)
    read = {".jpg": _raster.read_jpeg, ".png": _raster.read_png, ".webp": _raster.read_webp}[suffix]
    return read(path.read_bytes())


def _write_stored(path: Path, stored: Stored, suffix: str) -> None:
    from deblur.photo import _raster, _tiff

    if suffix in (".tif", ".tiff"):
        _tiff.write_tiff(path, stored)
    elif suffix == ".png":
        _raster.write_png(path, stored)
    elif suffix == ".webp":
        _raster.write_webp(path, stored)
    else:
        _raster.write_jpeg(path, stored)


def _photo(stored: Stored) -> Photo:
    """Scale to floats, split off alpha, turn upright."""
    turned = _exif.orientation(stored.exif) if stored.exif else 1
    values = _upright(scaled(stored.samples), turned)
    pixels, alpha = (values[..., :-1], values[..., -1]) if stored.has_alpha else (values, None)
    if stored.premultiplied and alpha is not None:
        opacity = alpha[..., np.newaxis]
        pixels = np.divide(pixels, opacity, out=pixels.copy(), where=opacity > 0)
    if stored.channels == 1:
        pixels = pixels[..., 0]
    if len(values) == 1:
        pixels, alpha = pixels[0], None if alpha is None else alpha[0]
    exif, xmp, resolution = stored.exif, stored.xmp, stored.resolution
    return Photo(
        np.ascontiguousarray(pixels),
        channel_axis=None if stored.channels == 1 else -1,
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        dtype=stored.samples.dtype,
        exif=_exif.without_thumbnail(_exif.with_orientation_reset(exif)) if exif else None,
        icc=stored.icc,
        # XMP repeats the orientation, and some programs believe it.
        xmp=re.sub(rb"(tiff:Orientation(?:=[\"']|>))[2-8]", rb"\g<1>1", xmp) if xmp and turned > 1 else xmp,
        resolution=resolution[::-1] if resolution and turned >= 5 else resolution,
        measured=stored.measured,
        compression=stored.compression,
    )


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation, of the axes 1 (height) and 2 (width)."""
    if orientation >= 5:
        samples = samples.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        samples = samples[:, ::-1]
    return samples[:, :, ::-1] if orientation in (2, 3, 6, 7) else samples


def _stored(photo: Photo, suffix: str) -> Stored:
    """Round the samples to what a file of this suffix can hold."""
    alpha = photo.alpha
    if suffix in (".jpg", ".jpeg") and alpha is not None:
        if (alpha < 1).any():
            raise ValueError("JPEG has no transparency; write a PNG, or set alpha to None")
        alpha = None
    values = photo.pixels if photo.channel_axis == -1 else photo.pixels[..., np.newaxis]
    if alpha is not None:
        values = np.concatenate([values, alpha[..., np.newaxis]], axis=-1)
    if values.ndim == 3:
        values = values[np.newaxis]
    dtype = photo.dtype
    if suffix not in (".tif", ".tiff"):
        dtype = np.dtype(np.uint16 if suffix == ".png" and dtype.itemsize > 1 else np.uint8)
    return Stored(
        quantized(values, dtype),
        has_alpha=alpha is not None,
        exif=photo.exif,
        icc=photo.icc,
        xmp=photo.xmp,
        resolution=photo.resolution,
    )
