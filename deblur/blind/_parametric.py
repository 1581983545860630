"""Blurs of a known kind: their size and direction, read from the zeros they leave in the spectrum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special
import torch

from deblur import psf
from deblur.psf import estimate_support

from ._final_step import sharpen_all
from ._judge import obstacle
from ._picture import Picture
from ._result import BlindResult
from ._search import Settings
from ._streak import find_streak

_BLOCK = 128  # pixels, of the averaged spectrum
_LOWEST, _HIGHEST = 0.02, 0.4  # cycles a pixel: below is too little data, above is what codecs and sensors do
_ROUNDS = 3
_CLEAR = 0.2  # of the spectrum's variation explained: then the blur is beyond doubt
_RADII = np.arange(1.0, 20.1, 0.25)
_LENGTHS = np.arange(3.0, 61.0)
_ANGLES = np.arange(0.0, 180.0, 5.0)
_FINER = np.linspace(-1, 1, 11)  # steps of the grid, around its best point
_STREAK, _CLEAR_STREAK = 12, 5.0  # pixels and standard deviations, from which on a streak is believed

Reading = tuple[list[float], float]
"""Parameters of a blur, and how much of the spectrum's variation they explain."""

Transforms = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Squared transfer functions ``(count, frequencies)`` from parameters ``(count, number)`` and two frequencies."""


def defocus(image: Any, *, noise_level: float | None = None, channel_axis: int | None = None) -> BlindResult:
    """Restore a photograph that is out of focus: a uniform disk, of the radius that the spectrum shows.

    The power spectrum, averaged over blocks, is compared with what disks of every radius from 1 to 20 pixels leave of
    a scene whose spectrum is a power of the frequency: the dark rings at the zeros of the disk's transform tell its
    radius. More robust than `fast` where the blur is a disk, and wrong where it is not.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels, 128 pixels a side or
        more; integers are scaled to [0, 1].
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    channel_axis : int, optional
        Axis of the channels, if there is one.

    Returns
    -------
    BlindResult
        The confidence is how much of the spectrum's variation the rings explain. Where they explain nothing, the image
        is the one given.

    Raises
    ------
    TypeError, ValueError
        If the image is no real array of two axes and perhaps a channel axis, or has NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from deblur import psf
    >>> from deblur.blind import defocus
    >>> from deblur.operators import Convolution
    >>> scene = camera()[::2, ::2] / 255
    >>> noise = 0.003 * np.random.default_rng(0).standard_normal(scene.shape)
    >>> defocus(Convolution(psf.disk(4), scene.shape, "reflect")(scene) + noise).psf.shape
    (9, 9)
    """

    def transforms(parameters: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        z = 2 * np.pi * parameters * np.hypot(across, down)
        return np.square(2 * scipy.special.j1(z) / z)

    read = partial(_read, grid=[_RADII], transforms=transforms)
    return _restore(image, noise_level, channel_axis, read, psf.disk, "disk")


def motion(image: Any, *, noise_level: float | None = None, channel_axis: int | None = None) -> BlindResult:
    """Restore a photograph blurred by straight motion, of the length and angle that the spectrum shows.

    As `defocus`, with the parallel dark lines that bars of 3 to 60 pixels at every angle leave in the spectrum. Longer
    motions are measured by the two ends of their streaks: the picture's corners are anti-correlated at the distance
    of the whole motion (Yitzhaky and Kopeika, Graph. Models Image Process. 1997).

    Parameters
    ----------
    image, noise_level, channel_axis
        See `defocus`.

    Returns
    -------
    BlindResult
        See `defocus`.

    Raises
    ------
    TypeError, ValueError
        If the image is no real array of two axes and perhaps a channel axis, or has NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from skimage.data import camera
    >>> from deblur import psf
    >>> from deblur.blind import motion
    >>> from deblur.operators import Convolution
    >>> scene = camera()[::2, ::2] / 255
    >>> noise = 0.003 * np.random.default_rng(0).standard_normal(scene.shape)
    >>> motion(Convolution(psf.motion(11), scene.shape, "reflect")(scene) + noise).psf.shape
    (1, 11)
    """
    return _restore(image, noise_level, channel_axis, read_motion, psf.motion, "straight motion")


def read_motion(y: np.ndarray, noise_level: float) -> Reading:
    """Return length and angle of a straight motion, and how much of the spectrum's variation it explains.

    Parameters
    ----------
    y : numpy.ndarray
        Blurred picture, shape (height, width), 128 pixels a side or more.
    noise_level : float
        Standard deviation of the noise, in the unit of the picture.
    """

    def transforms(parameters: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        length, angle = parameters[:, :1], np.deg2rad(parameters[:, 1:])
        along = np.cos(angle) * across - np.sin(angle) * down  # rows run down, angles up
        return np.square(np.sinc(length * along))

    best, explained = _read(y, noise_level, grid=[_LENGTHS, _ANGLES], transforms=transforms)
    length, angle, clarity = find_streak(y, direction=best[1])
    # Of a long motion the lines lie close, and those of a fraction of it explain most; short ones leave no dip apart.
    is_long = length >= _STREAK and clarity >= _CLEAR_STREAK
    return [length, angle] if is_long else best, explained


@torch.inference_mode()
def _restore(
    image: Any,
    noise_level: float | None,
    channel_axis: int | None,
    read: Callable[[np.ndarray, float], Reading],
    make: Callable[..., np.ndarray],
    kind: str,
) -> BlindResult:
    picture = Picture(image, channel_axis, noise_level)
    reason = obstacle(picture)
    if not reason and min(picture.view.y.shape) < _BLOCK:
        reason = f"the picture is too small to read a blur from its spectrum: it needs {_BLOCK} pixels a side"
    confidence = 0.0
    if not reason:
        best, explained = read(picture.view.y.double().cpu().numpy(), picture.noise_level)
        confidence = float(np.clip(explained / _CLEAR, 0, 1))
        if confidence < 1:
            reason = f"the spectrum shows {'no' if confidence < 0.3 else 'only faint'} traces of a {kind}"
    if confidence < 0.3:
        return picture.unchanged(confidence, reason)
    found = torch.from_numpy(make(*best)).float()
    found = found[estimate_support(found, energy=1)]
    restored = sharpen_all(picture.y, found, Settings.for_noise(picture.noise_level))
    return picture.restored(restored, found, confidence, reason)


def _read(y: np.ndarray, noise_level: float, *, grid: list[np.ndarray], transforms: Transforms) -> Reading:
    """Find the point of the grid that fits best, and the best around it."""
    spectrum = _spectrum(y)
    best, _ = _best_fit(spectrum, noise_level, transforms, grid)
    finer = [value + (axis[1] - axis[0]) * _FINER for value, axis in zip(best, grid, strict=True)]
    return _best_fit(spectrum, noise_level, transforms, finer)


def _best_fit(
    spectrum: tuple[np.ndarray, np.ndarray, np.ndarray],
    noise_level: float,
    transforms: Transforms,
    grid: list[np.ndarray],
) -> Reading:
    """Return the point of the grid whose transform fits best, and how much of the variation it explains.

    The logarithm of the spectrum is fitted by that of ``scene * transform + noise``. That of the scene is smooth: a
    quadratic in the frequency and its logarithm, plus the cosine and sine of twice and four times the direction, since
    pictures have more horizontal and vertical edges than others. So a trend tells nothing, and the zeros all.
    """
    power, across, down = spectrum
    points = np.stack([each.ravel() for each in np.meshgrid(*grid, indexing="ij")], axis=1)
    frequency, direction = np.hypot(across, down), np.arctan2(down, across)
    angular = [wave(turns * direction) for turns in (2, 4) for wave in (np.cos, np.sin)]
    design = np.stack([np.ones_like(frequency), np.log(frequency), frequency, np.square(frequency), *angular], 1)
    squared = np.concatenate([np.ones((1, len(frequency))), transforms(points, across, down)])
    floor = max(noise_level, 1e-3) ** 2
    to_scene = np.linalg.pinv(design)
    scene = np.log(power)[None] * np.ones((len(squared), 1))
    for _ in range(_ROUNDS):
        shape = np.log(squared + floor * np.exp(-scene))
        scene = (np.log(power) - shape) @ to_scene.T @ design.T
    misfit = np.square(np.log(power) - shape - scene).mean(1)
    best = int(misfit[1:].argmin())
    return points[best].tolist(), float(1 - misfit[best + 1] / misfit[0])


def _spectrum(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean power spectrum of overlapping windows, and the frequencies, where there is enough of it."""
    window = np.hanning(_BLOCK + 2)[1:-1]
    window = np.outer(window, window)
    window /= np.sqrt(np.square(window).sum())
    counts = (max(1, round(2 * size / _BLOCK) - 1) for size in y.shape)
    starts = [
        np.linspace(0, size - _BLOCK, count).round().astype(int) for size, count in zip(y.shape, counts, strict=True)
    ]
    blocks = np.stack([y[i : i + _BLOCK, j : j + _BLOCK] for i in starts[0] for j in starts[1]])
    blocks = (blocks - blocks.mean((1, 2), keepdims=True)) * window
    power = np.square(np.abs(np.fft.rfft2(blocks))).mean(0)
    down, across = np.meshgrid(np.fft.fftfreq(_BLOCK), np.fft.rfftfreq(_BLOCK), indexing="ij")
    kept = (np.hypot(across, down) > _LOWEST) & (np.hypot(across, down) < _HIGHEST)
    return power[kept] + 1e-12, across[kept], down[kept]
