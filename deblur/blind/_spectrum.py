"""What the power spectrum says of a blur: disks and straight motions leave zeros, Gaussians only a slope."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.special

BLOCK = 128
"""Pixels per side of the averaged spectrum, by hand: a longer one has too few blocks, a shorter one blurs the zeros."""

# By hand, on 16 photographs blurred by disks, motions, Gaussians and shakes, as PNG and JPEG; python -m
# benchmarks.quality.blur_kinds measures their effect on others.
_LOWEST = 0.02  # cycles per pixel: below is too little data
_BANDS = (0.4, 0.3, 0.25, 0.2)  # above .4 sensors dominate, and above .2 to .3 the rounding of JPEG
_EVERY = 2000  # frequencies of a band, at most: neighbors of a windowed spectrum say nearly the same
_ROUNDS = 3
_FLOORS = 0.3 * 10.0 ** np.arange(-1, 1.6, 0.5)  # of the noise, times the spectrum's least
_RADII = np.concatenate([np.arange(1.0, 6.0, 0.25), np.arange(6.0, 22.1, 0.5)])
_SIGMAS = np.array([0.0, 0.6, 0.9, 1.2, 1.6, 2.0, 2.5, 3.0, 4.0])
_LENGTHS = np.concatenate([np.arange(5.0, 15.0), np.arange(15.0, 31.0, 1.5), np.arange(32.0, 62.0, 3.0)])
_FACTORS = np.linspace(0.88, 1.12, 9)
_TURNS = np.linspace(-5, 5, 9)  # degrees


class Fit(NamedTuple):
    """The blur of a family that explains a spectrum best.

    Attributes
    ----------
    evidence : float
        Logarithm of how many times less it leaves unexplained than the best Gaussian does.
    parameters : tuple of float
        Radius; or length and angle in degrees.
    """

    evidence: float
    parameters: tuple[float, ...]


class Band(NamedTuple):
    """A spectrum up to a frequency: its logarithm, and a basis of scenes' spectra with the projection to it."""

    power: np.ndarray
    across: np.ndarray
    down: np.ndarray
    basis: np.ndarray
    to_basis: np.ndarray


Transform = Callable[[Band, np.ndarray], np.ndarray]
"""Squared transfer functions ``(count, frequencies)`` from parameters ``(count, number)``."""


class Spectrum:
    """The mean power spectrum of the blocks of an image, compared with those of blurred scenes.

    That of a scene is smooth: the exponential of a quadratic in the frequency and its logarithm, plus the cosine and
    sine of twice and four times the direction, since horizontal and vertical edges are more frequent than others. So a
    comparison depends on the zeros of a blur, not on a trend. The noise below which zeros cannot be seen is fitted too.

    Parameters
    ----------
    y : numpy.ndarray
        Shape (height, width), 128 pixels per side or more. A blur is a convolution of light: values as stored, which
        are about its power 1/2.2, fill the zeros.
    """

    def __init__(self, y: np.ndarray) -> None:
        power, across, down = _mean_power(y)
        self._bands = [_band(power, across, down, highest) for highest in _BANDS]
        gauss = [_gaussian(band, _SIGMAS[:, None]) for band in self._bands]
        self._smooth = [_misfits(band, each).min() for band, each in zip(self._bands, gauss, strict=True)]

    def disk(self) -> Fit:
        """Return the disk that fits best."""
        found = self._best(_disk, _RADII[:, None])
        finer = found.parameters[0] + np.linspace(-0.5, 0.5, 11)
        return max(found, self._best(_disk, finer[finer > 0.5][:, None]))

    def motion(self, direction: float, length: float | None = None) -> Fit:
        """Return the straight motion that fits best, in about a direction, in degrees, and of about a length."""
        lengths, turns = (_LENGTHS, _TURNS[::2]) if length is None else (length * _FACTORS, _TURNS)
        grid = np.meshgrid(lengths, direction + turns, indexing="ij")
        return self._best(_bar, np.stack([each.ravel() for each in grid], 1))

    def _best(self, transform: Transform, points: np.ndarray) -> Fit:
        fits = []
        for band, smooth in zip(self._bands, self._smooth, strict=True):
            misfits = _misfits(band, transform(band, points))
            best = int(misfits.argmin())
            fits.append(Fit(math.log(smooth / misfits[best]), tuple(points[best].tolist())))
        return max(fits)


def _disk(band: Band, points: np.ndarray) -> np.ndarray:
    z = 2 * np.pi * points * np.hypot(band.across, band.down)
    return np.square(2 * scipy.special.j1(z) / z)


def _gaussian(band: Band, points: np.ndarray) -> np.ndarray:
    return np.exp(-np.square(2 * np.pi * points * np.hypot(band.across, band.down)))


def _bar(band: Band, points: np.ndarray) -> np.ndarray:
    length, angle = points[:, :1], np.deg2rad(points[:, 1:])
    along = np.cos(angle) * band.across - np.sin(angle) * band.down  # rows run down, angles up
    return np.square(np.sinc(length * along))


def _misfits(band: Band, squared: np.ndarray) -> np.ndarray:
    """Return what each transfer function leaves unexplained, with the noise that suits it best."""
    squared = squared.astype(np.float32)
    least = math.exp(float(np.quantile(band.power, 0.02)))
    misfits = np.full(len(squared), np.inf)
    for floor in _FLOORS * least:
        scene = np.repeat(band.power[None], len(squared), 0)
        for _ in range(_ROUNDS):
            shape = np.log(squared + np.float32(floor) * np.exp(-scene))
            scene = (band.power - shape) @ band.to_basis.T @ band.basis.T
        misfits = np.minimum(misfits, np.square(band.power - shape - scene).mean(1))
    return misfits


def _band(power: np.ndarray, across: np.ndarray, down: np.ndarray, highest: float) -> Band:
    frequency = np.hypot(across, down)
    kept = np.flatnonzero((frequency > _LOWEST) & (frequency < highest))
    kept = kept[:: math.ceil(len(kept) / _EVERY)]
    power, across, down, frequency = (each[kept] for each in (power, across, down, frequency))
    direction = np.arctan2(down, across)
    angular = [wave(turns * direction) for turns in (2, 4) for wave in (np.cos, np.sin)]
    basis = np.stack([np.ones_like(frequency), np.log(frequency), frequency, np.square(frequency), *angular], 1)
    single = (np.log(power), across, down, basis, np.linalg.pinv(basis))
    return Band(*(each.astype(np.float32) for each in single))


def _mean_power(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mean power spectrum of overlapping windows, and its two frequencies."""
    window = np.hanning(BLOCK + 2)[1:-1]
    window = np.outer(window, window)
    window /= np.sqrt(np.square(window).sum())
    counts = (max(1, round(2 * size / BLOCK) - 1) for size in y.shape)
    starts = [
        np.linspace(0, size - BLOCK, count).round().astype(int) for size, count in zip(y.shape, counts, strict=True)
    ]
    blocks = np.stack([y[i : i + BLOCK, j : j + BLOCK] for i in starts[0] for j in starts[1]])
    blocks = (blocks - blocks.mean((1, 2), keepdims=True)) * window
    power = np.square(np.abs(np.fft.rfft2(blocks))).mean(0) + 1e-12
    down, across = np.meshgrid(np.fft.fftfreq(BLOCK), np.fft.rfftfreq(BLOCK), indexing="ij")
    return power.ravel(), across.ravel(), down.ravel()
