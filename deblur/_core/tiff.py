"""Untrusted TIFF files, opened by tifffile without log output and without endless loops."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import tifffile

LOGGER = logging.getLogger("tifffile")
LOGGER.addHandler(logging.NullHandler())  # without a handler, warnings go to standard error


@contextmanager
def opened(file: Path | IO[bytes], **options: Any) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file, visiting each of its pages once: the page links of a damaged file may form a loop.

    Parameters
    ----------
    file : pathlib.Path or file object
        Path of the file, or its content.
    **options
        Options of `tifffile.TiffFile`.

    Raises
    ------
    Exception
        Any exception of tifffile over a damaged file; see `deblur._core.errors.reading`.
    """
    with tifffile.TiffFile(file, **options) as tiff:
        len(tiff.pages)
        yield tiff
