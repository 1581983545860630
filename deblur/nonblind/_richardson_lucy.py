"""Richardson-Lucy deconvolution: the multiplicative update of the Kullback-Leibler divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch

from deblur.operators import Differences, LinearOperator, multiplicative_step
from deblur.solvers.fourier import squared_modulus

from ._holdout import Holdout
from ._observation import Callback, Observation, sum_over
from ._operator_observation import OperatorObservation

_NOTHING_FITTED, _FITTED = 1.02, 0.5  # of the noise's energy: python -m benchmarks.quality.richardson_lucy_stop
_SMALLEST_PART = 0.01  # of the estimate: how far down an extrapolation goes
_TINY = torch.finfo(torch.float32).tiny
_BLOCK = 2**15 - 1  # samples: in the cache, and too few for torch to split over threads, whose start would cost more


@torch.no_grad()
def richardson_lucy(
    image: Any,
    psf: Any,
    *,
    num_iter: int = 100,
    noise_level: float | None = None,
    boundary: str = "unknown",
    channel_axis: int | None = None,
    ndim: int | None = None,
    weights: Any = None,
    background: float = 0.0,
    total_variation: float = 0.0,
    damping: float = 0.0,
    accelerate: bool | Literal["steady"] = True,
    tolerance: float = 1e-4,
    holdout: float = 0.0,
    callback: Callback | None = None,
) -> Any:
    r"""Restore an image by Richardson-Lucy iterations.

    .. math::

        x \leftarrow x \, \frac{A^T (w\, y / (Ax + b))}{A^T w\,(1 - \tau \operatorname{div}(\nabla x / |\nabla x|))}

    (Richardson, JOSA 1972; Lucy, AJ 1974), which for τ = 0 never increases the Kullback-Leibler divergence
    :math:`\sum w\,(y \log(y / v) - y + v)`, v = Ax + b. By default A is the blur of a scene that goes on past the
    frame; the division by :math:`A^T w` then keeps a constant image constant up to the border.

    It starts from a constant, and stops at the first of: the discrepancy principle (the residual is as small as the
    noise leaves it, less what an estimate fits of the noise through this blur), a relative change below `tolerance`,
    `num_iter`, or the callback.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1]. Negative values count as zero.
    psf : numpy.ndarray, torch.Tensor or LinearOperator
        Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, one
        PSF for each image. Or any non-negative operator A from a scene to the image, of `deblur.operators`: a
        `TiledConvolution`, for one. It has its own boundary, and what is returned has the shape of its domain.
    num_iter : int
        Largest number of iterations.
    noise_level : float, optional
        Standard deviation of the noise (for photon noise its root mean square), in the unit of the image; estimated
        if None. 0 turns the discrepancy principle off.
    boundary : {"unknown", "circular", "zero", "reflect", "replicate"}
        What lies past the frame.
    channel_axis : int, optional
        Axis of the channels, if there is one; they are restored one by one.
    ndim : int, optional
        Number of spatial axes, 1 to 3; all axes of the PSF if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to the image: 0 for bad or saturated ones, which may be NaN.
    background : float
        Known constant b added to the blurred scene, at least 0.
    total_variation : float
        Weight τ of a total-variation term (Dey et al., Microsc. Res. Tech. 2006, eq. 11), relative to the
        sensitivity :math:`A^T w`; 0.002 to 0.02 is usual, and it must be below 0.5 / `ndim`.
    damping : float
        Leave deviations below this many noise levels alone (White, SPIE 1994), so that noise is not amplified in
        flat parts.
    accelerate : bool or "steady"
        Extrapolate between iterations (Biggs and Andrews, Applied Optics 1997): some five times fewer are needed. An
        extrapolation that raises the objective is taken back. `steady` extrapolates by ``(k - 1) / (k + 2)`` in
        iteration k whatever the image (Nesterov, Soviet Math. Dokl. 1983), so that windows of a picture, restored one
        by one, fit together.
    tolerance : float
        Stop when ``|x_new - x| <= tolerance |x|``.
    holdout : float
        Part of the counts to set aside; 0.1 is usual. The iterations then stop where the estimate from the others
        predicts them best, and not by the discrepancy principle: for images of counts (photon noise), whose value
        follows from the noise level. It takes twice the time an iteration.
    callback : callable, optional
        ``callback(iteration, estimate, objective)``, where the objective is that before the iteration, summed over
        all samples; returning True stops.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, non-negative, of the shape and kind of `image`.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite or out of range, or the PSF is none.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import richardson_lucy
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((40, 40)); x[12, 12] = x[25, 30] = 1
    >>> blur = psf.gaussian(1.5)
    >>> y = Convolution(blur, x.shape, "zero")(x)
    >>> restored = richardson_lucy(y, blur, noise_level=0)
    >>> bool(restored[12, 12] > 5 * y[12, 12])
    True
    """
    if num_iter < 1:
        raise ValueError(f"num_iter must be at least 1, got {num_iter}")
    for name, value in [("background", background), ("damping", damping), ("tolerance", tolerance)]:
        if not 0 <= value < torch.inf:
            raise ValueError(f"{name} must be finite and not negative, got {value}")
    observation: Observation | OperatorObservation
    if isinstance(psf, LinearOperator):
        observation = OperatorObservation(image, psf, channel_axis=channel_axis, weights=weights)
    else:
        observation = Observation(image, psf, channel_axis=channel_axis, ndim=ndim, weights=weights)
    axes = observation.axes
    if not 0 <= total_variation < 0.5 / len(axes):
        raise ValueError(f"total_variation must be at least 0 and below {0.5 / len(axes):.3g}, got {total_variation}")
    noise = observation.residual_level(noise_level)
    held = Holdout(observation.y.clamp_min(0), noise, holdout, axes) if holdout else None
    model = _PoissonModel(
        observation,
        observation.y if held is None else held.both,
        boundary,
        background,
        damping * noise if damping else None,
        total_variation,
    )

    def finished(x: torch.Tensor) -> Any:
        return observation.finish(x if held is None else x[0])

    flux = sum_over(model.w * model.y, axes) / model.samples
    enough = noise.square() * model.samples
    if held is None and bool((noise > 0).any()):
        enough = enough * model.part_left(noise, flux)
    level = (flux - background).clamp_min(0) / observation.gain
    momentum = _Momentum(level.expand(model.domain_shape).contiguous(), axes)
    lowest = torch.full_like(flux, torch.inf)
    done = torch.zeros_like(flux, dtype=torch.bool)
    for iteration in range(num_iter):
        ratio, divergence, misfit = model.fit(momentum.point)
        rose = (divergence > lowest * (1 + 1e-6)) & ~done
        if momentum.is_ahead and accelerate != "steady" and bool(rose.any()):
            momentum.fall_back(rose)
            ratio, divergence, misfit = model.fit(momentum.point)
        lowest = torch.minimum(lowest, divergence)
        if held is None:
            done = done | ((noise > 0) & (misfit <= enough))
        gain = iteration / (iteration + 3) if accelerate == "steady" else None
        numerator = model.backproject(ratio)
        del ratio  # a volume would be held for nothing
        change, size = momentum.advance(
            numerator, model.step(momentum.point, numerator), done, extrapolate=bool(accelerate), gain=gain
        )
        done = done | (change <= tolerance**2 * size)
        if held is not None:
            done = done | held.is_past(momentum.x[0], model.predict(momentum.x[1]), model.w)
            divergence = divergence[0]
        stop = callback is not None and callback(iteration, finished(momentum.x), float(divergence.sum()))
        if stop or bool(done.all()):
            break
    return finished(momentum.x) if held is None else observation.finish(held.best)


Step = Callable[[slice], torch.Tensor]
"""Gives the rows of the next estimate that a slice names."""


def _row_blocks(x: torch.Tensor, ndim: int) -> list[slice]:
    """Cut the first spatial axis so that what is computed of a block stays in the cache, not in main memory."""
    rows = x.shape[x.ndim - ndim]
    height = max(1, _BLOCK * rows // x.numel())
    return [slice(top, min(top + height, rows)) for top in range(0, rows, height)]


def _rows(x: torch.Tensor, rows: slice, ndim: int) -> torch.Tensor:
    return x.narrow(x.ndim - ndim, rows.start, rows.stop - rows.start)


class _Momentum:
    """The estimate x, and the point further along its path that the next step starts from."""

    def __init__(self, x: torch.Tensor, axes: tuple[int, ...]) -> None:
        self.x = self.point = x
        self.is_ahead = False
        self._axes, self._blocks = axes, _row_blocks(x, len(axes))
        self._step: torch.Tensor | None = None
        self._step_energy = torch.zeros(())

    def fall_back(self, where: torch.Tensor) -> None:
        """Start the next step from the estimate itself, in the images that `where` names."""
        self.point = torch.where(where, self.x, self.point)
        if self._step is not None:
            self._step = torch.where(where, 0, self._step)

    def advance(
        self, new: torch.Tensor, new_rows: Step, done: torch.Tensor, *, extrapolate: bool, gain: float | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take the step, then go on as far as two steps agree (Biggs and Andrews, eqs. 5 to 8), staying positive.

        Or by `gain` where that is given. Images that are done stay. The estimate is written into `new`. Returns the
        energy of the move and of the old estimate.
        """
        n, frozen, self.is_ahead = len(self._axes), bool(done.any()), extrapolate and self._step is not None
        if extrapolate and self._step is None:
            self._step = torch.empty_like(self.x)
        change = size = agreement = energy = torch.zeros_like(done, dtype=self.x.dtype)
        for rows in self._blocks:
            x, block = _rows(self.x, rows, n), new_rows(rows)
            if frozen:
                block = torch.where(done, x, block)
            _rows(new, rows, n).copy_(block)
            change, size = change + self._energy(block - x), size + self._energy(x)
            if self._step is not None:
                block, last = block - _rows(self.point, rows, n), _rows(self._step, rows, n)
                energy = energy + self._energy(block)
                if self.is_ahead:
                    agreement = agreement + sum_over(block * last, self._axes)
                last.copy_(block)
        if self.is_ahead:
            agreed = (agreement / self._step_energy.clamp_min(_TINY)).clamp(0, 1)
            factor = agreed if gain is None else torch.full_like(agreed, gain)
            self.point = torch.empty_like(new) if self.point is self.x else self.point
            for rows in self._blocks:
                x, block = _rows(self.x, rows, n), _rows(new, rows, n)
                ahead = torch.addcmul(block, factor, block - x)
                # What is 0 stays 0 in every later step, and where counts then have no source the objective rises.
                _rows(self.point, rows, n).copy_(torch.maximum(ahead, _SMALLEST_PART * block))
        else:
            self.point = new
        self.x, self._step_energy = new, energy
        return change, size

    def _energy(self, x: torch.Tensor) -> torch.Tensor:
        return sum_over(x.square(), self._axes)


class _PoissonModel:
    """Counts y with mean ``v = A x + background``, weighted: the fit, and the multiplicative step."""

    def __init__(
        self,
        observation: Observation | OperatorObservation,
        y: torch.Tensor,
        boundary: str,
        background: float,
        damping: torch.Tensor | None,
        total_variation: float,
    ) -> None:
        self.y, self.w = y if bool(y.amin() >= 0) else y.clamp_min(0), observation.weights
        self._A, self._axes = observation.blur(boundary), observation.axes
        batch = self.y.shape[: self.y.ndim - len(self._A.range_shape)]
        self.domain_shape = (*batch, *self._A.domain_shape)
        self._background, self._damping, self._total_variation = background, damping, total_variation
        self._smallest = max(float(torch.finfo(self.y.dtype).eps * self.y.amax()), _TINY)  # below: rounding error
        self._blocks = _row_blocks(self.y, len(self._axes))
        everywhere = self.w.expand(self.y.shape).contiguous()
        self.samples = sum_over(everywhere, self._axes).clamp_min(1)
        self._sensitivity = self._A.T(everywhere)
        self._margin = 1e-3 * float(self._sensitivity.amax()) + _TINY
        self._gradient = Differences(self.domain_shape[-len(self._axes) :])

    def part_left(self, noise_level: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
        """Return the part of the noise's energy that the best estimate leaves in the residual.

        An estimate fits the noise too, as far as the blur lets it. So what is left is less for blurs that pass many
        frequencies above the noise, of which the best estimate fits about half.
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
        """Return what the picture should be."""
        return self._A(x) + self._background

    def fit(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the ratio that the adjoint takes, and the divergence and the squared misfit of each image."""
        n, v = len(self._axes), self._A(x)
        result = torch.empty_like(self.y)
        divergence = misfit = torch.zeros_like(self.samples)
        for rows in self._blocks:
            y, prediction = _rows(self.y, rows, n), _rows(v, rows, n)
            prediction = (prediction + self._background).clamp_min_(self._smallest)
            ratio = torch.div(y, prediction, out=_rows(result, rows, n))
            difference = prediction - y
            squares = difference.square()
            terms = torch.addcmul(difference, y, ratio.clamp_min(_TINY).log_())
            if self._damping is not None:
                deviation = (squares / self._damping.square()).clamp_max_(1)  # White's eq. 7 with N = 10
                ratio.sub_(1).mul_(deviation**9 * (10 - 9 * deviation)).add_(1)
            if self.w.ndim:
                w = _rows(self.w.expand(self.y.shape), rows, n)
                for term in (terms, squares, ratio):
                    term.mul_(w)
            divergence, misfit = divergence + sum_over(terms, self._axes), misfit + sum_over(squares, self._axes)
        return result, divergence, misfit

    def backproject(self, ratio: torch.Tensor) -> torch.Tensor:
        """Return the numerator of the update, which the next estimate takes the place of."""
        return self._A.T(ratio)

    def step(self, x: torch.Tensor, numerator: torch.Tensor) -> Step:
        n, denominator = len(self._axes), self._sensitivity
        if self._total_variation:
            denominator = denominator * (1 + self._total_variation * self._curvature(x))
        margin = self._margin
        return lambda rows: multiplicative_step(
            _rows(x, rows, n), _rows(numerator, rows, n), _rows(denominator, rows, n), margin=margin
        )

    def _curvature(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``-div(grad x / |grad x|)``, at most twice the number of axes in size."""
        gradient = self._gradient(x)
        tiny = 1e-6 * float(x.amax()) + _TINY
        modulus = gradient.square().sum(-len(self._axes) - 1, keepdim=True).sqrt_().add_(tiny)
        return self._gradient.T(gradient.div_(modulus))
