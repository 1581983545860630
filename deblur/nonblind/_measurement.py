"""The one validated input of every non-blind method: an image and what blurred it."""

from __future__ import annotations

import functools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch

from deblur._core.arrays import Array
from deblur._core.weights import weighted
from deblur.operators import Convolution, FramedConvolution, LinearOperator
from deblur.solvers.evidence import Evidence
from deblur.solvers.filling import fill_smoothly, largest_seen_box
from deblur.solvers.fourier import continue_smoothly, corner, fourier, roughness, squared_modulus, transfer_function
from deblur.solvers.noise import noise_of
from deblur.solvers.padding import ROOM, padded_grid

from ._input import channel_first, check_fit, check_gain, checked_noise_level, checked_psf, used_shape
from ._noise_model import NoiseModel, white_part

_QUIET = (
    0.6  # of the level of all scales: finest details below it have been filtered (python -m benchmarks.quality.jpeg)
)
_LEAST_PART = 0.2  # of an image, without a missing sample: its noise is estimated there
_LEAST_SHARE = 0.05  # of samples that are seen: the level of fewer is not corrected further
_BRIGHTEST = 0.999  # quantile: single bright samples, of lights and defects, must not darken the rest
_DARKEST = 1e-37  # an image of less is black: a division by it would overflow in single precision
SAME_SIZE = ("circular", "zero", "reflect", "replicate")


class Measurement(ABC):
    """A blurred image, its weights, and the operator that blurred it; made by `from_arrays`.

    Attributes
    ----------
    y : torch.Tensor
        The image, shape ``(*batch, *space)``; a channel axis has become the first batch axis.
    weights : torch.Tensor
        Weight of each sample of `y`, broadcastable to it; where it is 0, `y` is 0 too.
    axes : tuple of int
        The spatial axes, counted from the end.
    """

    y: torch.Tensor
    weights: torch.Tensor
    axes: tuple[int, ...]
    _to_input_kind: Callable[[torch.Tensor], Any]

    @staticmethod
    def from_arrays(
        image: Array,
        psf: Array | LinearOperator,
        *,
        weights: Array | None = None,
        channel_axis: int | None = None,
        ndim: int | None = None,
    ) -> Measurement:
        """Validate an image and the PSF or the operator that blurred it; `ndim` is for a PSF."""
        if isinstance(psf, LinearOperator):
            return OperatorMeasurement(image, psf, weights, channel_axis)
        return PsfMeasurement(image, psf, weights, channel_axis, ndim)

    def with_psf(self, method: str) -> PsfMeasurement:
        """Return this measurement for a method that needs a PSF, or raise `TypeError` naming it."""
        raise TypeError(f"{method} needs a point-spread function; richardson_lucy takes any operator")

    @property
    @abstractmethod
    def gain(self) -> torch.Tensor:
        """Value of the blurred image of a scene of ones, broadcastable to one value per image."""

    @abstractmethod
    def blur(self, boundary: str) -> LinearOperator:
        """Return the map from the estimate to the image: A in ``y = A x + noise``."""

    @abstractmethod
    def noise_level(self, given: Any, boundary: str = "unknown") -> torch.Tensor:
        """Return the standard deviation of the noise, one value per image, estimated if None.

        Of a `NoiseModel` it is that of all parts together, for methods that take one level.
        """

    @abstractmethod
    def finish(self, x: torch.Tensor) -> Any:
        """Return an estimate in the array kind and the axis order of the image."""

    def with_other_noise(self, white: torch.Tensor, given: Any) -> torch.Tensor:
        """Return the level of white noise of this level and of the other parts of a `NoiseModel`, if one is given."""
        if not isinstance(given, NoiseModel):
            return white
        light = sum_over(self.y.clamp_min(0), self.axes) / sum_over(self._seen, self.axes).clamp_min(1)
        others = (given.single_level * brightness(self.y, self.axes)).square() + given.shot * light
        return (white.square() + others).sqrt()

    def _lit(self, x: torch.Tensor) -> torch.Tensor:
        """Set the estimates of empty images to zero: networks, and mixed colors, make something of nothing."""
        lit = (self.y != 0).any(self.axes, keepdim=True)
        return x if bool(lit.all()) else torch.where(lit, x, 0)

    @property
    def _seen(self) -> torch.Tensor:
        return (self.weights > 0).to(self.y).expand(self.y.shape)


class PsfMeasurement(Measurement):
    """A measurement whose blur is a convolution with a point-spread function.

    Attributes
    ----------
    psf : torch.Tensor
        Shape ``(*psf_batch, *kernel_shape)``, in the dtype and on the device of `y`.
    frame : tuple of int
        Spatial shape of the image: the image domain.
    grid : tuple of int
        Spatial shape of the estimate. With the unknown boundary it is a periodic grid at least as large as the part of
        the scene that contributes to the image, which is its first corner.
    roomy_grid : tuple of int
        A periodic grid with more padding, in which a smooth scene can close; for methods with a smoothness prior.
    """

    def __init__(
        self, image: Array, psf: Array, weights: Array | None, channel_axis: int | None, ndim: int | None
    ) -> None:
        y, self._to_input_kind = channel_first(image, channel_axis)
        kernel, n = checked_psf(psf, ndim)
        if y.ndim < n:
            raise ValueError(
                f"image must have at least the {n} spatial axes of the psf, got shape {tuple(image.shape)}"
                + ("" if channel_axis is None else " with a channel axis")
            )
        y, self.weights = weighted(y, weights, channel_axis)
        check_fit(kernel, y, n)
        self.axes = tuple(range(-n, 0))
        check_gain(kernel.sum(self.axes), y)
        self.y, self.psf = y, kernel.to(y)
        self.frame = tuple(y.shape[y.ndim - n :])
        kernel_shape = kernel.shape[kernel.ndim - n :]
        self.grid, self.roomy_grid = (padded_grid(self.frame, kernel_shape, room) for room in (0, ROOM))

    def with_psf(self, method: str) -> PsfMeasurement:
        """Return this measurement."""
        return self

    @property
    def gain(self) -> torch.Tensor:
        """Sum of the PSF of each image."""
        return self.psf.sum(self.axes, keepdim=True)

    def blur(self, boundary: str) -> LinearOperator:
        """Return the convolution with the PSF, for one of the boundaries."""
        if boundary == "unknown":
            return FramedConvolution(self.psf, self.grid, self.frame)
        if boundary not in SAME_SIZE:
            raise ValueError(f"boundary must be unknown, {', '.join(SAME_SIZE)}, got {boundary!r}")
        return Convolution(self.psf, self.frame, boundary)

    @functools.cached_property
    def filled(self) -> torch.Tensor:
        """The image with its samples of weight 0 replaced by a smooth continuation of the others."""
        if self.weights.ndim == 0:
            return self.y
        return fill_smoothly(self.y, self.weights > 0, len(self.axes))

    def noise_level(self, given: Any, boundary: str = "unknown") -> torch.Tensor:
        """Return the standard deviation of the noise, one value per image, estimated if None."""
        white = white_part(given)
        if white is None:
            level = self._estimated_noise(is_periodic=boundary == "circular")
        else:
            level = checked_noise_level(white, self.y, self.axes)
        return self.with_other_noise(level, given)

    def evidence(self, grid: tuple[int, ...]) -> Evidence:
        """Return the evidence for a noise level and a prior weight in the image, continued to a periodic grid."""
        power = squared_modulus(transfer_function(self.psf, grid, self.y))
        filled = fourier(continue_smoothly(self.filled, grid), grid)
        return Evidence(filled, power, roughness(None, grid, self.y), grid)

    def _estimated_noise(self, *, is_periodic: bool = False) -> torch.Tensor:
        """Return the level that makes the image, continued to a periodic grid, the most likely, without its bias."""
        reach = used_shape(self.psf, len(self.axes))
        grid = self.frame if is_periodic else padded_grid(self.frame, reach, ROOM)
        y, evidence = self.y, self.evidence(grid)
        level = evidence.noise_level(smooth_half=True).to(y)
        # Where the finest details are quieter than the rest, a codec or a filter has been at work on them.
        finest = noise_of(y, len(self.axes))
        level = torch.where(finest > _QUIET * level, evidence.noise_level().to(y), level)
        if bool((self.weights == 0).any()):
            # What was filled in has no noise, and the level is that of all samples.
            level = level / self._seen.mean(self.axes, keepdim=True).clamp_min(_LEAST_SHARE).sqrt()
            part = self._whole_part()
            if part is None:
                return level
            # Both are too high at times: by the edges of what was filled in, and by the details of a small part.
            level = torch.minimum(level, part._estimated_noise())
            finest = noise_of(part.y, len(self.axes))
        # The continuation has no noise either. The finest details show the image alone, but some are of the scene: they
        # are believed up to the level that such a continuation would explain.
        highest = level * math.sqrt(math.prod(grid) / math.prod(self.frame))
        return torch.maximum(level, torch.minimum(finest, highest))

    def _whole_part(self) -> PsfMeasurement | None:
        """Return a large part without missing samples, whose noise is that of the image; None if there is none."""
        if len(self.axes) != 2:
            return None
        seen = self._seen.reshape(-1, *self.frame).amin(0) > 0
        box = largest_seen_box(seen)
        if box is None:
            return None
        y = self.y[(..., *box)]
        is_large = math.prod(y.shape[-2:]) >= _LEAST_PART * math.prod(self.frame)
        fits = all(side >= 2 * k for side, k in zip(y.shape[-2:], self.psf.shape[-2:], strict=True))
        return PsfMeasurement(y, self.psf, None, None, 2) if is_large and fits else None

    def finish(self, x: torch.Tensor) -> Any:
        """Crop an estimate to the image domain, and return it in the array kind and the axis order of the image."""
        return self._to_input_kind(self._lit(corner(x, self.frame)))


class OperatorMeasurement(Measurement):
    """A measurement whose blur is any linear operator; the estimate has its domain, and is returned whole."""

    def __init__(self, image: Array, operator: LinearOperator, weights: Array | None, channel_axis: int | None) -> None:
        y, self._to_input_kind = channel_first(image, channel_axis)
        n = len(operator.range_shape)
        if len(operator.domain_shape) != n:
            raise ValueError(f"the operator must map between shapes of as many axes, got {operator!r}")
        if tuple(y.shape[y.ndim - n :]) != operator.range_shape:
            raise ValueError(f"image must end in the axes that {operator!r} maps to, got shape {tuple(y.shape)}")
        self.y, self.weights = weighted(y, weights, channel_axis)
        self.axes = tuple(range(-n, 0))
        self._operator = operator

    @property
    def gain(self) -> torch.Tensor:
        """Greatest value of the blurred image of a scene of ones: away from where the operator loses light."""
        return self._operator(self.y.new_ones(self._operator.domain_shape)).amax()

    def blur(self, boundary: str) -> LinearOperator:
        """Return the operator, which has a boundary of its own."""
        return self._operator

    def noise_level(self, given: Any, boundary: str = "unknown") -> torch.Tensor:
        """Return the standard deviation of the noise, one value per image, estimated by wavelets if None."""
        white = white_part(given)
        n = len(self.axes)
        level = noise_of(self.y, n) if white is None else checked_noise_level(white, self.y, self.axes)
        return self.with_other_noise(level, given)

    def finish(self, x: torch.Tensor) -> Any:
        """Return an estimate in the array kind and the axis order of the image."""
        return self._to_input_kind(self._lit(x))


def sum_over(x: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Sum over the spatial axes, kept as axes of size 1: one value per image."""
    return x.sum(axes, keepdim=True)


def brightness(y: torch.Tensor, axes: tuple[int, ...], *, is_color: bool = False) -> torch.Tensor:
    """Return nearly the greatest absolute value per image, with the spatial axes kept; channels share one if color."""
    values = y.abs()
    values = values.amax(0, keepdim=True) if is_color else values
    flat = values.flatten(y.ndim - len(axes))
    rank = max(1, round(_BRIGHTEST * flat.shape[-1]))
    scale = flat.kthvalue(rank, -1).values
    scale = torch.where(scale > 0, scale, flat.amax(-1))
    return torch.where(scale > _DARKEST, scale, 1.0).reshape(*scale.shape, *[1] * len(axes))


def check_boundary(boundary: str, method: str) -> None:
    """Raise `ValueError` unless the scene is unknown past the image, or periodic."""
    if boundary not in ("unknown", "circular"):
        raise ValueError(f"boundary must be unknown or circular for {method}, got {boundary!r}")
