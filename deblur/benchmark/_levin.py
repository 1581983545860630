"""The 32 photographs of Levin et al. (2009), as published and as repackaged by others."""

from __future__ import annotations

import cv2
import numpy as np
import scipy.io

from ._download import folder_of
from ._loaders import Example, Folder, read_picture, rotated


def levin_mat(scene: int, kernel: int, *, folder: Folder = None) -> Example:
    """Return one of the 32 originals of Levin et al. (2009).

    The truth is the ``x`` of the same file as the blurred ``y``: it differs from file to file of one scene. A shift of
    up to 4 pixels, constant per kernel, remains between ``x * psf`` and ``y``: scores need a shift search.

    Parameters
    ----------
    scene : int
        1 to 4 (the files call them im05 to im08).
    kernel : int
        1 to 8.
    folder : path-like, optional
        The data folder.

    Returns
    -------
    Example
        255 x 255 gray images in [0, 1], not rounded, and ``f`` rotated by 180 degrees.

    Raises
    ------
    ValueError
        If there is no such scene or kernel.
    FileNotFoundError
        If the data set has not been downloaded.

    References
    ----------
    A. Levin et al., Understanding and evaluating blind deconvolution algorithms, CVPR 2009.

    Examples
    --------
    >>> from deblur.benchmark import levin_mat
    >>> levin_mat(5, 1)
    Traceback (most recent call last):
    ...
    ValueError: scene is 5; the Levin data have scenes 1 to 4
    """
    _check_levin(scene, kernel)
    path = folder_of("levin2009", folder=folder) / f"levin2009/mat/im0{scene + 4}_flit0{kernel}.mat"
    content = scipy.io.loadmat(path)
    sharp, blurred = (np.ascontiguousarray(content[name]) for name in "xy")
    return Example(sharp, blurred, rotated(content["f"]))


def levin_selfdeblur(scene: int, kernel: int, *, folder: Folder = None) -> Example:
    """Return one of the 32 Levin images as SelfDeblur's authors repackaged them.

    The blurred image is that of `levin_mat` rounded to 8 bits. The truth is one image per scene: that of kernel 8,
    rounded, so most originals are registered differently. The PSF is that of `levin_mat`: in the repackaged data, the
    pictures of kernels 4 and 8 are rotated by 180 degrees relative to the others.

    Parameters
    ----------
    scene : int
        1 to 4.
    kernel : int
        1 to 8.
    folder : path-like, optional
        The data folder.

    Returns
    -------
    Example
        255 x 255 gray images in [0, 1], multiples of 1/255, and the PSF.

    Raises
    ------
    ValueError
        If there is no such scene or kernel.
    FileNotFoundError
        If the data set has not been downloaded.

    References
    ----------
    D. Ren et al., Neural Blind Deconvolution Using Deep Priors, CVPR 2020.

    Examples
    --------
    >>> from deblur.benchmark import levin_selfdeblur
    >>> levin_selfdeblur(1, 9)
    Traceback (most recent call last):
    ...
    ValueError: kernel is 9; the Levin data have kernels 1 to 8
    """
    psf = levin_mat(scene, kernel, folder=folder).psf
    package = folder_of("levin2009", folder=folder) / "levin2009/selfdeblur"
    sharp = read_picture(package / f"gt/im{scene}.png", cv2.IMREAD_GRAYSCALE)
    return Example(sharp, read_picture(package / f"im{scene}_kernel{kernel}_img.png", cv2.IMREAD_GRAYSCALE), psf)


def levin_kernels(*, folder: Folder = None) -> list[np.ndarray]:
    """Return the eight PSFs of Levin et al. (2009): 13 to 27 pixels wide, square, odd, summing to 1.

    They are ``f`` of the .mat files rotated by 180 degrees; ``Levin09.mat`` holds the same ``f`` in HDF5.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    list of numpy.ndarray
        Eight arrays ``(size, size)``, float64.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import levin_kernels
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     levin_kernels(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: levin2009: ...; get them with: deblur datasets get levin2009
    """
    return [levin_mat(1, kernel, folder=folder).psf for kernel in range(1, 9)]


def _check_levin(scene: int, kernel: int) -> None:
    if scene not in range(1, 5):
        raise ValueError(f"scene is {scene!r}; the Levin data have scenes 1 to 4")
    if kernel not in range(1, 9):
        raise ValueError(f"kernel is {kernel!r}; the Levin data have kernels 1 to 8")
