"""Read and write a point-spread function."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblur._core.arrays import ArrayT, as_float_tensor
from deblur._core.atomic import atomic_path, written_whole

from ._adjust import validate
from ._mend import mended
from ._pictures import Contents, read_npy, read_png, read_raster, read_tiff
from ._tables import read_fits, read_mat, read_text

_WRITTEN = (".npy", ".tif", ".tiff", ".png")
_READERS: dict[str, Callable[[Path, str], Contents]] = {
    ".npy": read_npy,
    **dict.fromkeys((".tif", ".tiff"), read_tiff),
    ".png": read_png,
    **dict.fromkeys((".jpg", ".jpeg", ".bmp"), read_raster),
    **dict.fromkeys((".fits", ".fit", ".fts"), read_fits),
    ".mat": read_mat,
    **dict.fromkeys((".txt", ".csv", ".tsv"), read_text),
}
SUFFIXES = tuple(_READERS)
"""Suffixes of files that `read` takes, in lower case."""

_NAMED = re.compile(r"(.+\.mat):(\w+)", re.IGNORECASE)  # an array in a MATLAB file


@dataclass(frozen=True, eq=False)
class PsfFile:
    """A point-spread function as a file holds it.

    Attributes
    ----------
    psf : numpy.ndarray
        One to three axes, float32 or float64; not mended, see `mend`.
    format : str
        Format of the file, in words.
    voxel_size : mapping of str to float
        Micrometers along Z, Y and X, where the file records them, as OME-TIFF and ImageJ do.
    notes : tuple of str
        A sentence for each thing that was decided in reading it.
    """

    psf: npt.NDArray[np.floating] = field(repr=False)
    format: str
    voxel_size: Mapping[str, float]
    notes: tuple[str, ...] = ()


def read(path: str | os.PathLike[str]) -> PsfFile:
    """Read a point-spread function from a file, with the voxel size that it records.

    Parameters
    ----------
    path : str or path-like
        An array (.npy), TIFF stack or picture (.tif, .tiff, .png, .jpg, .jpeg, .bmp), FITS file (.fits, .fit, .fts:
        the first array in it, scaled as its header says; extra ``fits``), MATLAB file (.mat: the only array in it, or
        that of a name as in ``file.mat:name``; version 7.3 needs the extra ``mat``) or table of numbers (.txt, .csv,
        .tsv). A color picture is read if its channels are equal, and an alpha channel is left out if it is opaque
        everywhere. Nothing in a file is unpickled or run.

    Returns
    -------
    PsfFile
        The values of floating-point files as they are (float32 stays float32, anything else becomes float64). Whole
        numbers have lost their unit, so they are scaled to sum 1, in float64.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ModuleNotFoundError
        If it needs an extra that is not installed; the message has the command.
    ValueError
        If the suffix is another, the file is damaged or in color, or its content cannot be a point-spread function.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur import psf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "motion.csv")
    ...     _ = path.write_text("0.25;0.5;0.25")
    ...     psf.read(path).psf
    array([[0.25, 0.5 , 0.25]])
    """
    named = None if os.path.exists(path) else _NAMED.fullmatch(os.fspath(path))
    file, name = (Path(named[1]), named[2]) if named else (Path(path), "")
    suffix = file.suffix.lower()
    if suffix not in _READERS:
        known = f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ValueError(f"{path}: a PSF file ends in {known}, got {suffix or 'no suffix'!r}")
    values, kind, voxel_size, notes = _READERS[suffix](file, name)
    psf = _as_floats(values, str(path))
    axes = "ZYX"[-psf.ndim :]
    return PsfFile(psf, kind, {axis: size for axis, size in voxel_size.items() if axis in axes}, notes)


def load(path: str | os.PathLike[str]) -> npt.NDArray[np.floating]:
    """Read a point-spread function from a file: the array alone.

    Parameters
    ----------
    path : str or path-like
        As `read` takes it.

    Returns
    -------
    numpy.ndarray
        One to three axes. Its values are those of the file; `mend` says whether something is wrong with them.

    Raises
    ------
    OSError, ModuleNotFoundError, ValueError
        As `read` raises.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur import psf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "motion.tif")
    ...     psf.save(path, psf.motion(4))
    ...     psf.load(path)
    array([[0.125, 0.25 , 0.25 , 0.25 , 0.125]], dtype=float32)
    """
    return read(path).psf


def names_file(text: str) -> bool:
    """Return whether a text is the name of a file, there or not, rather than a description for `parse`.

    Examples
    --------
    >>> names_file("k.MAT:kernel"), names_file("measured.fits"), names_file("disk:radius=4")
    (True, True, False)
    """
    return os.path.exists(text) or text.lower().endswith(SUFFIXES) or _NAMED.fullmatch(text) is not None


def _as_floats(values: npt.NDArray[np.generic], name: str) -> npt.NDArray[np.floating]:
    """Return the values of a file as floating-point numbers, if they can be those of a point-spread function."""
    if values.dtype.kind not in "buif":
        what = "real" if values.dtype.kind == "c" else "numeric"
        raise ValueError(f"{name} must be {what}, got dtype {values.dtype}")
    if not 1 <= values.ndim <= 3:
        raise ValueError(f"{name}: a PSF has 1 to 3 axes, got shape {values.shape}")
    is_single = values.dtype.kind == "f" and values.dtype.itemsize == 4
    floats: npt.NDArray[np.floating] = np.ascontiguousarray(values, np.float32 if is_single else np.float64)
    if values.dtype.kind != "f" and floats.sum() > 0:
        floats = floats / floats.sum()
    mended(floats, name)
    return floats


def save(path: str | os.PathLike[str], psf: ArrayT, *, overwrite: bool = False) -> None:
    """Write a point-spread function to a .npy, TIFF or PNG file, whole or not at all.

    Parameters
    ----------
    path : str or path-like
        Its suffix chooses the format. .npy keeps the values exactly. .tif and .tiff hold two or three axes, in
        float32. .png is for viewing: two axes, 16-bit gray, scaled so that the largest value is white; the sum is lost,
        small values are rounded to steps of 1/65535 of the largest, and negative rounding errors become 0.
    psf : numpy.ndarray or torch.Tensor
        One to three axes.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    FileExistsError
        If the file exists and `overwrite` is false.
    OSError
        If it cannot be written.
    TypeError, ValueError
        If the suffix is another, `psf` has too many axes for the format, or is not a valid point-spread function
        (negative, or sums to zero).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from deblur import psf
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     psf.save(pathlib.Path(folder, "disk.npy"), psf.disk(3.5))
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _WRITTEN:
        raise ValueError(f"{path}: a PSF is written to .npy, .tif, .tiff or .png, got {suffix or 'no suffix'!r}")
    validate(psf)
    values = as_float_tensor(psf, "psf")[0].detach().cpu().numpy()
    held = {".npy": (1, 2, 3), ".png": (2,)}.get(suffix, (2, 3))
    if values.ndim not in held:
        axes = " or ".join(map(str, held))
        raise ValueError(f"psf must have {axes} axes for a {suffix} file, got shape {values.shape}")
    with atomic_path(path, overwrite=overwrite) as temporary:
        if suffix == ".npy":
            with written_whole(temporary, values.nbytes + 1), temporary.open("wb") as file:
                np.save(file, values)  # given a name, NumPy would add .npy to .NPY
        elif suffix == ".png":
            temporary.write_bytes(_png_bytes(values))
        else:
            import tifffile

            with written_whole(temporary, 4 * values.size + 1):
                tifffile.imwrite(temporary, values.astype(np.float32), photometric="minisblack")


def _png_bytes(values: npt.NDArray[np.floating]) -> bytes:
    import cv2

    scaled = np.rint(values / values.max() * 65535).clip(0, 65535).astype(np.uint16)
    encoded_well, encoded = cv2.imencode(".png", scaled)
    if not encoded_well:
        raise OSError("the PNG encoder failed")
    return encoded.tobytes()
