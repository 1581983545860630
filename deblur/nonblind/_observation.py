"""The door of every non-blind method: an image and a PSF become an operator, data, and the way back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from deblur._core.arrays import FAINTEST, as_float_tensor, check_finite
from deblur.operators import Convolution, FramedConvolution, LinearOperator, fast_size
from deblur.psf import validate
from deblur.solvers.evidence import Evidence
from deblur.solvers.fourier import continue_smoothly, corner, fourier, roughness, squared_modulus, transfer_function
from deblur.solvers.noise import noise_of

_ROOM = 16  # samples; no room costs Wiener 0.1 dB on Set14, more gains nothing
_GAINS = 1e-12, 1e12  # within: results are those of a PSF of sum 1, scaled
_QUIET = 0.6  # python -m benchmarks.quality.jpeg
SAME_SIZE = ("circular", "zero", "reflect", "replicate")


class Observation:
    """A blurred picture with what blurred it.

    Attributes
    ----------
    y : torch.Tensor
        The picture, shape ``(*batch, *frame)``; a channel axis has become the first batch axis.
    psf : torch.Tensor
        Shape ``(*psf_batch, *taps)``, in the dtype and on the device of `y`.
    frame : tuple of int
        Spatial shape of the picture.
    grid : tuple of int
        Spatial shape of the estimate. With the unknown boundary it is a torus at least as large as all of the
        scene that the picture shows a trace of; the frame is its first corner.
    roomy_grid : tuple of int
        A torus with some room more, in which a smooth scene can close; for methods with a smoothness prior.
    weights : torch.Tensor
        Weight of each sample of `y`, broadcastable to it; where it is 0, `y` is 0 too.
    axes : tuple of int
        The spatial axes, counted from the end.
    """

    def __init__(
        self,
        image: Any,
        psf: Any,
        *,
        channel_axis: int | None = None,
        ndim: int | None = None,
        weights: Any = None,
    ) -> None:
        y, seen, self._give_back = channel_first(image, channel_axis, weights)
        kernel = as_float_tensor(psf, "psf")[0]
        n = kernel.ndim if ndim is None else ndim
        if not 1 <= n <= min(3, kernel.ndim):
            raise ValueError(f"ndim must be 1 to {min(3, kernel.ndim)}, the number of spatial axes, got {n}")
        for one in kernel.reshape(-1, *kernel.shape[kernel.ndim - n :]):
            validate(one)
        if y.ndim < n:
            raise ValueError(
                f"image must have at least the {n} spatial axes of the psf, got shape {tuple(image.shape)}"
                + ("" if channel_axis is None else " with a channel axis")
            )
        y, self.weights = weighted(y, seen)
        self.frame, taps = tuple(y.shape[y.ndim - n :]), tuple(kernel.shape[kernel.ndim - n :])
        if any(k > size for k, size in zip(taps, self.frame, strict=True)):
            raise ValueError(
                f"psf is larger than the image: {_by(taps)} against {_by(self.frame)} along the last {n} axes; "
                "crop it, or for colour give channel_axis"
            )
        lead = tuple(kernel.shape[: kernel.ndim - n])
        batch = tuple(y.shape[: y.ndim - n])
        if lead and batch[len(batch) - len(lead) :] != lead:
            raise ValueError(f"psf has a batch of {lead} kernels, image a batch of {batch}: one psf for each image")
        self.axes = tuple(range(-n, 0))
        _check_gain(kernel.sum(self.axes), y)
        self.y, self.psf = y, kernel.to(y)
        self.grid = tuple(fast_size(size + k - 1) for size, k in zip(self.frame, taps, strict=True))
        self.roomy_grid = tuple(
            fast_size(size + k - 1 + min(k, _ROOM)) for size, k in zip(self.frame, taps, strict=True)
        )

    @property
    def gain(self) -> torch.Tensor:
        """Sum of the PSF of each image: what a scene of ones looks like."""
        return self.psf.sum(self.axes, keepdim=True)

    def blur(self, boundary: str) -> LinearOperator:
        """Return the map from the estimate to the picture: A in ``y = A x + noise``."""
        if boundary == "unknown":
            return FramedConvolution(self.psf, self.grid, self.frame)
        if boundary not in SAME_SIZE:
            raise ValueError(f"boundary must be unknown, {', '.join(SAME_SIZE)}, got {boundary!r}")
        return Convolution(self.psf, self.frame, boundary)

    def noise_level(self, given: Any, boundary: str = "unknown") -> torch.Tensor:
        """Return the standard deviation of the noise with one number an image, estimated where not given."""
        if given is None:
            return self._likely_noise(self.frame if boundary == "circular" else self.roomy_grid)
        return given_level(given, self.y, self.axes)

    def residual_level(self, given: Any) -> torch.Tensor:
        """Return the noise level for a comparison with what a fit leaves; estimated where not given.

        What continues the picture past its frame has hardly any noise, and the most likely level of both together is
        some percent low: too much for a residual. Wavelets look at the picture alone, but count its details too, so
        they are believed as far as the continuation can explain the difference.
        """
        if given is not None:
            return self.noise_level(given)
        likely = self.noise_level(None)
        highest = likely * math.sqrt(math.prod(self.roomy_grid) / math.prod(self.frame))
        return torch.maximum(likely, torch.minimum(noise_of(self.y, len(self.axes)), highest))

    def evidence(self, grid: tuple[int, ...]) -> Evidence:
        """Return what the picture says of its noise and its scene, continued to a torus."""
        power = squared_modulus(transfer_function(self.psf, grid, self.y))
        filled = fourier(continue_smoothly(self.y, grid), grid)
        return Evidence(filled, power, roughness(None, grid, self.y), grid)

    def _likely_noise(self, grid: tuple[int, ...]) -> torch.Tensor:
        y, evidence = self.y, self.evidence(grid)
        level = evidence.noise_level(smooth_half=True).to(y)
        # Where the finest details are quieter than the rest, a codec or a filter has been at work on them.
        is_white = noise_of(y, len(self.axes)) > _QUIET * level
        return torch.where(is_white, evidence.noise_level().to(y), level)

    def finish(self, x: torch.Tensor) -> Any:
        """Crop an estimate to the frame, and return it in the kind and layout of the image."""
        return self._give_back(corner(x, self.frame))


def channel_first(
    image: Any, channel_axis: int | None, weights: Any
) -> tuple[torch.Tensor, torch.Tensor | None, Callable[[torch.Tensor], Any]]:
    """Return an image and its weights, a channel axis moved to the front, and the way back."""
    seen = None if weights is None else as_float_tensor(weights, "weights")[0]
    y, give_back = as_float_tensor(image, "image")
    if channel_axis is None:
        return y, seen, lambda x: give_back(x.contiguous())
    if not -y.ndim <= channel_axis < y.ndim:
        raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(y.shape)}")
    y = y.movedim(channel_axis, 0)
    if seen is not None and seen.ndim == y.ndim:
        seen = seen.movedim(channel_axis, 0)
    return y, seen, lambda x: give_back(x.movedim(0, channel_axis).contiguous())


def weighted(y: torch.Tensor, seen: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture that is 0 where its weight is, whatever was there, and the weights."""
    weights = _weights(seen, y)
    y = torch.where(weights == 0, torch.zeros_like(y), y) if seen is not None else y
    check_finite(y, "image")
    return y, weights


def _check_gain(gain: torch.Tensor, y: torch.Tensor) -> None:
    """Raise an error where the sum of the PSF, or the scene's brightness with it, is beyond what can be computed."""
    least, most, brightest = float(gain.min()), float(gain.max()), float(torch.linalg.vector_norm(y, torch.inf))
    dark = 0 < brightest / most < FAINTEST
    bright = brightest / least > torch.finfo(y.dtype).max ** 0.4
    if dark or bright or not _GAINS[0] <= least <= most <= _GAINS[1]:
        raise ValueError(
            f"psf has a sum of {most if dark else least:.3g} beside an image of values up to {brightest:.3g}, too far "
            "from 1 to compute with; psf.normalize makes it 1"
        )


def given_level(given: Any, y: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Return a noise level that was given, with one number an image, or raise an error."""
    level = torch.as_tensor(given, dtype=y.dtype, device=y.device)
    if not bool(torch.isfinite(level).all()) or bool((level < 0).any()):
        raise ValueError(f"noise_level must be finite and not negative, got {given}")
    return level.reshape(*level.shape, *(1 for _ in axes)) if level.ndim else level


def _weights(given: torch.Tensor | None, y: torch.Tensor) -> torch.Tensor:
    if given is None:
        return torch.ones((), dtype=y.dtype, device=y.device)
    weights = given.to(y)
    check_finite(weights, "weights")
    if bool((weights < 0).any()) or not bool((weights > 0).any()):
        raise ValueError("weights must be at least 0, and positive somewhere")
    pairs = zip(reversed(weights.shape), reversed(y.shape), strict=False)
    if weights.ndim > y.ndim or any(w not in (1, size) for w, size in pairs):
        raise ValueError(f"weights of shape {tuple(given.shape)} do not broadcast to the image, {tuple(y.shape)}")
    return weights


def sum_over(x: torch.Tensor, axes: tuple[int, ...]) -> torch.Tensor:
    """Sum over the spatial axes, kept as axes of size 1: one number an image."""
    return x.sum(axes, keepdim=True)


Callback = Callable[[int, Any, float], bool | None]
"""``callback(iteration, estimate, objective)``; returning True stops."""


def _by(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
