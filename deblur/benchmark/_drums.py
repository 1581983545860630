"""Loader of the drum loop."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.io
import scipy.io.wavfile

from ._download import folder_of


class Drums(NamedTuple):
    """A drum loop with its stems.

    Attributes
    ----------
    rate : int
        Samples per second.
    mixture : numpy.ndarray, shape (samples,)
        In [-1, 1]; the sum of the stems.
    stems : dict of str to numpy.ndarray, shape (samples,)
        ``kick``, ``snare`` and ``hihat``.
    onsets : dict of str to numpy.ndarray, shape (strokes,)
        Onset times of each drum in seconds, ascending.
    templates : numpy.ndarray, shape (1025, 3)
        Magnitude spectrum of each drum, in this order (FFT of 2048 samples).
    """

    rate: int
    mixture: np.ndarray
    stems: dict[str, np.ndarray]
    onsets: dict[str, np.ndarray]
    templates: np.ndarray


def drums(*, folder: str | os.PathLike[str] | None = None) -> Drums:
    """Return the drum loop of libnmfd: 7.6 seconds, its three stems, their onsets and spectral templates.

    Parameters
    ----------
    folder : path-like, optional
        The data folder; by default `folder_of` locates the files.

    Returns
    -------
    Drums
        The recording and its ground truth.

    Raises
    ------
    FileNotFoundError
        If the data set has not been downloaded.

    References
    ----------
    P. Lopez-Serrano et al., NMF Toolbox: Music Processing Applications of Nonnegative Matrix Factorization, DAFx 2019.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import drums
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     drums(folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: drums: ...; get them with: deblur datasets get drums
    """
    place = folder_of("drums", folder=folder) / "audio/drums"
    names = ("kick", "snare", "hihat")
    rate, mixture = _sound(place / "runningExample_808Mixture.wav")
    stems = {name: _sound(place / f"runningExample_808{name.capitalize()}.wav")[1] for name in names}
    strokes = np.loadtxt(place / "runningExample_808Drums.txt")
    onsets = {name: np.sort(strokes[strokes[:, 1] == label, 0]) for label, name in enumerate(names, start=1)}
    return Drums(rate, mixture, stems, onsets, scipy.io.loadmat(place / "dictW.mat")["dictW"])


def _sound(path: Path) -> tuple[int, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scipy.io.wavfile.WavFileWarning)  # about a chunk of metadata
        rate, samples = scipy.io.wavfile.read(path)
    return rate, samples / 32768.0
