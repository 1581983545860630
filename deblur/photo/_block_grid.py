"""The 8 x 8 grid that JPEG leaves in pixels: found in pictures that were saved again without their tables."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from deblur.photo._compression import Compression, libjpeg_table

GRID_SIDE = 192
"""Pixels a side that are looked at: 512 find no more, in five times the time."""

_HIGH = np.add.outer(np.arange(8), np.arange(8)) >= 6
_QUIETER = 1.1  # by which high frequencies are at the grid's phase; without JPEG 1.006 at most, quality 95 has 1.26
_MOST = 8.0  # of a coefficient: edges of the scene count no more
_FEWEST = 100  # coefficients to read a quality from
_LUMA = np.array([0.299, 0.587, 0.114])
_QUALITIES = range(20, 100)


def compression_of(pixels: np.ndarray) -> Compression | None:
    """Return the JPEG compression that a picture went through before it was decoded, None if it shows none.

    At the phase of the grid the high frequencies of the blocks are mostly 0, and the others are multiples of the
    quantization steps. A picture that was resized or rotated since shows none.

    Parameters
    ----------
    pixels : numpy.ndarray
        Samples of 8 bits as stored, or scaled to [0, 1], shape (height, width) or (height, width, channels).

    Returns
    -------
    Compression or None
        That of the quality of libjpeg whose steps fit best.

    Raises
    ------
    IndexError
        If it has fewer than two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.photo import compression_of
    >>> print(compression_of(np.random.default_rng(0).random((64, 64))))
    None
    """
    window = pixels[tuple(slice((size - GRID_SIDE) // 2 if size > GRID_SIDE else 0, None) for size in pixels.shape[:2])]
    light = np.asarray(window[:GRID_SIDE, :GRID_SIDE], np.float32)
    light = light * np.float32(255) if pixels.dtype.kind == "f" else light
    if light.ndim == 3:
        light = light @ _LUMA.astype(np.float32) if light.shape[-1] == 3 else light.mean(-1)
    if min(light.shape) < 32:
        return None
    blocks = _at_the_grid(light)
    quality = None if blocks is None else _quality(blocks)
    return None if quality is None else Compression.of_quality(quality)


def _at_the_grid(light: np.ndarray) -> np.ndarray | None:
    """Return the coefficients of the blocks of the grid, (n, 8, 8); None if no phase is quieter than the others."""
    loudness = [np.minimum(np.abs(blocks[:, _HIGH]), _MOST).mean() for blocks in _phases(light)]
    least = int(np.argmin(loudness))
    others = np.delete(loudness, least).min()
    if not others > _QUIETER * max(loudness[least], 1e-6) or others < 1e-3:
        return None
    return _coefficients(light - 128, divmod(least, 8))


def _phases(light: np.ndarray) -> Iterator[np.ndarray]:
    return (_coefficients(light, (row, column)) for row in range(8) for column in range(8))


def _coefficients(light: np.ndarray, phase: tuple[int, int]) -> np.ndarray:
    """Return the cosine transforms of the whole blocks that begin at a phase."""
    window = light[phase[0] :, phase[1] :]
    rows, columns = (size // 8 for size in window.shape)
    blocks = window[: 8 * rows, : 8 * columns].reshape(rows, 8, columns, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    return _cosines() @ blocks @ _cosines().T


@functools.cache
def _cosines() -> np.ndarray:
    from scipy.fft import dct

    return dct(np.eye(8), axis=0, norm="ortho").astype(np.float32)


def _quality(coefficients: np.ndarray) -> int | None:
    """Return the quality of libjpeg whose steps the coefficients are multiples of."""
    scores = {}
    for quality in _QUALITIES:
        steps = libjpeg_table(quality, color=False)
        usable = steps >= 2
        usable[0, 0] = False
        large = (np.abs(coefficients) > 0.5 * steps) & usable
        fractions = (coefficients / steps)[large]
        scores[quality] = float(np.cos(2 * np.pi * fractions).mean()) if fractions.size >= _FEWEST else 0.0
    best = max(scores.values())
    return None if best <= 0.1 else next(q for q in _QUALITIES if scores[q] >= 0.9 * best)
