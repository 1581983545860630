"""Read and write a point-spread function."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deblur._core.arrays import ArrayT, as_float_tensor
from deblur._core.atomic import atomic_path, written_whole
from deblur._core.errors import reading
from deblur._core.png import pixels_only

from ._adjust import normalize, validate


def load(path: str | os.PathLike[str]) -> npt.NDArray[np.floating]:
    """Read a point-spread function from a .npy, TIFF or PNG file.

    Parameters
    ----------
    path : str or path-like
        A file ending in .npy, .tif, .tiff or .png. TIFF stacks are 3-D. A color picture is read if its channels are
        equal, and an alpha channel is left out if it is opaque everywhere.

    Returns
    -------
    numpy.ndarray
        Floating-point files keep their values (float32 stays float32, anything else becomes float64). Whole numbers
        have lost their unit, so a point-spread function read from them is scaled to sum 1, in float64.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    ValueError
        If the suffix is another, the file is damaged or in color, or its content is not a valid point-spread function
        (negative, or sums to zero).

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
    suffix = _known_suffix(path)
    read = {".npy": _read_npy, ".png": _read_png}.get(suffix, _read_tiff)
    values = read(Path(path))
    if not 1 <= values.ndim <= 3:
        raise ValueError(f"{path}: a PSF has 1 to 3 axes, got shape {values.shape}")
    try:
        validate(values, name=str(path))
    except TypeError as error:
        raise ValueError(str(error)) from error
    if values.dtype.kind != "f":
        return normalize(values.astype(np.float64))
    return values.astype(np.float32 if values.dtype.itemsize == 4 else np.float64)


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
    suffix = _known_suffix(path)
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


def _known_suffix(path: str | os.PathLike[str]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".npy", ".tif", ".tiff", ".png"):
        raise ValueError(f"{path}: a PSF file ends in .npy, .tif, .tiff or .png, got {suffix or 'no suffix'!r}")
    return suffix


def _read_npy(path: Path) -> npt.NDArray[np.generic]:
    with path.open("rb") as file, reading(path, "not a readable .npy file of numbers"):
        return np.lib.format.read_array(file, allow_pickle=False)


def _read_tiff(path: Path) -> npt.NDArray[np.generic]:
    from deblur._core.tiff import opened

    with reading(path, "not a readable TIFF file"), opened(path) as file:
        series = file.series[0]
        values, samples = series.asarray(), series.axes.find("S")
    return values if samples < 0 else _gray(np.moveaxis(values, samples, -1), path)


def _read_png(path: Path) -> npt.NDArray[np.generic]:
    import cv2
    from PIL import PngImagePlugin

    # Through bytes: imread cannot tell a missing file from a damaged one, nor open every file name on Windows.
    encoded = path.read_bytes()
    with reading(path, "not a readable PNG file"):
        # First by Pillow, which turns 16 bits of color into 8, but is silent: libpng prints its warnings of damage.
        PngImagePlugin.PngImageFile(io.BytesIO(encoded)).verify()  # the checksums
        PngImagePlugin.PngImageFile(io.BytesIO(encoded)).load()
        values = cv2.imdecode(np.frombuffer(pixels_only(encoded), dtype=np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None:
            raise ValueError("its samples cannot be decoded")
    return _gray(values, path) if values.ndim == 3 else values


def _gray(values: npt.NDArray[np.generic], path: Path) -> npt.NDArray[np.generic]:
    """Reduce a picture with channels last to one channel, if that loses nothing."""
    channels = values.shape[-1]
    has_alpha = channels in (2, 4)
    if has_alpha and (values[..., -1] != _opaque(values.dtype)).any():
        raise ValueError(f"{path}: a PSF has no transparency; save it as gray without alpha")
    color = values[..., : channels - has_alpha]
    if (color != color[..., :1]).any():
        raise ValueError(f"{path}: a PSF is gray, got {color.shape[-1]} channels that differ; save it as gray")
    return color[..., 0]


def _opaque(dtype: np.dtype) -> float:
    return 1.0 if dtype.kind == "f" else np.iinfo(dtype).max


def _png_bytes(values: npt.NDArray[np.floating]) -> bytes:
    import cv2

    scaled = np.rint(values / values.max() * 65535).clip(0, 65535).astype(np.uint16)
    encoded_well, encoded = cv2.imencode(".png", scaled)
    if not encoded_well:
        raise OSError("the PNG encoder failed")
    return encoded.tobytes()
