"""Data sets as float64 arrays; PSFs are for true convolution, centered on ``k // 2``.

Every loader takes the data folder as ``folder=``; by default `folder_of` locates the files.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np
import scipy.io
import tifffile

from deblur._core.errors import did_you_mean

from ._cards import card
from ._download import folder_of

_IMAGE_SETS = ("bsds500", "cbsd68", "set14", "set5")
Folder = str | os.PathLike[str] | None


class Example(NamedTuple):
    """A blurred image with its truth and PSF.

    Attributes
    ----------
    sharp : numpy.ndarray
        Truth: two axes, or three (z, y, x); of `lai2016`, rows, columns and RGB.
    blurred : numpy.ndarray
        Observation, in the shape of `sharp`.
    psf : numpy.ndarray
        ``blurred`` is about ``sharp`` convolved with `psf`, with as many spatial axes; non-negative, of sum 1, centered
        on ``k // 2``.
    """

    sharp: np.ndarray
    blurred: np.ndarray
    psf: np.ndarray


def image_names(dataset: str) -> list[str]:
    """Return the names of the images of a data set, sorted: paths inside its folder, without the suffix.

    Parameters
    ----------
    dataset : str
        ``"set14"``, ``"set5"``, ``"cbsd68"`` or ``"bsds500"``.

    Raises
    ------
    ValueError
        If there is no such data set of images.

    Examples
    --------
    >>> from deblur.benchmark import image_names
    >>> image_names("set14")[:3]
    ['baboon', 'barbara', 'bridge']
    >>> image_names("bsds500")[0]
    'test/100007'
    """
    return sorted(_image_files(dataset))


def image(dataset: str, name: str, *, gray: bool = True, folder: Folder = None) -> np.ndarray:
    """Return an image of a data set.

    Parameters
    ----------
    dataset : str
        ``"set14"``, ``"set5"``, ``"cbsd68"`` or ``"bsds500"``.
    name : str
        One of its `image_names`.
    gray : bool
        Whether to return the BT.601 luma rounded to 8 bits, as OpenCV computes it and protocols like `set14-levin` use
        it.
    folder : path-like, optional
        The data folder.

    Returns
    -------
    numpy.ndarray
        Multiples of 1/255 in [0, 1]: (height, width), or (height, width, 3) in RGB order. The one gray image of
        Set14 has three equal channels.

    Raises
    ------
    ValueError
        If there is no such data set or image.
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> from deblur.benchmark import image
    >>> image("set14", "lena")
    Traceback (most recent call last):
    ...
    ValueError: set14 has no image 'lena'; did you mean 'lenna'?
    """
    files = _image_files(dataset)
    if name not in files:
        hint = did_you_mean(name, files) or f"image_names({dataset!r}) lists them"
        raise ValueError(f"{dataset} has no image {name!r}; {hint}")
    return read_picture(
        folder_of(dataset, folder=folder) / files[name], cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR
    )


def kernels_12(*, folder: Folder = None) -> list[np.ndarray]:
    """Return DPIR's twelve PSFs of 25 x 25: four isotropic Gaussians, four anisotropic ones, four motion blurs.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    list of numpy.ndarray
        Twelve arrays ``(25, 25)``, float64, each of sum 1.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import kernels_12
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     kernels_12(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: kernels: ...; get them with: deblur datasets get kernels
    """
    return [unit(kernel) for kernel in _cell("kernels_12.mat", folder)]


def schelten_kernels(*, folder: Folder = None) -> list[np.ndarray]:
    """Return Schelten's five camera shakes, 25 to 37 pixels per side, not square.

    The file stores them for correlation; they are rotated by 180 degrees into PSFs for true convolution.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    list of numpy.ndarray
        Five arrays of two axes, float64, each of sum 1.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import schelten_kernels
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     schelten_kernels(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: kernels: ...; get them with: deblur datasets get kernels
    """
    return [rotated(unit(kernel)) for kernel in _cell("schelten_dmsp_kernels.mat", folder)]


def bars3d(*, folder: Folder = None) -> Example:
    """Return flowdec's bars: a volume of 32 x 64 x 64 (z, y, x), blurred and noisy, with its truth.

    The PSF has the size of the volume and is scaled to sum 1. Truth and data have different units, as stored: score
    after the best affine match of intensities.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    Example
        Three arrays ``(32, 64, 64)``, float64.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import bars3d
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     bars3d(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: microscopy: ...; get them with: deblur datasets get microscopy
    """
    truth, observed, psf = (_volume("bars-25pct", part, folder) for part in ("actual", "data", "kernel"))
    return Example(truth, observed, unit(psf))


def bead3d(*, folder: Folder = None) -> tuple[np.ndarray, np.ndarray]:
    """Return flowdec's bead and its PSF, 64 x 64 x 64 each (z, y, x), the PSF scaled to sum 1; there is no truth.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    observed, psf : numpy.ndarray
        Arrays ``(64, 64, 64)``, float64.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import bead3d
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     bead3d(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: microscopy: ...; get them with: deblur datasets get microscopy
    """
    return _volume("bead-25pct", "data", folder), unit(_volume("bead-25pct", "kernel", folder))


def galaxies(*, folder: Folder = None) -> tuple[np.ndarray, np.ndarray]:
    """Return 100 observed galaxies and the PSF of each, (100, 41, 41) both, the PSFs summing to 1 to 1e-6.

    The galaxies are blurred and noisy (some pixels are negative); the clean ones are not published.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    observed, psfs : numpy.ndarray
        Arrays ``(100, 41, 41)``, float64.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import galaxies
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     galaxies(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: galaxies: ...; get them with: deblur datasets get galaxies
    """
    stacks = folder_of("galaxies", folder=folder) / "astronomy/sf_deconvolve"
    observed, psfs = (np.load(stacks / f"example_{part}.npy").astype(np.float64) for part in ("image_stack", "psfs"))
    return observed, psfs


def _image_files(dataset: str) -> dict[str, str]:
    """Return the paths of the images in the data folder, by name."""
    if dataset not in _IMAGE_SETS:
        raise ValueError(f"{dataset!r} is not a data set of images; there are {', '.join(_IMAGE_SETS)}")
    paths = (PurePosixPath(file.path) for file in card(dataset).files)
    return {str(path.relative_to(dataset).with_suffix("")): str(path) for path in paths}


def read_picture(path: Path, flags: int) -> np.ndarray:
    """Read an 8-bit picture as multiples of 1/255, in RGB order."""
    pixels = cv2.imdecode(np.fromfile(path, dtype=np.uint8), flags)  # imread cannot open every path on Windows
    if pixels is None:
        raise ValueError(f"{path} is not an image that can be read; deblur datasets verify compares it with its card")
    return (pixels[..., ::-1] if pixels.ndim == 3 else pixels) / 255.0


def _cell(file: str, folder: Folder) -> list[np.ndarray]:
    """Read the kernels in a MATLAB cell array."""
    return list(scipy.io.loadmat(folder_of("kernels", folder=folder) / "kernels" / file)["kernels"][0])


def _volume(stack: str, part: str, folder: Folder) -> np.ndarray:
    place = folder_of("microscopy", folder=folder) / "microscopy/flowdec"
    return tifffile.imread(place / stack / f"{part}.tif").astype(np.float64)


def unit(psf: np.ndarray) -> np.ndarray:
    """Scale a kernel to sum 1."""
    psf = np.ascontiguousarray(psf, dtype=np.float64)
    return psf / psf.sum()


def rotated(kernel: np.ndarray) -> np.ndarray:
    """Convert a correlation kernel to a convolution kernel."""
    return np.ascontiguousarray(np.flip(kernel))
