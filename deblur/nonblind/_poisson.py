"""The Poisson likelihood of a measurement, and the multiplicative step that raises it."""

from __future__ import annotations

from typing import Any

import torch

from deblur.operators import Differences, multiplicative_step
from deblur.solvers.fourier import squared_modulus

from ._measurement import Measurement, sum_over
from ._row_blocks import RowFunction, row_blocks, rows_of

_NOTHING_FITTED, _FITTED = 1.02, 0.5  # of the noise's energy: python -m benchmarks.quality.richardson_lucy_stop
_FLAT = 1e-6  # of the brightest value: smaller gradients have no direction
_MARGIN = 1e-3  # of the largest sensitivity: where it is smaller, a step is damped, as few samples determine the scene
_TINY = torch.finfo(torch.float32).tiny


class PoissonModel:
    """Weighted Poisson model of counts y with mean ``v = A x + background``."""

    def __init__(
        self,
        measurement: Measurement,
        y: torch.Tensor,
        boundary: str,
        background: float,
        damping: torch.Tensor | None,
        total_variation: float,
    ) -> None:
        self.y, self.w = y if bool(y.amin() >= 0) else y.clamp_min(0), measurement.weights
        self._A, self._axes = measurement.blur(boundary), measurement.axes
        batch = self.y.shape[: self.y.ndim - len(self._A.range_shape)]
        self.domain_shape = (*batch, *self._A.domain_shape)
        self._background, self._damping, self._total_variation = background, damping, total_variation
        # Smaller means are rounding error.
        self._smallest = max(float(torch.finfo(self.y.dtype).eps * self.y.amax()), _TINY)
        self._blocks = row_blocks(self.y, len(self._axes))
        everywhere = self.w.expand(self.y.shape).contiguous()
        self.samples = sum_over(everywhere, self._axes).clamp_min(1)
        self._sensitivity = self._A.T(everywhere)
        self._margin = _MARGIN * float(self._sensitivity.amax()) + _TINY
        self._gradient = Differences(self.domain_shape[-len(self._axes) :])

    def part_left(self, noise_level: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Return the fraction of the noise's energy that the best estimate leaves in the residual.

        An estimate fits the noise too, as far as the blur lets it: about half of it, at the frequencies that the blur
        passes above the noise. So a blur that passes many leaves less.
        """
        impulse = self.y.new_zeros(self._A.domain_shape)
        middle: Any = (..., *(self.y.shape[axis] // 2 for axis in self._axes))
        impulse[middle] = 1
        power = squared_modulus(torch.fft.rfftn(self._A(impulse), dim=self._axes))
        power = power / power.amax(self._axes, keepdim=True).clamp_min(_TINY)
        contrast = sum_over(self.w * (self.y - mean).square(), self._axes) / self.samples
        seen = contrast * power / (contrast * power + noise_level.square()).clamp_min(_TINY)
        return _NOTHING_FITTED - _FITTED * seen.mean(self._axes, keepdim=True)

    def predict(self, x: torch.Tensor) -> torch.Tensor:
        """Return the expected image."""
        return self._A(x) + self._background

    def fit(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the ratio of counts to their mean, and the divergence and the squared misfit of each image."""
        n, v = len(self._axes), self._A(x)
        result = torch.empty_like(self.y)
        divergence = misfit = torch.zeros_like(self.samples)
        for rows in self._blocks:
            y, prediction = rows_of(self.y, rows, n), rows_of(v, rows, n)
            prediction = (prediction + self._background).clamp_min_(self._smallest)
            ratio = torch.div(y, prediction, out=rows_of(result, rows, n))
            difference = prediction - y
            squares = difference.square()
            terms = torch.addcmul(difference, y, ratio.clamp_min(_TINY).log_())
            if self._damping is not None:
                deviation = (squares / self._damping.square()).clamp_max_(1)  # White's eq. 7 with N = 10
                ratio.sub_(1).mul_(deviation**9 * (10 - 9 * deviation)).add_(1)
            if self.w.ndim:
                w = rows_of(self.w.expand(self.y.shape), rows, n)
                for term in (terms, squares, ratio):
                    term.mul_(w)
            divergence, misfit = divergence + sum_over(terms, self._axes), misfit + sum_over(squares, self._axes)
        return result, divergence, misfit

    def backproject(self, ratio: torch.Tensor) -> torch.Tensor:
        """Return the numerator of the update: a new tensor, which the next estimate may overwrite."""
        return self._A.T(ratio)

    def step(self, x: torch.Tensor, numerator: torch.Tensor) -> RowFunction:
        """Return the function that computes rows of the next estimate."""
        n, denominator = len(self._axes), self._sensitivity
        if self._total_variation:
            denominator = denominator * (1 + self._total_variation * self._curvature(x))
        margin = self._margin
        return lambda rows: multiplicative_step(
            rows_of(x, rows, n), rows_of(numerator, rows, n), rows_of(denominator, rows, n), margin=margin
        )

    def _curvature(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``-div(grad x / |grad x|)``, at most twice the number of axes in size."""
        gradient = self._gradient(x)
        tiny = _FLAT * float(x.amax()) + _TINY
        modulus = gradient.square().sum(-len(self._axes) - 1, keepdim=True).sqrt_().add_(tiny)
        return self._gradient.T(gradient.div_(modulus))
