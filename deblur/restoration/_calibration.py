"""What is decided once for an image larger than memory, from a few parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from deblur._core.samples import scaled
from deblur._core.tiling import tiles
from deblur.nonblind import estimate_noise
from deblur.nonblind._wiener import wiener_balance
from deblur.restoration._array import METHODS

_PARTS = 9
_NOISE_SIDE = {1: 2**18, 2: 512, 3: 64}
_TRIAL_SIDE = {1: 2**20, 2: 1024, 3: 128}
"""Samples along each axis, by the number of axes."""


class ArrayLike(Protocol):
    """What is read and written by parts: a NumPy array or memory map, a zarr or HDF5 array."""

    shape: tuple[int, ...]
    dtype: Any

    def __getitem__(self, box: Any, /) -> Any: ...


class Parts:
    """A few parts of an image, spread evenly over it.

    Parameters
    ----------
    image : array-like
        Of spatial shape `space`, and a last axis of channels if `channel_axis` is -1.
    psf : numpy.ndarray
        Point-spread function.
    space : tuple of int
        Spatial shape.
    channel_axis : None or -1
        Whether the last axis has channels.
    """

    def __init__(self, image: ArrayLike, psf: np.ndarray, space: tuple[int, ...], channel_axis: int | None) -> None:
        self._image, self._psf, self._space, self._channel_axis = image, psf, space, channel_axis

    def noise_level(self) -> float:
        """Return the median of estimates."""
        parts = self._read([max(k, _NOISE_SIDE[self._psf.ndim]) for k in self._psf.shape])
        return float(np.median([estimate_noise(y, self._psf, channel_axis=self._channel_axis) for y in parts]))

    def decide_once(self, name: str, fixed: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
        """Find, where there is the most contrast, what each window would decide for itself."""
        if name not in ("wiener", "richardson-lucy") or "balance" in options:
            return {}
        y = max(self._read([max(4 * k, _TRIAL_SIDE[self._psf.ndim]) for k in self._psf.shape]), key=np.std)
        if name == "wiener":
            level = fixed["noise_level"]
            return {"balance": wiener_balance(y, self._psf, noise_level=level, channel_axis=self._channel_axis)}
        count = 0

        def callback(iteration: int, estimate: Any, objective: float) -> None:
            nonlocal count
            count = iteration + 1

        trial = {**options, "accelerate": "steady", **fixed, "callback": callback}
        METHODS[name](y, self._psf, channel_axis=self._channel_axis, **trial)
        level = fixed["noise_level"] if options.get("damping") else 0.0  # 0: no window stops before the others
        return {"num_iter": count, "noise_level": level, "tolerance": 0.0, "accelerate": "steady"}

    def _read(self, sides: list[int]) -> Iterator[np.ndarray]:
        boxes = [tile.window for tile in tiles(self._space, sides, [0] * len(sides))]
        return (scaled(np.asarray(self._image[box])) for box in boxes[:: -(-len(boxes) // _PARTS)])
