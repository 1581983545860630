"""A stack on disk, and the two doors to files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from deblur._core.atomic import atomic_path

TIFF_SUFFIXES = (".tif", ".tiff")


@dataclass(frozen=True, eq=False)
class Stack:
    """An array on disk, of which parts are read by slicing, and what its file says of it.

    Attributes
    ----------
    data : array-like
        With shape, dtype and slicing; nothing is read before. Samples are as in the file.
    axes : str
        A letter an axis, in the order of `data`: T, C, Z, Y, X, S for the samples of a color picture, others as
        tifffile calls them.
    voxel_size : mapping of str to float
        Micrometers along Z, Y and X, as far as the file says; along T seconds.
    channels : tuple of str
        Names of the channels; empty if they have none.
    format : {"ome", "imagej", "tiff", "zarr"}
        What it was read from.
    extra : mapping
        What else is handed on to a file of the same format.
    """

    data: Any = field(repr=False)
    axes: str
    voxel_size: Mapping[str, float] = field(default_factory=dict)
    channels: tuple[str, ...] = ()
    format: Literal["ome", "imagej", "tiff", "zarr"] = "tiff"
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of every axis."""
        return tuple(self.data.shape)

    @property
    def dtype(self) -> np.dtype:
        """The type of the samples, in the byte order of this machine."""
        return np.dtype(self.data.dtype).newbyteorder("=")


def is_stack(path: str | os.PathLike[str]) -> bool:
    """Say whether a file has axes beyond those of a photograph, and names them: OME-TIFF, ImageJ, zarr.

    Parameters
    ----------
    path : path-like
        File or folder; one that is missing is none.

    Returns
    -------
    bool
        Whether `open_stack` is for it, rather than `deblur.photo.read`.

    Raises
    ------
    OSError
        If a TIFF may not be read.

    Examples
    --------
    >>> from deblur.stack import is_stack
    >>> is_stack("cells.zarr"), is_stack("photo.jpg")
    (True, False)
    """
    path = Path(path)
    if path.suffix.lower() == ".zarr":
        return True
    if path.suffix.lower() not in TIFF_SUFFIXES or not path.is_file():
        return False
    from ._tiff import names_its_axes

    return names_its_axes(path)


def open_stack(path: str | os.PathLike[str]) -> Stack:
    """Open a TIFF (OME, ImageJ, or plain, whose pages are planes) or a zarr folder (OME-Zarr 0.4 or 0.5, or an array).

    Only its description is read. Parts of uncompressed TIFFs are read from where they lie in the file, compressed ones
    page by page.

    Parameters
    ----------
    path : str or path-like
        File ending in .tif or .tiff, or folder ending in .zarr.

    Returns
    -------
    Stack
        The array and its axes. Of an OME-Zarr pyramid the first, largest level.

    Raises
    ------
    OSError
        If it is missing or may not be read.
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
    if path.suffix.lower() == ".zarr":
        from ._zarr import open_zarr

        return _told(path, open_zarr(path))
    if path.suffix.lower() not in TIFF_SUFFIXES:
        raise ValueError(f"cannot read {path}: a stack is a TIFF file or a .zarr folder")
    from ._tiff import open_tiff

    return _told(path, open_tiff(path))


class _Told:
    """Samples of a file, whose damage is told in one line, whatever error it drives a decoder to."""

    def __init__(self, path: Path, data: Any) -> None:
        self.shape, self.dtype = data.shape, data.dtype
        self._path, self._data = path, data

    def __getitem__(self, box: Any) -> np.ndarray:
        try:
            return np.asarray(self._data[box])
        except (OSError, MemoryError):
            raise
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ValueError(f"cannot read {self._path}: {reason}") from error


def _told(path: Path, stack: Stack) -> Stack:
    return replace(stack, data=_Told(path, stack.data))


@contextmanager
def create_stack(
    path: str | os.PathLike[str], like: Stack, *, dtype: Any = None, overwrite: bool = False
) -> Iterator[Any]:
    """Make a file of the shape, axes and sizes of a stack, to be written by parts.

    A TIFF is written uncompressed in the format of `like` (OME-TIFF if that was zarr), a zarr folder as that of `like`
    (OME-Zarr 0.4 if that was a TIFF), with one level. It appears whole when the block ends, or not at all.

    Parameters
    ----------
    path : str or path-like
        Ends in .tif, .tiff or .zarr.
    like : Stack
        Whose axes, sizes and channel names the file gets.
    dtype : dtype, optional
        Type of the samples; that of `like` if None.
    overwrite : bool
        Whether an existing file may be replaced.

    Yields
    ------
    array-like
        With shape, dtype and item assignment; what is assigned has its dtype.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written.
    ValueError
        If the suffix is not among these, or the format cannot hold it.
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
    if path.suffix.lower() == ".zarr":
        from ._zarr import create_zarr

        with create_zarr(path, like, kind, overwrite=overwrite) as out:
            yield out
    elif path.suffix.lower() in TIFF_SUFFIXES:
        from ._tiff import create_tiff

        with atomic_path(path, overwrite=overwrite) as temporary:
            yield create_tiff(temporary, like, kind)
    else:
        raise ValueError(f"cannot write {path}: a stack is a TIFF file or a .zarr folder")
