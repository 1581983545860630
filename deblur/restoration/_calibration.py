"""Calibration: what each window would decide for itself, decided once from sample patches, so that no seam shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch

from deblur import photo
from deblur._core.samples import scaled
from deblur._core.tiling import tiles
from deblur.nonblind import NoiseModel, estimate_noise, wiener_balance
from deblur.restoration._masks import estimate_background, masked_image, unmasked
from deblur.restoration._policy import Policy

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


class Patch(NamedTuple):
    """A part of an image, as a method gets it."""

    values: torch.Tensor
    weights: torch.Tensor | None


@dataclass(frozen=True)
class Patches:
    """A few parts of an image, spread evenly over it.

    Attributes
    ----------
    image : array-like
        Batch axes, the axes of the PSF, and a last axis of channels if `channel_axis` is -1.
    policy : Policy
        What restoring the image means.
    channel_axis : None or -1
        Whether the last axis has channels.
    weights : array, optional
        0 where a sample is left out, of the shape of the image without its channels.
    """

    image: ArrayLike
    policy: Policy
    channel_axis: int | None
    weights: Any = None

    @property
    def psf(self) -> np.ndarray:
        """Point-spread function of sum 1."""
        psf: np.ndarray = self.policy.psf
        return psf

    def noise_level(self, model: NoiseModel | None = None) -> float:
        """Return the median of the noise levels estimated from each patch; with a model, of all parts of the noise."""
        shared: dict[str, Any] = {"model": model, "channel_axis": self.channel_axis, "ndim": self.psf.ndim}
        levels = [
            estimate_noise(patch.values, self.psf, weights=patch.weights, **shared) for patch in self._read(_NOISE_SIDE)
        ]
        return float(np.median(levels))

    def background(self) -> float:
        """Return the median of the backgrounds of the patches."""
        return float(np.median([estimate_background(*patch) for patch in self._read(_NOISE_SIDE)]))

    def of_most_contrast(self) -> Patch:
        """Return the patch with the largest standard deviation."""
        return max(self._read(_TRIAL_SIDE, psf_sizes=4), key=lambda patch: float(patch.values.std()))

    def _read(self, side: Mapping[int, int], psf_sizes: int = 1) -> Iterator[Patch]:
        """Yield patches of some samples a side, or of some PSF sizes where that is more, that are seen."""
        sides = [max(psf_sizes * k, side[self.psf.ndim]) for k in self.psf.shape]
        shape = self.image.shape if self.channel_axis is None else self.image.shape[:-1]
        sides = [1] * (len(shape) - len(sides)) + sides
        boxes = [tile.window for tile in tiles(shape, sides, [0] * len(sides))]
        empty = True
        for box in boxes[:: -(-len(boxes) // _PATCHES)]:
            weights = None if self.weights is None else np.asarray(self.weights[box])
            samples, weights = unmasked(np.asanyarray(self.image[box]), weights, self.channel_axis)
            samples = scaled(samples)
            if _is_seen(samples, weights):
                yield self._patch(samples, weights)
                empty = False
        if empty:
            raise ValueError("the mask, or samples that are not finite, leave nothing to estimate the noise from")

    def _patch(self, samples: np.ndarray, weights: np.ndarray | None) -> Patch:
        known = masked_image(
            torch.from_numpy(np.ascontiguousarray(samples)),
            weights,
            channel_axis=self.channel_axis,
            saturated_from=self.policy.saturated_from,
        )
        return Patch(photo.to_linear(known.values) if self.policy.linear else known.values, known.weights)


def _is_seen(samples: np.ndarray, weights: np.ndarray | None) -> bool:
    finite = np.isfinite(samples).any()
    return bool(finite and (weights is None or (weights > 0).any()))


def noise_level_once(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the noise level."""
    return {"noise_level": options["noise_level"]}  # `calibrated` has estimated it


def nothing(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix nothing: each window samples its own weights."""
    return {}


def balance_once(patches: Patches, function: Callable[..., Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """Fix the noise level and the balance of `wiener`."""
    fixed = noise_level_once(patches, function, options)
    if options.get("balance") is not None:
        return fixed
    patch, level = patches.of_most_contrast(), fixed["noise_level"]
    ndim = patches.psf.ndim
    balance = wiener_balance(
        patch.values,
        patches.psf,
        noise_level=level,
        weights=patch.weights,
        channel_axis=patches.channel_axis,
        ndim=ndim,
    )
    return fixed | {"balance": balance}


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

    patch = patches.of_most_contrast()
    trial = {**options, "accelerate": steady, **fixed, "callback": callback, "weights": patch.weights}
    function(patch.values, patches.psf, channel_axis=patches.channel_axis, ndim=patches.psf.ndim, **trial)
    level = fixed["noise_level"] if options.get("damping") else 0.0  # 0: no window stops before the others
    return {"num_iter": count, "noise_level": level, "tolerance": 0.0, "accelerate": steady}
