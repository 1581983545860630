"""A photograph in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from deblur.photo._compression import Compression
from deblur.photo._origin import Origin
from deblur.photo._stored import Resolution

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
        transfer curve of the file, which is sRGB for photographs (see `to_linear`) unless they are `linear`.
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
        Whether the file describes itself as the data of an instrument (OME-TIFF, ImageJ, FITS).
    compression : Compression or None
        How strongly a lossy format has quantized the samples; None for lossless formats.
    linear : bool
        Whether the samples are proportional to light, and follow no sRGB curve: those of instruments, of RAW, FITS, EXR
        and floating TIFF files, and where the color profile says so.
    voxel_size : mapping of str to float
        Micrometers along Z, Y and X, seconds along T, where OME or ImageJ metadata say so.
    notes : tuple of str
        Sentences about what `read` could not keep.
    extra : mapping
        What one format has and others lack, kept for a file of that format: ``"tiff"`` its compression and layout,
        ``"fits"`` the header, ``"gain_map"`` that of an Ultra HDR JPEG.

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
    linear: bool = False
    voxel_size: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
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


def _check_floating(array: np.ndarray, name: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
        raise TypeError(f"{name} must be a floating NumPy array, got {getattr(array, 'dtype', type(array).__name__)}")
