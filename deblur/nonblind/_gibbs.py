"""The Gibbs sampler behind `unsupervised_wiener`."""

from __future__ import annotations

import numpy as np
import torch

from deblur._core.arrays import Array
from deblur.solvers.fourier import (
    clear_outside_,
    continue_smoothly,
    corner,
    fourier,
    inner,
    inverse_fourier,
    roughness,
    squared_modulus,
    transfer_function,
)

from ._measurement import PsfMeasurement, sum_over
from ._noise_model import NoiseModel, white_part

_FLAT = 1e-12  # of the image's energy: the least energy that a precision is drawn from, so that it stays finite


class GibbsSampler:
    """Draws images, noise precisions and prior precisions from their joint posterior, in turn.

    Parameters
    ----------
    measurement : PsfMeasurement
        The images.
    regularizer : array, optional
        Kernel of the prior.
    boundary : {"unknown", "circular"}
        With the unknown boundary the samples past the image are drawn too, so that the model stays circular.
    noise_level : float or NoiseModel, optional
        Fixes the noise precision; drawn if None.
    seed : int
        Of both random generators.

    Attributes
    ----------
    noise_precision, prior_precision : torch.Tensor
        The last ones drawn, one value per image.
    """

    def __init__(
        self,
        measurement: PsfMeasurement,
        regularizer: Array | None,
        boundary: str,
        noise_level: float | NoiseModel | None,
        seed: int,
    ) -> None:
        y = measurement.y
        self._grid = grid = measurement.frame if boundary == "circular" else measurement.roomy_grid
        self._size = size = torch.Size(grid).numel()
        self._kernel, self._prior = transfer_function(measurement.psf, grid, y), roughness(regularizer, grid, y)
        self._power = squared_modulus(self._kernel)
        self._generator = torch.Generator(device=y.device).manual_seed(seed)
        self._numpy_generator = np.random.default_rng(seed)  # torch's public Gamma sampler takes no generator
        self._filled = continue_smoothly(measurement.filled, grid)
        inside = clear_outside_(torch.ones_like(self._filled), measurement.frame)
        corner(inside, measurement.frame).mul_(measurement.weights > 0)
        self._inside = inside > 0
        self._data, self._fills_padding = fourier(self._filled, grid), not bool(self._inside.all())
        light = self._energy(self._data)
        self._least = _FLAT * torch.where(light > 0, light, 1)
        self._draws_noise = white_part(noise_level) is None
        variance = measurement.noise_level(noise_level).square()
        self.noise_precision = size / torch.maximum(size * variance, self._least)
        self._square_gain = measurement.gain.square()
        energy = torch.maximum(self._energy(self._data, self._prior), self._least)
        self.prior_precision = self._square_gain * (size - 1) / energy

    def draw(self) -> torch.Tensor:
        """Draw the next image given the precisions, then the precisions given the image; return the image."""
        grid, noise, prior = self._grid, self.noise_precision, self.prior_precision
        certainty = noise * self._power + prior * self._prior
        certainty = certainty.clamp_min(torch.finfo(self._filled.dtype).tiny)
        x = noise * self._kernel.conj() * self._data / certainty + fourier(self._normal(), grid) / certainty.sqrt()
        blurred = x * self._kernel
        if self._fills_padding:
            scene = inverse_fourier(blurred, grid) + self._normal() / noise.sqrt()
            self._data = fourier(torch.where(self._inside, self._filled, scene), grid)
        if self._draws_noise:
            self.noise_precision = self._precision(self._energy(self._data - blurred), self._least, self._size)
        least = self._least / self._square_gain
        self.prior_precision = self._precision(self._energy(x, self._prior), least, self._size - 1)
        return inverse_fourier(x, grid)

    def _normal(self) -> torch.Tensor:
        like = self._filled
        return torch.randn(like.shape, generator=self._generator, dtype=like.dtype, device=like.device)

    def _precision(self, energy: torch.Tensor, least: torch.Tensor, freedom: int) -> torch.Tensor:
        """Draw from Gamma(freedom / 2, scale 2 / energy)."""
        scale = 2 / torch.maximum(energy, least).cpu().double().numpy()
        return torch.from_numpy(self._numpy_generator.gamma(freedom / 2, scale)).to(energy)

    def _energy(self, spectrum: torch.Tensor, weight: torch.Tensor | float = 1.0) -> torch.Tensor:
        return inner(spectrum, spectrum * weight, self._grid) / self._size


class RunningMoments:
    """Mean and standard deviation of samples, updated one by one (Welford, Technometrics 1962)."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self._axes = axes
        self.count = 0
        self.mean = self._second = torch.zeros(())

    def add(self, sample: torch.Tensor) -> None:
        """Take one more sample."""
        if not self.count:
            self.mean = self._second = torch.zeros_like(sample)
        self.count += 1
        self._change = (sample - self.mean) / self.count
        self._second = self._second + (sample - self.mean) * (sample - self.mean - self._change)
        self.mean = self.mean + self._change

    def has_converged(self, tolerance: float) -> bool:
        """Whether the last sample changed the mean of no image by more than this fraction."""
        change, size = (sum_over(each.square(), self._axes) for each in (self._change, self.mean))
        return bool((change <= tolerance**2 * size).all())

    @property
    def std(self) -> torch.Tensor:
        """Standard deviation of the samples."""
        return (self._second / max(self.count - 1, 1)).sqrt()
