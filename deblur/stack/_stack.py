"""Open and create stack files: the format is chosen by the suffix."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from deblur._core.atomic import atomic_path
from deblur._core.errors import reading

from ._model import SlicedArray, Stack, WritableArray

TIFF_SUFFIXES = (".tif", ".tiff")
"""Suffixes of TIFF files, which hold photographs or stacks (`is_stack` tells which)."""

ZARR_SUFFIX = ".zarr"


def is_stack(path: str | os.PathLike[str]) -> bool:
    """Return whether a file describes itself as the data of an instrument: OME-TIFF, ImageJ, zarr.

    Parameters
    ----------
    path : path-like
        File or folder; False if it is missing.

    Returns
    -------
    bool
        True if `open_stack` should read it, False if `deblur.photo.read` should.

    Raises
    ------
    OSError
        If a TIFF file may not be read.

    Examples
    --------
    >>> from deblur.stack import is_stack
    >>> is_stack("cells.zarr"), is_stack("photo.jpg")
    (True, False)
    """
    path = Path(path)
    if path.suffix.lower() == ZARR_SUFFIX:
        return True
    if path.suffix.lower() not in TIFF_SUFFIXES or not path.is_file():
        return False
    from ._tiff import names_its_axes

    return names_its_axes(path)


def open_stack(path: str | os.PathLike[str]) -> Stack:
    """Open a TIFF (OME, ImageJ, or plain, whose pages are planes) or a zarr folder (OME-Zarr 0.4 or 0.5, or an array).

    Only the metadata are read here. Slices of an uncompressed TIFF are read from their place in the file, those of a
    compressed one page by page.

    Parameters
    ----------
    path : str or path-like
        File ending in .tif or .tiff, or folder ending in .zarr.

    Returns
    -------
    Stack
        The array and its axes; of an OME-Zarr pyramid, the first and largest level.

    Raises
    ------
    OSError
        If the file is missing or may not be read.
    ValueError
        If it is another kind of file, or damaged, or has transparency. The message names the path.
    ImportError
        If the package zarr is needed and not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> import tifffile
    >>> from deblur.stack import open_stack
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "cells.ome.tif")
    ...     sizes = {"PhysicalSizeX": 0.1, "PhysicalSizeY": 0.1, "PhysicalSizeZ": 0.3}
    ...     tifffile.imwrite(path, np.zeros((2, 5, 8, 9), np.uint16), metadata={"axes": "CZYX", **sizes})
    ...     stack = open_stack(path)
    ...     stack.axes, stack.shape, stack.voxel_size["Z"], stack.data[1, :, 4, :2].shape
    ('CZYX', (2, 5, 8, 9), 0.3, (5, 2))
    """
    path = Path(path)
    if path.suffix.lower() == ZARR_SUFFIX:
        from ._zarr import open_zarr

        return _checked(path, open_zarr(path))
    if path.suffix.lower() not in TIFF_SUFFIXES:
        raise ValueError(f"cannot read {path}: a stack is a TIFF file or a .zarr folder")
    from ._tiff import open_tiff

    return _checked(path, open_tiff(path))


class _CheckedReader:
    """Array reader that turns decoder errors into a one-line `ValueError` naming the file."""

    def __init__(self, path: Path, data: SlicedArray) -> None:
        self.shape, self.dtype = data.shape, data.dtype
        self._path, self._data = path, data

    def __getitem__(self, box: Any) -> np.ndarray:
        with reading(self._path, "its samples cannot be read"):
            return np.asarray(self._data[box])


def _checked(path: Path, stack: Stack) -> Stack:
    return replace(stack, data=_CheckedReader(path, stack.data))


@contextmanager
def create_stack(
    path: str | os.PathLike[str], like: Stack, *, dtype: npt.DTypeLike | None = None, overwrite: bool = False
) -> Iterator[WritableArray]:
    """Create a file with the shape, axes and sizes of a stack, to be written in parts.

    A TIFF file is written uncompressed, in the format of `like` (OME-TIFF if `like` came from zarr); a zarr folder with
    one level, in the format of `like` (OME-Zarr 0.4 if `like` came from a TIFF file). The file appears whole when the
    block ends, or not at all.

    Parameters
    ----------
    path : str or path-like
        Ends in .tif, .tiff or .zarr.
    like : Stack
        Stack whose axes, sizes and channel names the file gets.
    dtype : dtype, optional
        Type of the samples; by default that of `like`.
    overwrite : bool
        Whether an existing file may be replaced.

    Yields
    ------
    array-like
        With shape, dtype and item assignment; assigned values must have that dtype.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written.
    ValueError
        If the suffix is another, or the format cannot hold the stack.
    ImportError
        If the package zarr is needed and not installed.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from deblur.stack import Stack, create_stack, open_stack
    >>> stack = Stack(np.zeros((4, 8, 9), np.uint16), "ZYX", {"Z": 0.3}, format="ome")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "out.ome.tif")
    ...     with create_stack(path, stack) as out:
    ...         out[2, 3:5] = np.full((2, 9), 7, np.uint16)
    ...     again = open_stack(path)
    ...     again.axes, again.voxel_size, int(again.data[2, 4, 0]), again.dtype
    ('ZYX', {'Z': 0.3}, 7, dtype('uint16'))
    """
    path, kind = Path(path), np.dtype(like.dtype if dtype is None else dtype)
    if path.suffix.lower() == ZARR_SUFFIX:
        from ._zarr import create_zarr

        with create_zarr(path, like, kind, overwrite=overwrite) as out:
            yield out
    elif path.suffix.lower() in TIFF_SUFFIXES:
        from ._tiff import create_tiff

        with atomic_path(path, overwrite=overwrite) as temporary:
            yield create_tiff(temporary, like, kind)
    else:
        raise ValueError(f"cannot write {path}: a stack is a TIFF file or a .zarr folder")
