"""Readers of files that hold arrays among other things: FITS, MATLAB, text. None of them unpickles or runs anything."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from deblur._core.errors import reading
from deblur._core.extras import needs_extra

from ._pictures import Contents, check_size

_NUMERIC = frozenset(
    ["double", "single", "logical", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))]
)
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)  # of a variable of MATLAB; others come of damage
_MOST_UNITS = 1000  # of a FITS file that are searched for an array
_MOST_NAMES = 20  # of arrays that a message lists
_LARGEST_TEXT = 2**26  # bytes
_HDF5 = b"\x89HDF\r\n\x1a\n"
_BLOCK = 512  # bytes that MATLAB writes before HDF5


def read_fits(path: Path, name: str) -> Contents:
    """Read the first array of a FITS file, BSCALE and BZERO applied."""
    with needs_extra("fits", f"{path}: a FITS file"):
        from astropy.io import fits

    with path.open("rb") as file, reading(path, "not a readable FITS file"), warnings.catch_warnings():
        if file.read(6) != b"SIMPLE":  # Astropy would unpack other files to look for one
            raise ValueError("it does not begin with SIMPLE")
        file.seek(0)
        warnings.simplefilter("ignore")  # of cards that are not to the letter
        with fits.open(file, memmap=False, lazy_load_hdus=True) as units:
            for number, unit in enumerate(units):
                if number >= _MOST_UNITS:
                    raise ValueError(f"its first {_MOST_UNITS} units hold no array")
                if unit.is_image and unit.shape:
                    check_size(unit.shape)
                    values = np.asarray(unit.data)
                    break
            else:
                raise ValueError("it holds no array")
    while values.ndim > 2 and len(values) == 1:
        values = values[0]
    return Contents(values, "FITS", notes=() if number == 0 else (f"it is the array of unit {number}",))


def read_mat(path: Path, name: str) -> Contents:
    """Read the one numeric array of a MATLAB file, or that of the given name."""
    with path.open("rb") as file:
        start = file.read(_BLOCK + len(_HDF5))
    is_hdf5 = start.startswith(_HDF5) or start[_BLOCK:] == _HDF5
    values = _from_hdf5(path, name) if is_hdf5 else _from_mat5(path, name)
    if values.ndim == 2:
        return Contents(values, "MATLAB")
    return Contents(
        np.moveaxis(values, -1, 0), "MATLAB", notes=("its last axis was taken for the planes, as in MATLAB",)
    )


def read_text(path: Path, name: str) -> Contents:
    """Read a table of numbers: one row a line, separated by commas, semicolons, tabs or spaces."""
    if path.stat().st_size > _LARGEST_TEXT:
        raise ValueError(f"{path}: a text file of more than {_LARGEST_TEXT >> 20} MiB is no PSF")
    with reading(path, "not a table of numbers"):
        lines = path.read_bytes().decode("utf-8-sig").splitlines()
        lines = [line for line in (re.split("[#%]", line)[0].strip(" \r\n") for line in lines) if line.strip()]
        if not lines:
            raise ValueError("it is empty")
        mark = next((mark for mark in ";\t," if mark in lines[0]), None)
        if mark in (";", "\t"):
            lines = [line.replace(",", ".") for line in lines]  # of decimals, as many languages write them
        if mark and all(line.rstrip().endswith(mark) for line in lines):
            lines = [line.rstrip()[:-1] for line in lines]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # NumPy warns of a table without numbers
            values = np.loadtxt(io.StringIO("\n".join(lines)), delimiter=mark, ndmin=2, comments=None)
    return Contents(values, "text")


def _chosen(shapes: dict[str, tuple[int, ...]], others: list[str], name: str, path: Path) -> str:
    """Return which array of a MATLAB file is meant: the one that is named, or the only one that is no single number."""
    listed = ", ".join(f"{each} ({' x '.join(map(str, shape))})" for each, shape in list(shapes.items())[:_MOST_NAMES])
    listed += ", ..." if len(shapes) > _MOST_NAMES else ""
    if name:
        if name not in shapes:
            raise ValueError(f"{path} has no numeric array {name!r}; there are {listed or 'none'}")
        return name
    arrays = [each for each, shape in shapes.items() if np.prod(shape) > 1] or list(shapes)
    if not arrays:
        what = f"only {', '.join(others[:_MOST_NAMES])}" if others else "nothing"
        raise ValueError(f"{path} holds no numeric array, {what}; save the PSF as a plain matrix")
    if len(arrays) > 1:
        raise ValueError(f"{path} holds several arrays, {listed}; name one, as in {path.name}:{arrays[0]}")
    return arrays[0]


def _from_mat5(path: Path, name: str) -> np.ndarray:
    import scipy.io

    with reading(path, "not a readable MATLAB file"):
        found = [each for each in scipy.io.whosmat(str(path), appendmat=False) if _NAME.fullmatch(each[0])]
    shapes = {each: tuple(shape) for each, shape, kind in found if kind in _NUMERIC}
    chosen = _chosen(shapes, [f"{each} ({kind})" for each, _, kind in found if each not in shapes], name, path)
    with reading(path, "not a readable MATLAB file"), warnings.catch_warnings():
        warnings.simplefilter("error", np.exceptions.ComplexWarning)  # SciPy would drop the imaginary part
        check_size(shapes[chosen])
        # Of other variables, objects and functions among them, not even the content is parsed.
        loaded = scipy.io.loadmat(str(path), appendmat=False, mat_dtype=True, variable_names=[chosen])
        return np.asarray(loaded[chosen])


def _from_hdf5(path: Path, name: str) -> np.ndarray:
    with needs_extra("mat", f"{path}: a MATLAB file of version 7.3"):
        import h5py

    with reading(path, "not a readable MATLAB 7.3 file"), h5py.File(path, "r") as file:
        # A soft or external link, and storage outside, could name any other file.
        names = [each for each in file if _NAME.fullmatch(each)]
        links = [each for each in names if isinstance(file.get(each, getlink=True), h5py.HardLink)]
        arrays: dict[str, Any] = {each: file[each] for each in links if _is_numeric(file[each])}
        shapes = {each: tuple(array.shape[::-1]) for each, array in arrays.items()}
        others = [each for each in links if each not in arrays]
    chosen = _chosen(shapes, others, name, path)
    with reading(path, "not a readable MATLAB 7.3 file"), h5py.File(path, "r") as file:
        check_size(shapes[chosen])
        return np.asarray(file[chosen][()]).T  # stored by columns


def _is_numeric(item: Any) -> bool:
    """Return whether an item of an HDF5 file is an array of real numbers within that file."""
    import h5py

    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "buif" or not item.shape:
        return False
    kind = item.attrs.get("MATLAB_class", b"double")
    is_class = (kind.decode("ascii", "replace") if isinstance(kind, bytes) else str(kind)) in _NUMERIC
    return is_class and "MATLAB_empty" not in item.attrs and item.external is None and not item.is_virtual
