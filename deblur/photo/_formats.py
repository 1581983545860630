"""The formats of picture files: one row per format; names, suffixes, depths, help texts and errors derive from it."""

from __future__ import annotations

import importlib
import mmap
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

METADATA = ("exif", "icc", "xmp", "resolution")
_ALL_DEPTHS = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64")
_FITS_DEPTHS = tuple(name for name in _ALL_DEPTHS if name != "float16")
_RAW_SUFFIXES: tuple[str, ...] = (
    ".dng",
    ".cr2",
    ".cr3",
    ".crw",
    ".nef",
    ".nrw",
    ".arw",
    ".sr2",
    ".raf",
    ".orf",
    ".rw2",
    ".pef",
)
_RAW_SUFFIXES += (".srw", ".3fr", ".iiq", ".x3f", ".mrw", ".kdc", ".dcr", ".erf", ".mef", ".mos", ".rwl")


@dataclass(frozen=True)
class Format:
    """A format of picture files.

    Attributes
    ----------
    name : str
        What it is called.
    suffixes : tuple of str
        Suffixes of file names, the usual one first.
    reader, writer : str
        Functions in a module of this package, ``"_module.function"``; an empty `writer` if it is only read.
    depths : tuple of str
        Sample types that a file can hold.
    has_alpha : bool
        Whether a file can hold transparency.
    largest_side : int
        Most pixels along a side.
    keeps : tuple of str
        Fields of a photograph that it holds.
    written_as : str
        Suffix of the format that photographs of this one are written in; itself if empty.
    """

    name: str
    suffixes: tuple[str, ...]
    reader: str
    writer: str = ""
    depths: tuple[str, ...] = ("uint8",)
    has_alpha: bool = True
    largest_side: int = 2**31 - 1
    keeps: tuple[str, ...] = METADATA
    written_as: str = ""

    def depth(self, dtype: np.dtype) -> np.dtype:
        """Return the sample type of a file of a photograph: its own, or the next that the format can hold."""
        if dtype.name in self.depths:
            return dtype
        types = [np.dtype(name) for name in self.depths]
        wider = [each for each in types if each.kind == dtype.kind and each.itemsize >= dtype.itemsize]
        return wider[0] if wider else types[0 if dtype.itemsize == 1 else -1]

    def function(self, name: str) -> Callable[..., Any]:
        """Return the reader or writer: its module is imported when it is needed."""
        module, _, function = name.partition(".")
        found: Callable[..., Any] = getattr(importlib.import_module(f"deblur.photo.{module}"), function)
        return found


FORMATS = (
    Format("JPEG", (".jpg", ".jpeg"), "_jpeg.read_jpeg", "_jpeg.write_jpeg", has_alpha=False, largest_side=65_500),
    Format("PNG", (".png",), "_raster.read_png", "_raster.write_png", ("uint8", "uint16")),
    Format(
        "TIFF", (".tif", ".tiff"), "_tiff.read_tiff", "_tiff.write_tiff", _ALL_DEPTHS),
    Format("WebP", (".webp",), "_raster.read_webp", "_raster.write_webp", largest_side=16_383),
    Format("AVIF", (".avif",), "_avif.read_avif", "_avif.write_avif", largest_side=65_536),
    Format(
        "HEIF", (".heic", ".heif", ".hif"), "_heif.read_heif", "_heif.write_heif", ("uint8", "uint16"),
        largest_side=16_384,
    ),
    Format("JPEG 2000", (".jp2", ".jpx", ".jpf"), "_jp2.read_jp2", "_jp2.write_jp2", ("uint8", "uint16")),
    Format("JPEG 2000 codestream", (".j2k", ".j2c", ".jpc"), "_jp2.read_jp2", written_as=".jp2"),
    Format("JPEG XL", (".jxl",), "_jxl.read_jxl", "_jxl.write_jxl", keeps=("exif", "resolution")),
    Format("BMP", (".bmp", ".dib"), "_plain.read_bmp", "_plain.write_bmp", has_alpha=False, keeps=("resolution",)),
    Format(
        "PPM", (".ppm", ".pgm", ".pnm"), "_plain.read_pnm", "_plain.write_pnm", ("uint8", "uint16"),
        has_alpha=False, keeps=(),
    ),
    Format("PBM", (".pbm",), "_plain.read_pnm", written_as=".pgm"),
    Format("GIF", (".gif",), "_plain.read_gif", written_as=".png"),
    Format("camera RAW", _RAW_SUFFIXES, "_raw.read_raw", written_as=".tif"),
    Format(
        "FITS", (".fits", ".fit", ".fts"), "_fits.read_fits", "_fits.write_fits", _FITS_DEPTHS,
        has_alpha=False, keeps=(),
    ),
    Format("EXR", (".exr",), "_exr.read_exr", "_exr.write_exr", ("float32",), keeps=()),
)  # fmt: skip
_BY_SUFFIX = {suffix: each for each in FORMATS for suffix in each.suffixes}

SUFFIXES = tuple(_BY_SUFFIX)
"""Suffixes of the files that `read` reads."""

WRITABLE_SUFFIXES = tuple(suffix for suffix, each in _BY_SUFFIX.items() if each.writer)
"""Suffixes of the files that `write` writes."""

_NAMES = [each.name for each in FORMATS if each.name != "JPEG 2000 codestream"]
NAMES = f"{', '.join(_NAMES[:-1])} or {_NAMES[-1]}"

_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}
_AVIF_BRANDS = {b"avif", b"avis"}
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PREFIXES = {
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG\r\n\x1a\n": ".png",
    b"\0\0\0\x0cjP  \r\n\x87\n": ".jp2",
    b"\xff\x4f\xff\x51": ".j2k",
    b"\0\0\0\x0cJXL \r\n\x87\n": ".jxl",
    b"\xff\x0a": ".jxl",
    b"GIF87a": ".gif",
    b"GIF89a": ".gif",
    b"SIMPLE  =": ".fits",
    b"\x76\x2f\x31\x01": ".exr",
    b"FUJIFILMCCD-RAW": ".raf",
    b"IIRO": ".orf",
    b"IIRS": ".orf",
    b"MMOR": ".orf",
    b"IIU\0": ".rw2",
    b"FOVb": ".x3f",
    b"\0MRM": ".mrw",
    b"II\x1a\0\0\0HEAPCCDR": ".crw",
}
_CFA, _LINEAR_RAW = 32803, 34892
_PHOTOMETRIC, _SUB_DIRECTORIES, _DNG_VERSION = 262, 330, 50706


def format_of(suffix: str) -> Format | None:
    """Return the format of a suffix, which may be in capital letters; None if it is of none."""
    return _BY_SUFFIX.get(suffix.lower())


def detect_suffix(start: bytes | mmap.mmap) -> str:
    """Return the file name suffix for the format of an image, from the first bytes of its file.

    Parameters
    ----------
    start : bytes or mmap.mmap
        At least the first 64 bytes of the file. To tell the RAW files of cameras that are TIFF files from others, the
        whole file.

    Returns
    -------
    str
        Suffix for the format: one of `SUFFIXES`, such as ``".jpg"``.

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
    if not start:
        raise ValueError("it is empty")
    if start[:4] in _TIFF_STARTS:
        return ".cr2" if start[8:10] == b"CR" else ".dng" if _has_sensor_data(start) else ".tif"
    for prefix, suffix in _PREFIXES.items():
        if start[: len(prefix)] == prefix:
            return suffix
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return ".webp"
    if start[4:8] == b"ftyp" and (found := _of_brands(start)):
        return found
    if start[:2] == b"BM" and start[14:18] in (b"\x0c\0\0\0", b"\x28\0\0\0", b"\x34\0\0\0", b"\x38\0\0\0",
                                               b"\x40\0\0\0", b"\x6c\0\0\0", b"\x7c\0\0\0"):  # fmt: skip
        return ".bmp"
    if start[:1] == b"P" and start[1:2] in b"123456" and start[2:3] in b" \t\r\n" and len(start) > 2:
        return ".pbm" if start[1:2] in b"14" else ".pgm" if start[1:2] in b"25" else ".ppm"
    raise ValueError(f"it is not a {NAMES} image")


def written_suffix(suffix: str) -> str:
    """Return the suffix of the files that photographs of a format are written to.

    Parameters
    ----------
    suffix : str
        Of the file that was read.

    Returns
    -------
    str
        The same, or that of the format that stands in for one that is only read: RAW is written as 16-bit TIFF.

    Raises
    ------
    ValueError
        If it is of no format.

    Examples
    --------
    >>> from deblur.photo import written_suffix
    >>> written_suffix(".JPG"), written_suffix(".nef")
    ('.JPG', '.tif')
    """
    found = format_of(suffix)
    if found is None:
        raise ValueError(f"{suffix!r} is the suffix of no picture that is read; there are {', '.join(SUFFIXES)}")
    return found.written_as or suffix


def _of_brands(start: bytes | mmap.mmap) -> str:
    """Return the suffix for the brands of an ISO media file, empty for films and others."""
    end = min(int.from_bytes(start[:4], "big"), len(start))
    brands = [start[8:12], *(start[place : place + 4] for place in range(16, end - 3, 4))]
    if brands[0] == b"crx ":
        return ".cr3"
    # Files of the container's own brand name their codec among the others.
    if _AVIF_BRANDS & set(brands):
        return ".avif"
    return ".heic" if _HEIF_BRANDS & set(brands) else ""


def _has_sensor_data(data: bytes | mmap.mmap) -> bool:
    """Return whether a TIFF file holds what a camera's sensor counted, by the tags of its first directories."""
    if data[2:3] == b"+" or data[3:4] == b"+":
        return False
    order = "<" if data[:2] == b"II" else ">"
    waiting, seen = [_number(data, order, "L", 4)], set[int]()
    while waiting and len(seen) < 16:
        start = waiting.pop()
        if start in seen or not 8 <= start <= len(data) - 2:
            continue
        seen.add(start)
        for place in range(start + 2, start + 2 + 12 * _number(data, order, "H", start), 12):
            if place + 12 > len(data):
                break
            tag, kind, count = struct.unpack_from(order + "HHL", data, place)
            if tag == _DNG_VERSION or (tag == _PHOTOMETRIC and _value(data, order, place) in (_CFA, _LINEAR_RAW)):
                return True
            if tag == _SUB_DIRECTORIES and kind in (4, 13):
                table = place + 8 if count == 1 else _number(data, order, "L", place + 8)
                waiting += [_number(data, order, "L", table + 4 * number) for number in range(min(count, 8))]
    return False


def _value(data: bytes | mmap.mmap, order: str, place: int) -> int:
    return _number(data, order, "H", place + 8)


def _number(data: bytes | mmap.mmap, order: str, kind: str, place: int) -> int:
    if place + struct.calcsize(kind) > len(data):
        return 0
    number: int = struct.unpack_from(order + kind, data, place)[0]
    return number
