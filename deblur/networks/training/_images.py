"""Random crops of sharp photographs for training."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# The photographs are JPEG files, and at full scale a network learns to keep the blocks: most crops are made smaller.
_SCALES = (0.35, 0.9)
_SCALED = 0.7
_LUMINANCE = 0.9
_SMALLEST = 64  # pixels per side: enough to validate every PSF on


class Photographs:
    """A set of photographs in memory, as 8-bit RGB, from which gray crops are drawn.

    Parameters
    ----------
    paths : sequence of path-like
        Image files of at least 64 pixels per side.

    Raises
    ------
    ValueError
        If `paths` is empty, or a file cannot be read or is too small.

    Examples
    --------
    >>> import numpy as np, pathlib, skimage
    >>> from deblur.networks.training import Photographs
    >>> folder = pathlib.Path(skimage.__file__).parent / "data"
    >>> Photographs([folder / "astronaut.png"]).crop(96, np.random.default_rng(0)).shape
    (96, 96)
    """

    def __init__(self, paths: Sequence[str | os.PathLike[str]]) -> None:
        if not paths:
            raise ValueError("no photographs to train on")
        self._images = [_read(Path(path)) for path in paths]

    def crop(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Return a gray crop of shape ``(size, size)``, float32 in [0, 1], drawn by `rng`.

        Seven in ten are made smaller first, all are flipped and turned at random. Nine in ten are luminance; the others
        are another mixture of the colors, or a color difference, so that the planes of a color image are familiar too.
        """
        scale = rng.uniform(*_SCALES) if rng.random() < _SCALED else 1.0
        image = self._images[rng.integers(len(self._images))]
        window = min(round(size / scale), *image.shape[:2])
        top, left = (rng.integers(extent - window + 1) for extent in image.shape[:2])
        crop = image[top : top + window, left : left + window]
        if window != size:
            crop = cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA if window > size else cv2.INTER_CUBIC)
        turned = np.rot90(_plane(crop, rng), int(rng.integers(4)))
        return np.ascontiguousarray(turned[:, ::-1] if rng.random() < 0.5 else turned)

    def centers(self, size: int) -> list[np.ndarray]:
        """Return the luminance of each photograph's center: squares of `size` or of its shorter side, if less."""
        return [
            _middle(image, min(size, *image.shape[:2])).astype(np.float32) @ (_LUMA / 255) for image in self._images
        ]


def _middle(image: np.ndarray, size: int) -> np.ndarray:
    top, left = ((extent - size) // 2 for extent in image.shape[:2])
    return image[top : top + size, left : left + size]


def _plane(crop: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < _LUMINANCE:
        weights, offset = _LUMA, 0.0
    elif kind < (1 + _LUMINANCE) / 2:
        weights, offset = rng.dirichlet(np.ones(3)).astype(np.float32), 0.0
    else:
        weights, offset = rng.normal(size=3).astype(np.float32), 0.5
        weights -= weights.mean()
        weights /= np.abs(weights).sum()
    return crop.astype(np.float32) @ (weights / 255) + np.float32(offset)


def _read(path: Path) -> np.ndarray:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"cannot read {path} as a photograph")
    if min(image.shape[:2]) < _SMALLEST:
        height, width = image.shape[:2]
        raise ValueError(f"{path} is too small to train on: {height} x {width} pixels, less than {_SMALLEST} per side")
    return np.ascontiguousarray(image[..., ::-1])
