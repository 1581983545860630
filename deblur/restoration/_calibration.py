"""Calibration: what each window would decide for itself, decided once from sample patches, so that no seam shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from deblur import photo
from deblur._core.samples import scaled
from deblur._core.tiling import tiles
from deblur.nonblind import estimate_noise, wiener_balance

_PATCHES = 9
_NOISE_SIDE = {1: 2**18, 2: 512, 3: 64}
_TRIAL_SIDE = {1: 2**20, 2: 1024, 3: 128}
"""Samples along each axis, by the number of axes."""


class ArrayLike(Protocol):
    """What is read window by window: a NumPy array or memory map, a zarr, HDF5 or Dask array."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> Any: ...

    def __getitem__(self, box: Any, /) -> Any: ...


@dataclass(frozen=True)
class Patches:
    """A few parts of an image, spread evenly over it.

    Attributes
    ----------
    image : array-like
        Batch axes, the axes of the PSF, and a last axis of channels if `channel_axis` is -1.
    psf : numpy.ndarray
        Point-spread function of sum 1.
    channel_axis : None or -1
        Whether the last axis has channels.
    linear : bool
        Whether samples are decoded from sRGB.
    """

    image: ArrayLike
    psf: np.ndarray
    channel_axis: int | None
    linear: bool = False

    def noise_level(self) -> float:
        """Return the median of the noise levels estimated from each patch."""
        sides = [max(k, _NOISE_SIDE[self.psf.ndim]) for k in self.psf.shape]
        return float(np.median([self._noise_of(patch) for patch in self._read(sides)]))

    def of_most_contrast(self) -> np.ndarray:
        """Return the patch with the largest standard deviation."""
        sides = [max(4 * k, _TRIAL_SIDE[self.psf.ndim]) for k in self.psf.shape]
        return max(self._read(sides), key=np.std)

    def _noise_of(self, patch: np.ndarray) -> float:
        return estimate_noise(patch, self.psf, channel_axis=self.channel_axis, ndim=self.psf.ndim)

    def _read(self, sides: list[int]) -> Iterator[np.ndarray]:
        shape = self.image.shape if self.channel_axis is None else self.image.shape[:-1]
        sides = [1] * (len(shape) - len(sides)) + sides
        boxes = [tile.window for tile in tiles(shape, sides, [0] * len(sides))]
        for box in boxes[:: -(-len(boxes) // _PATCHES)]:
            patch = scaled(np.asarray(self.image[box]))
            yield photo.to_linear(patch) if self.linear else patch


def noise_level_once(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the noise level."""
    level = options.get("noise_level")
    return {"noise_level": patches.noise_level() if level is None else level}


def nothing(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix nothing: each window samples its own weights."""
    return {}


def balance_once(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the noise level and the balance of `wiener`."""
    fixed = noise_level_once(patches, function, options)
    if options.get("balance") is not None:
        return fixed
    patch, level = patches.of_most_contrast(), fixed["noise_level"]
    keywords = {"channel_axis": patches.channel_axis, "ndim": patches.psf.ndim}
    return fixed | {"balance": wiener_balance(patch, patches.psf, noise_level=level, **keywords)}


def iterations_once(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the number of iterations of `richardson_lucy`, by the patch of most contrast; all extrapolate alike."""
    if options.get("holdout"):
        raise ValueError("holdout needs an image that fits into memory as a whole; give num_iter for a larger one")
    fixed = noise_level_once(patches, function, options)
    accelerate = options.get("accelerate", True)
    steady = "steady" if accelerate is True else accelerate  # adaptive extrapolation would differ between windows
    if "num_iter" in options and options.get("tolerance") == 0 and fixed["noise_level"] == 0:
        return {"accelerate": steady}  # nothing stops a window early
    count = 0

    def callback(iteration: int, estimate: Any, objective: float) -> None:
        nonlocal count
        count = iteration + 1

    trial = {**options, "accelerate": steady, **fixed, "callback": callback}
    function(patches.of_most_contrast(), patches.psf, channel_axis=patches.channel_axis, ndim=patches.psf.ndim, **trial)
    level = fixed["noise_level"] if options.get("damping") else 0.0  # 0: no window stops before the others
    return {"num_iter": count, "noise_level": level, "tolerance": 0.0, "accelerate": steady}
