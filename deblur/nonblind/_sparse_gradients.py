r"""The optimization problem of total variation and hyper-Laplacian priors, and its solution by ADMM.

.. math::

    \min_x\ \tfrac12 \sum_i w_i (Ax - y)_i^2 + \lambda \sum_j |\nabla x|_j^p + \lambda \kappa \sum_j |\nabla^2 x|_j^p

The alternating direction method of multipliers (ADMM) gives each term a variable of its own: u = K x, the blurred scene
on the padded grid, of which y is the image domain (Almeida and Figueiredo, IEEE Trans. Image Process. 22, 2013), and
the derivatives. The remaining problem in x is quadratic, and the Fourier transform minimizes it exactly.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from deblur._core.progress import Callback, Progress, per_iteration, span
from deblur.operators import Differences
from deblur.solvers.fourier import continue_smoothly, corner, fourier, inverse_fourier, roughness
from deblur.solvers.framed import FramedBlur
from deblur.solvers.shrinkage import shrinkage

from ._measurement import PsfMeasurement
from ._progress import SHARPENING

_DATA_PENALTY = 8.0  # of the splitting of u, relative to that of the derivatives
_FAINTEST = 1e-3  # of the contrast: lower noise levels count as this


class SparseGradients:
    """The problem above, for images scaled to a contrast (standard deviation) of 1.

    Parameters
    ----------
    measurement : PsfMeasurement
        The images, of any contrast.
    boundary : {"unknown", "circular"}
        How the scene continues past the image.
    exponent, curvature : float
        p and κ. If κ is 0, there are no second derivatives.
    is_color : bool
        Whether the first axis is that of channels, which share their edges.
    saturation : float, optional
        Samples of at least this value are lower bounds of the blurred scene.
    edge : float
        Derivative above which the splitting keeps an edge from the first iteration, as a fraction of the contrast.

    Attributes
    ----------
    blur : FramedBlur
        The blur, by the PSF scaled to sum 1.

    Raises
    ------
    ValueError
        If `boundary` is neither.
    """

    def __init__(
        self,
        measurement: PsfMeasurement,
        boundary: str,
        *,
        exponent: float,
        curvature: float,
        is_color: bool,
        saturation: float | None = None,
        edge: float = 0.4,
    ) -> None:
        if boundary not in ("unknown", "circular"):
            raise ValueError(f"boundary must be unknown or circular, got {boundary!r}")
        self._measurement, self._boundary, self._is_color = measurement, boundary, is_color
        self._exponent, self._edge = exponent, edge
        self._grid = grid = measurement.frame if boundary == "circular" else measurement.grid
        self._gradient = Differences(grid)
        self._factors = (1.0, curvature) if curvature else (1.0,)
        self._gain = measurement.gain
        self.contrast = _contrast(measurement, is_color)
        y = measurement.y / self.contrast
        self.blur = FramedBlur(y, measurement.psf / self._gain, grid)
        level = math.inf if saturation is None else saturation
        is_clipped = measurement.y >= level
        # The dual variable of a clipped sample never pulls the scene down.
        self._ceiling = torch.where(is_clipped, 0.0, math.inf).to(y) if bool(is_clipped.any()) else None
        self._is_whole = boundary == "circular" and measurement.weights.ndim == 0 and self._ceiling is None

    def balance(self, given: float | None, noise_level: Any, rule: tuple[float, float]) -> torch.Tensor:
        """Return λ for a contrast of 1, from the one given, or by a power law of the noise level."""
        if given is not None:
            if not given > 0:
                raise ValueError(f"balance must be positive, got {given}")
            return given * self.contrast ** (self._exponent - 2)
        noise = self._measurement.noise_level(noise_level, self._boundary) / self.contrast
        # The modulus over c equal channels is sqrt(c) times that of one, and the misfit c times.
        channels = len(self._measurement.y) if self._is_color else 1
        return channels**0.5 * rule[0] * noise.clamp_min(_FAINTEST) ** rule[1]

    def solve(
        self,
        balance: torch.Tensor,
        num_iter: int,
        callback: Callback | None,
        progress: Progress | None = None,
        stage: str = SHARPENING,
    ) -> torch.Tensor:
        """Return the scene on the padded grid; `balance` is λ, one value per image."""
        if num_iter < 1:
            raise ValueError(f"num_iter must be at least 1, got {num_iter}")
        blur, grid, y = self.blur, self._grid, self.blur.y
        penalty = balance * self._edge ** (self._exponent - 2)  # so that shrinkage begins at the edge's size
        # An image of the whole periodic grid needs no splitting: the exact step includes it, with its own weight.
        data_penalty = 1 / penalty if self._is_whole else torch.full_like(penalty, _DATA_PENALTY)
        laplacian = roughness(None, grid, y).sqrt()
        total = data_penalty * blur.power + sum(f * laplacian**n for n, f in enumerate(self._factors, 1))
        to_scene = blur.conjugate * (data_penalty / total)
        weights = self._measurement.weights
        gain = weights / (weights + data_penalty * penalty)
        x = continue_smoothly(self._measurement.filled / self.contrast, grid)
        spectrum = fourier(x, grid)
        data = to_scene * fourier(y, grid) if self._is_whole else None
        data_dual = torch.zeros_like(y)
        duals = [torch.zeros((), dtype=y.dtype, device=y.device) for _ in self._factors]
        report = per_iteration(progress, num_iter, stage)
        for iteration in range(num_iter):
            pull = fourier(self._divergence(x, duals), grid).div_(total)
            if data is not None:
                pull.add_(data)
            else:
                blurred = inverse_fourier(spectrum.mul_(blur.kernel), grid)
                seen = corner(blurred, blur.frame).add_(data_dual)
                data_dual = (seen - y).mul_(gain)
                if self._ceiling is not None:
                    data_dual = torch.minimum(data_dual, self._ceiling)
                seen.sub_(data_dual, alpha=2)
                pull.addcmul_(to_scene, fourier(blurred, grid))
            spectrum = pull
            x = inverse_fourier(spectrum, grid)
            report(iteration)
            if callback is not None and callback(
                iteration, self._measurement.finish(self._scaled(x)), self._objective(x, balance)
            ):
                break
        span(progress, 0, 1)(1.0, stage)
        return self._scaled(x)

    def _divergence(self, x: torch.Tensor, duals: list[torch.Tensor]) -> torch.Tensor:
        """Shrink the derivatives and update `duals`; return the term of the normal equations that they contribute."""
        slopes, total = x, torch.zeros_like(x)
        for n, factor in enumerate(self._factors):
            slopes = self._gradient(slopes)
            v = slopes + duals[n]
            rest = 1 - shrinkage(self._modulus(v, n + 1), self._edge ** (2 - self._exponent), self._exponent)
            duals[n] = v * rest
            pull = v.sub_(duals[n], alpha=2)
            for _ in range(n + 1):
                pull = self._gradient.T(pull)
            total.add_(pull, alpha=factor)
        return total

    def _modulus(self, v: torch.Tensor, order: int) -> torch.Tensor:
        ndim = len(self._grid)
        square = v.square().sum(tuple(range(-ndim - order, -ndim)), keepdim=True)
        return (square.sum(0, keepdim=True) if self._is_color else square).sqrt_()

    def _objective(self, x: torch.Tensor, balance: torch.Tensor) -> float:
        misfit = self.blur.shown(x) - self.blur.y
        misfit = misfit if self._ceiling is None else torch.minimum(misfit, self._ceiling)
        misfit = misfit.square() * self._measurement.weights / 2
        slopes, roughnesses = x, torch.zeros_like(x)
        for n, factor in enumerate(self._factors):
            slopes = self._gradient(slopes)
            modulus = self._modulus(slopes, n + 1).pow(self._exponent)
            roughnesses = roughnesses + factor * modulus.reshape(modulus.shape[: x.ndim - len(self._grid)] + self._grid)
        # Channels may differ in λ and share their edges: the sum below is the objective, in the unit of the misfit.
        return float(((misfit / balance).sum() + roughnesses.sum()) * balance.mean())

    def _scaled(self, x: torch.Tensor) -> torch.Tensor:
        return x * (self.contrast / self._gain)


def _contrast(measurement: PsfMeasurement, is_color: bool) -> torch.Tensor:
    """Return the standard deviation per image, the same for all channels; 1 for flat images."""
    variance = measurement.filled.var(measurement.axes, correction=0, keepdim=True)
    variance = variance.mean(0, keepdim=True) if is_color else variance
    rounding = torch.finfo(variance.dtype).eps * measurement.y.abs().amax(measurement.axes, keepdim=True)
    return torch.where(variance.sqrt() > rounding, variance.sqrt(), 1.0)
