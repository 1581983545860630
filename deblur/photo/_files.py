"""Photographs in and out of files: what all formats share."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np

from deblur._core.atomic import atomic_path
from deblur._core.errors import reading
from deblur._core.samples import quantized, scaled
from deblur.photo import _exif
from deblur.photo._formats import NAMES, WRITABLE_SUFFIXES, Format, detect_suffix, format_of
from deblur.photo._origin import Origin
from deblur.photo._photo import Photo
from deblur.photo._profile import is_linear
from deblur.photo._stored import Encoding, Stored

_START = 64  # bytes that tell the formats apart, but for RAW files that are TIFF files
TIFF_COMPRESSIONS = ("none", "deflate", "lzw", "zstd", "lzma", "packbits")


def read(path: str | os.PathLike[str]) -> Photo:
    """Read a picture file: JPEG, PNG, TIFF, WebP, AVIF, HEIF, JPEG 2000, camera RAW, FITS and others.

    The content decides the format, not the name. The EXIF orientation is applied, and reset in the metadata. Palettes
    and bilevel images are converted to colors, and premultiplied colors are divided by alpha. RAW files are developed
    to linear light, with the white balance of the camera. What is kept of each format is in the reference of formats.

    Parameters
    ----------
    path : str or path-like
        8 or 16 bits, in TIFF and FITS also 32 bits and floating; gray or RGB, with or without alpha; in TIFF and FITS
        also many pages of one size, in TIFF any number of channels.

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
        If it is a folder, empty, not such an image, damaged, cut short, animated, in a color space other than
        gray and RGB, or of a format that needs a library that is not installed. The message names the path.

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
        origin = Origin.of(path, file.fileno())
        with reading(path):
            kind = _format_of_content(path, file.fileno(), file.read(_START))
    with reading(path):
        photo = _photo(kind.function(kind.reader)(path))
    object.__setattr__(photo, "origin", origin)
    return photo


def write(
    path: str | os.PathLike[str],
    photo: Photo,
    *,
    overwrite: bool = False,
    quality: int | None = None,
    compression: str | None = None,
) -> None:
    """Write a photograph in the format of the file name.

    The file has the depth of ``photo.dtype`` if the format can hold it, or else the nearest: 8 bits in JPEG, WebP and
    AVIF, 8 or 16 in PNG and JPEG 2000 (16 for all but 8-bit photographs), all in TIFF. Integers are rounded half to
    even and clipped; the samples of a floating file are written as they are. EXIF, ICC, XMP and the resolution are kept
    where the format has them. The file appears whole or not at all.

    Parameters
    ----------
    path : str or path-like
        Ends in one of `WRITABLE_SUFFIXES`, such as .jpg, .png, .tif or .webp.
    photo : Photo
        Photograph to write.
    overwrite : bool
        Whether an existing file may be replaced.
    quality : int, optional
        1 (smallest file) to 100 (best), for JPEG, WebP, AVIF, HEIF, JPEG 2000 and JPEG XL; other formats lose nothing
        and ignore it. By default 95 in JPEG, AVIF and HEIF, and no loss in the others; colors are at full resolution
        in all but WebP with a quality.
    compression : {"none", "deflate", "lzw", "zstd", "lzma", "packbits"}, optional
        Compression of a TIFF, which loses nothing; other formats ignore it. By default that of the TIFF that the
        photograph was read from, or none.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If the folder is missing or not writable.
    ValueError
        If the suffix is another, an option is out of its range, the format cannot hold the photograph (pages or more
        than three channels outside TIFF, transparency in JPEG, NaN in integers, sides that are too long), or needs a
        library that is not installed.

    See Also
    --------
    read : The inverse, with an example of both.
    losses : What a format cannot hold.

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
    encoding = _encoding(quality, compression)
    kind = _writable(path)
    try:
        stored = _stored(photo, kind)
        with atomic_path(path, overwrite=overwrite) as temporary:
            kind.function(kind.writer)(temporary, stored, encoding)
    except ValueError as error:
        raise ValueError(f"cannot write {path}: {error}") from error


def losses(path: str | os.PathLike[str], photo: Photo) -> tuple[str, ...]:
    """Return what a file cannot hold of a photograph, in sentences, without writing it.

    Parameters
    ----------
    path : str or path-like
        Where the photograph is to be written; the suffix decides the format.
    photo : Photo
        Photograph, of any shape.

    Returns
    -------
    tuple of str
        One sentence for each thing lost; empty if everything is kept.

    Raises
    ------
    ValueError
        If nothing can be written with that suffix.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.photo import Photo, losses
    >>> losses("small.bmp", Photo(np.zeros((4, 5)), dtype=np.dtype(np.uint16), icc=b"profile"))
    ('BMP has no color profile, and it was left out', '16 bits were rounded to the 8 of BMP')
    """
    kind = _writable(Path(path))
    names = {"exif": "EXIF", "icc": "color profile", "xmp": "XMP", "resolution": "resolution"}
    missing = [name for key, name in names.items() if getattr(photo, key) is not None and key not in kind.keeps]
    lost = []
    if missing:
        listed = " and ".join(filter(None, [", ".join(missing[:-1]), missing[-1]]))
        lost.append(f"{kind.name} has no {listed}, and {'they were' if len(missing) > 1 else 'it was'} left out")
    if "fits" in photo.extra and kind.name != "FITS":
        lost.append(f"{kind.name} has no place for the FITS header, and it was left out")
    gain_map = photo.extra.get("gain_map")
    if gain_map is not None and not (kind.name == "JPEG" and gain_map.fits(photo.pixels.shape[:2])):
        lost.append("the HDR gain map fits JPEG files of the same size only, and was left out")
    written = kind.depth(photo.dtype)
    bits = 8 * written.itemsize
    if written.kind != "f" and photo.dtype.kind == "f":
        outside = bool(((photo.pixels < 0) | (photo.pixels > 1)).any())
        lost.append(
            f"floating samples were rounded to the {bits} bits of {kind.name}" + (", and clipped to 0 to 1" * outside)
        )
    elif written.itemsize < photo.dtype.itemsize:
        lost.append(f"{8 * photo.dtype.itemsize} bits were rounded to the {bits} of {kind.name}")
    if kind.name == "TIFF" and "tiff" in photo.extra:
        lost += photo.extra["tiff"].losses(photo.pages)
    return tuple(lost)


def _encoding(quality: int | None, compression: str | None) -> Encoding:
    is_number = isinstance(quality, int | np.integer) and not isinstance(quality, bool)
    if quality is not None and not (is_number and 1 <= quality <= 100):
        raise ValueError(f"quality must be a whole number from 1 to 100, got {quality!r}")
    if compression is not None and compression not in TIFF_COMPRESSIONS:
        raise ValueError(f"compression must be one of {', '.join(TIFF_COMPRESSIONS)}, got {compression!r}")
    return Encoding(None if quality is None else int(quality), compression)


def _writable(path: Path) -> Format:
    kind = format_of(path.suffix)
    if kind is None:
        raise ValueError(f"cannot write {path}: its suffix must be one of {', '.join(WRITABLE_SUFFIXES)}")
    if not kind.writer:
        raise ValueError(f"cannot write {path}: {kind.name} is only read; write a {kind.written_as} file")
    return kind


def _format_of_content(path: Path, descriptor: int, start: bytes) -> Format:
    """Return the format, by the first bytes; of a TIFF, by its directories too, which tell RAW from others."""
    suffix = detect_suffix(start)
    by_name = format_of(path.suffix)
    if suffix == ".tif":
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as view:
            suffix = detect_suffix(view)
        # An older kind of RAW is a TIFF, and names no CFA.
        if by_name is not None and by_name.name == "camera RAW":
            return by_name
    kind = format_of(suffix)
    if kind is None:
        raise ValueError(f"it is not a {NAMES} image")
    return kind


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
    voxel_size = dict(stored.voxel_size)
    if turned >= 5 and {"X", "Y"} <= voxel_size.keys():
        voxel_size |= {"X": voxel_size["Y"], "Y": voxel_size["X"]}
    floating = stored.samples.dtype.kind == "f" and not stored.icc
    return Photo(
        np.ascontiguousarray(pixels),
        channel_axis=None if stored.channels == 1 else -1,
        alpha=None if alpha is None else np.ascontiguousarray(alpha),
        dtype=stored.samples.dtype,
        exif=_exif.without_thumbnail(_exif.with_orientation_reset(exif)) if exif else None,
        icc=stored.icc,
        xmp=_exif.upright_xmp(xmp) if xmp and turned > 1 else xmp,
        resolution=resolution[::-1] if resolution and turned >= 5 else resolution,
        measured=stored.measured,
        compression=stored.compression,
        linear=stored.linear or stored.measured or floating or is_linear(stored.icc),
        voxel_size=voxel_size,
        notes=stored.notes,
        extra=stored.extra,
    )


def _upright(samples: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation, of the axes 1 (height) and 2 (width)."""
    if orientation >= 5:
        samples = samples.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        samples = samples[:, ::-1]
    return samples[:, :, ::-1] if orientation in (2, 3, 6, 7) else samples


def _stored(photo: Photo, kind: Format) -> Stored:
    """Round the samples to what a file of this format can hold."""
    alpha = photo.alpha
    if not kind.has_alpha and alpha is not None:
        if (alpha < 1).any():
            raise ValueError(f"{kind.name} has no transparency; write a PNG, or set alpha to None")
        alpha = None
    values = photo.pixels if photo.channel_axis == -1 else photo.pixels[..., np.newaxis]
    if alpha is not None:
        values = np.concatenate([values, alpha[..., np.newaxis]], axis=-1)
    if values.ndim == 3:
        values = values[np.newaxis]
    return Stored(
        quantized(values, kind.depth(photo.dtype)),
        has_alpha=alpha is not None,
        exif=photo.exif,
        icc=photo.icc,
        xmp=photo.xmp,
        resolution=photo.resolution,
        extra=photo.extra,
    )
