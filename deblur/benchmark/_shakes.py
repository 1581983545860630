"""Camera shakes of many sizes: on small pictures, with traces a pixel thin, and on large ones, with thicker traces."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.ndimage

from . import _loaders as data
from ._samples import Sample, number_of, rounded, simulate

SHAKEN = 400
"""Largest side of the pictures of `shakes`, in pixels."""

SHAKEN_LARGE = (700, 1000)
"""Shape of the pictures of `large_shakes`."""

_LARGE_SIDES = (35, 75, 29, 55, 45, 65)
_TURNS = 4
_TILES = 3  # per axis of a mosaic
_EXTENTS = {"dpir": 25, "schelten": 37}  # pixels, of the largest
_GROUPS = ((25, "13 to 25 px"), (45, "29 to 45 px"), (65, "55 to 65 px"), (75, "75 px"))


def shakes() -> list[tuple[str, str]]:
    """Return 37 scenes, each with its own PSF; the first seven PSFs have all the sizes."""
    psfs = [f"shake{side}-{turn}" for turn in range(_TURNS) for side in (13, 19, 35, 45, 55, 65, 75)]
    psfs += [f"dpir{i}" for i in range(5, 9)] + [f"schelten{i}" for i in range(1, 6)]
    small = data.image_names("cbsd68")
    large = [name for name in data.image_names("set14") if min(data.image("set14", name).shape) >= 440]
    return [
        (small[7 * i % len(small)] if i % 2 == 0 else large[3 * i % len(large)], name) for i, name in enumerate(psfs)
    ]


def large_shakes() -> list[tuple[str, str]]:
    """Return 24 mosaics, each with its own PSF; the first six PSFs have all the sizes."""
    psfs = [f"shake{side}-{turn}" for turn in range(_TURNS) for side in _LARGE_SIDES]
    return [(f"mosaic{i}", name) for i, name in enumerate(psfs)]


def observe_shake(image: str, psf: str, noise: float) -> Sample:
    scene = data.image("set14" if image in data.image_names("set14") else "cbsd68", image)
    return _shaken(scene, _shake(psf), (SHAKEN, SHAKEN), noise, f"{image} {psf}")


def observe_large_shake(image: str, psf: str, noise: float) -> Sample:
    return _shaken(_mosaic(number_of(image)), _thick(_shake(psf, less=2)), SHAKEN_LARGE, noise, f"{image} {psf}")


def size_group(psf: str) -> str:
    """Return the sizes that a PSF of `shakes` or `large_shakes` is summed up with, by the extent of its path."""
    kind = psf.rstrip("-0123456789")
    extent = _EXTENTS[kind] if kind in _EXTENTS else int(psf.removeprefix(kind).split("-")[0])
    return next(name for most, name in _GROUPS if extent <= most)


def _shaken(scene: np.ndarray, kernel: np.ndarray, shape: tuple[int, int], noise: float, seed: str) -> Sample:
    """Blur the middle of a scene, so that at most this shape is observed."""
    window = []
    for size, width, wanted in zip(scene.shape, kernel.shape, shape, strict=True):
        start = max(0, (size - wanted - width + 1) // 2)
        window.append(slice(start, start + wanted + width - 1))
    return rounded(simulate(scene[tuple(window)], kernel, noise, seed=seed))


def _shake(name: str, less: int = 0) -> np.ndarray:
    """Return the PSF of this name; a shake may be made smaller by some pixels."""
    from deblur.psf import camera_shake

    if name.startswith("dpir"):
        return data.kernels_12()[number_of(name) - 1]
    if name.startswith("schelten"):
        return data.schelten_kernels()[number_of(name) - 1]
    side, turn = map(int, name.removeprefix("shake").split("-"))
    return camera_shake(side - 1 - less, seed=10 * side + turn)


def _thick(psf: np.ndarray) -> np.ndarray:
    """Widen a trace of one pixel to two at half of its height; the PSF grows by a pixel on each side."""
    psf = np.pad(psf, 1)
    for axis in (0, 1):
        psf = scipy.ndimage.convolve1d(psf, np.array([0.25, 0.5, 0.25]), axis=axis, mode="constant")
    return psf


def _mosaic(number: int) -> np.ndarray:
    """Return nine landscapes of BSDS500 side by side, in gray; the 24 mosaics use each once or twice."""
    names = _landscapes()
    chosen = [names[(number * _TILES**2 + i) % len(names)] for i in range(_TILES**2)]
    tiles = [data.image("bsds500", name) for name in chosen]
    return np.block([tiles[row * _TILES : (row + 1) * _TILES] for row in range(_TILES)])


@cache
def _landscapes() -> list[str]:
    names = [name for name in data.image_names("bsds500") if name.startswith("test/")]
    return [name for name in names if data.image("bsds500", name).shape == (321, 481)]
