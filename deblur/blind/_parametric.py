"""Blurs of a known kind, whose size and direction are estimated from the zeros that they leave in the spectrum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.special
import torch

from deblur import psf
from deblur._core.arrays import Array, ArrayT
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.nonblind import NoiseModel
from deblur.psf import estimate_support

from ._autocorrelation import estimate_motion
from ._final_step import SEARCHING, SHARPENING, sharpen_all
from ._picture import Picture, unusable_reason
from ._settings import Settings

# All by hand; the notebook 04_real_photo and tests/blind measure what they find.
_BLOCK = 128  # pixels per side, of the averaged spectrum
_LOWEST, _HIGHEST = 0.02, 0.4  # cycles per pixel: below is too little data, above codecs and sensors dominate
_ROUNDS = 3
_CLEAR = 0.2  # of the spectrum's variation explained: full confidence
_DOUBTFUL = 0.3  # confidence: below, the image stays as it is
_ESTIMATION_SHARE = 0.2  # of the time
_RADII = np.arange(1.0, 20.1, 0.25)
_LENGTHS = np.arange(3.0, 61.0)
_ANGLES = np.arange(0.0, 180.0, 5.0)
_FINER = np.linspace(-1, 1, 11)  # steps of the grid, around its best point
_LONG, _CLEAR_PEAK = 12, 5.0  # pixels and standard deviations, from which on the autocorrelation decides

Fit = tuple[list[float], float]
"""Parameters of a blur, and the part of the spectrum's variation that they explain."""

Transforms = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""Squared transfer functions ``(count, frequencies)`` from parameters ``(count, number)`` and two frequencies."""


def defocus(
    image: ArrayT,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph that is out of focus: a uniform disk, whose radius is estimated from the spectrum.

    The power spectrum, averaged over blocks, is compared with that of a scene, whose spectrum is a power of the
    frequency, blurred by disks of every radius from 1 to 20 pixels: the zeros of the disk's transform leave dark rings.
    More robust than `sparse_edges` where the blur is a disk, and wrong where it is not.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels, 128 pixels per side
        or more; integers are scaled to [0, 1].
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done.

    Returns
    -------
    Restoration
        Its confidence is the part of the spectrum's variation that the rings explain. Where they explain nothing,
        ``changed`` is false.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values.

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

    estimate = partial(_estimate, grid=[_RADII], transforms=transforms)
    return _restore(image, noise_level, weights, channel_axis, progress, "defocus", estimate)


def motion(
    image: ArrayT,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph blurred by straight motion, whose length and angle are estimated from the spectrum.

    As `defocus`, with the parallel dark lines that bars of 3 to 60 pixels at every angle leave in the spectrum. The
    length of longer motions is the distance of the negative peak in the autocorrelation of the image's corners
    (Yitzhaky and Kopeika, Graph. Models Image Process. 1997).

    Parameters
    ----------
    image, noise_level, weights, channel_axis, progress
        See `defocus`.

    Returns
    -------
    Restoration
        See `defocus`.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values.

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
    return _restore(image, noise_level, weights, channel_axis, progress, "motion", motion_from_spectrum)


def motion_from_spectrum(y: np.ndarray, noise_level: float) -> Fit:
    """Return length and angle of a straight motion, and the part of the spectrum's variation that it explains.

    Parameters
    ----------
    y : numpy.ndarray
        Blurred image, shape (height, width), 128 pixels per side or more.
    noise_level : float
        Standard deviation of the noise, in the unit of the image.
    """

    def transforms(parameters: np.ndarray, across: np.ndarray, down: np.ndarray) -> np.ndarray:
        length, angle = parameters[:, :1], np.deg2rad(parameters[:, 1:])
        along = np.cos(angle) * across - np.sin(angle) * down  # rows run down, angles up
        return np.square(np.sinc(length * along))

    best, explained = _estimate(y, noise_level, grid=[_LENGTHS, _ANGLES], transforms=transforms)
    length, angle, z_score = estimate_motion(y, direction=best[1])
    # Lines of a long motion lie close, and a fraction of its length explains most; a short one has no separate peak.
    is_long = length >= _LONG and z_score >= _CLEAR_PEAK
    return [length, angle] if is_long else best, explained


_KINDS: dict[str, tuple[Callable[..., np.ndarray], tuple[str, ...], str]] = {
    "defocus": (psf.disk, ("radius",), "disk"),
    "motion": (psf.motion, ("length", "angle"), "straight motion"),
}
"""PSF of each method, the parameters that are estimated, and its name in messages."""


@torch.inference_mode()
def _restore(
    image: Any,
    noise_level: float | NoiseModel | None,
    weights: Array | None,
    channel_axis: int | None,
    progress: Progress | None,
    method: str,
    estimate: Callable[[np.ndarray, float], Fit],
) -> Restoration:
    make, names, kind = _KINDS[method]
    picture = Picture(image, channel_axis, noise_level, method=method, weights=weights)
    report = progress or silent
    report(0.0, SEARCHING)
    reason = unusable_reason(picture)
    if not reason and min(picture.view.y.shape) < _BLOCK:
        reason = f"the picture is too small to read a blur from its spectrum: it needs {_BLOCK} pixels per side"
    confidence = 0.0
    if not reason:
        best, explained = estimate(picture.view.y.double().cpu().numpy(), picture.noise_level)
        confidence = float(np.clip(explained / _CLEAR, 0, 1))
        if confidence < 1:
            reason = f"the spectrum shows {'no' if confidence < _DOUBTFUL else 'only faint'} traces of a {kind}"
    if confidence < _DOUBTFUL:
        return picture.unchanged(confidence, reason)
    report(_ESTIMATION_SHARE, SHARPENING)
    found = torch.from_numpy(make(*best)).float()
    found = found[estimate_support(found, energy=1)]
    settings = Settings.for_noise(picture.noise_level)
    restored = sharpen_all(picture, found, settings, span(progress, _ESTIMATION_SHARE, 1))
    report(1.0, SHARPENING)
    return picture.restored(restored, found, confidence, reason, dict(zip(names, best, strict=True)))


def _estimate(y: np.ndarray, noise_level: float, *, grid: list[np.ndarray], transforms: Transforms) -> Fit:
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
) -> Fit:
    """Return the point of the grid whose transform fits best, and the part of the variation that it explains.

    The logarithm of the spectrum is fitted by that of ``scene * transform + noise``. That of the scene is smooth: a
    quadratic in the frequency and its logarithm, plus the cosine and sine of twice and four times the direction, since
    horizontal and vertical edges are more frequent than others. So the fit depends on the zeros, not on a trend.
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
