"""TIFF files of strangers, opened by tifffile without noise and without end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import tifffile

LOGGER = logging.getLogger("tifffile")
LOGGER.addHandler(logging.NullHandler())  # or what it logs would end on standard error


@contextmanager
def opened(file: Path | IO[bytes], **options: Any) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF file, and find each of its pages once: those of a damaged file may lead in a circle, for ever.

    Parameters
    ----------
    file : pathlib.Path or file object
        Where it is, or what it holds.
    **options
        Of `tifffile.TiffFile`.

    Raises
    ------
    Exception
        Whatever damage drives tifffile to.
    """
    with tifffile.TiffFile(file, **options) as tiff:
        len(tiff.pages)
        yield tiff
