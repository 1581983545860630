"""Richardson-Lucy deconvolution: the multiplicative update of the Kullback-Leibler divergence."""

from __future__ import annotations

from typing import Any, Literal

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Callback, Progress, per_iteration, span
from deblur.operators import LinearOperator

from ._holdout import Holdout
from ._measurement import Measurement, sum_over
from ._momentum import Momentum
from ._noise_model import NoiseModel
from ._poisson import PoissonModel
from ._progress import SHARPENING

_ROUNDING = 1e-6  # of the divergence: a smaller rise is not one


@own_state()
@torch.no_grad()
def richardson_lucy(
    image: ArrayT,
    psf: Array | LinearOperator,
    *,
    num_iter: int = 100,
    noise_level: float | NoiseModel | None = None,
    boundary: str = "unknown",
    channel_axis: int | None = None,
    ndim: int | None = None,
    weights: Array | None = None,
    background: float = 0.0,
    total_variation: float = 0.0,
    damping: float = 0.0,
    accelerate: bool | Literal["steady"] = True,
    tolerance: float = 1e-4,
    holdout: float = 0.0,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    r"""Restore an image by Richardson-Lucy iterations.

    .. math::

        x \leftarrow x \, \frac{A^T (w\, y / (Ax + b))}{A^T w\,(1 - \tau \operatorname{div}(\nabla x / |\nabla x|))}

    (Richardson, JOSA 1972; Lucy, AJ 1974), which for τ = 0 never increases the Kullback-Leibler divergence
    :math:`\sum w\,(y \log(y / v) - y + v)`, v = Ax + b. By default A is the blur of a scene that continues past
    the image; the division by :math:`A^T w` then keeps a constant image constant up to the border.

    The iterations start from a constant, and stop at the first of: the discrepancy principle (the residual variance
    falls to the noise variance, corrected for the part of the noise that the blur lets the estimate fit), a relative
    change below `tolerance`, `num_iter`, or the callback.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1]. Negative values count as zero.
    psf : numpy.ndarray, torch.Tensor or LinearOperator
        Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, one
        PSF per image. Or any non-negative operator A from a scene to the image, of `deblur.operators`: a
        `TiledConvolution`, for one. It has its own boundary, and the result has the shape of its domain.
    num_iter : int
        Largest number of iterations.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None. For photon noise, its root mean
        square. 0 turns the discrepancy principle off.
    boundary : {"unknown", "circular", "zero", "reflect", "replicate"}
        How the scene continues past the image.
    channel_axis : int, optional
        Axis of the channels, if there is one. Channels are restored one by one.
    ndim : int, optional
        Number of spatial axes, 1 to 3; all axes of the PSF if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    background : float
        Known constant b added to the blurred scene, at least 0, in the unit of the image.
    total_variation : float
        Weight τ of a total-variation term (Dey et al., Microsc. Res. Tech. 2006, eq. 11), relative to the
        sensitivity :math:`A^T w`; 0.002 to 0.02 is usual, and it must be below 0.5 / `ndim`.
    damping : float
        Number of noise levels below which deviations are ignored (White, SPIE 1994), so that noise is not amplified in
        flat regions.
    accelerate : bool or "steady"
        Extrapolate between iterations (Biggs and Andrews, Applied Optics 1997), which needs some five times fewer. An
        extrapolation that raises the objective is undone. `steady` extrapolates by ``(k - 1) / (k + 2)`` in
        iteration k whatever the image (Nesterov, Soviet Math. Dokl. 1983), so that windows of an image, restored
        separately, fit together.
    tolerance : float
        Stop when ``|x_new - x| <= tolerance |x|``.
    holdout : float
        Fraction of the counts to hold out; 0.1 is usual. The iterations then stop where the estimate from the others
        predicts them best, and not by the discrepancy principle. For images of counts (photon noise); the value of one
        count follows from the noise level. Doubles the time per iteration.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.
    callback : callable, optional
        ``callback(iteration, estimate, objective)`` is called after each iteration; returning True stops. The objective
        is that before the iteration, summed over all samples.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, non-negative, of the shape and kind of `image`.

    Raises
    ------
    TypeError
        If an array is neither NumPy nor torch, or not real.
    ValueError
        If shapes do not fit, a value is not finite or out of range, or `psf` is not a valid point-spread function.

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
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim)
    largest = 0.5 / len(measurement.axes)
    if not 0 <= total_variation < largest:
        raise ValueError(f"total_variation must be at least 0 and below {largest:.3g}, got {total_variation}")
    noise = measurement.noise_level(noise_level)
    held = Holdout(measurement.y.clamp_min(0), noise, holdout, measurement.axes) if holdout else None
    y = measurement.y if held is None else held.both
    damping_level = damping * noise if damping else None
    model = PoissonModel(measurement, y, boundary, background, damping_level, total_variation)
    solver = _Solver(measurement, model, noise, background, held)
    report = per_iteration(progress, num_iter, SHARPENING)
    for iteration in range(num_iter):
        objective = solver.step(iteration, accelerate, tolerance)
        report(iteration)
        if callback is not None and callback(iteration, solver.estimate(), float(objective.sum())):
            break
        if solver.is_done:
            break
    span(progress, 0, 1)(1.0, SHARPENING)
    return solver.best()


class _Solver:
    """The iterations: the estimate, and which images of a batch are done."""

    def __init__(
        self,
        measurement: Measurement,
        model: PoissonModel,
        noise: torch.Tensor,
        background: float,
        held: Holdout | None,
    ) -> None:
        self._measurement, self._model, self._held = measurement, model, held
        flux = sum_over(model.w * model.y, measurement.axes) / model.samples
        # By the discrepancy principle an image is done when its misfit is this small; a holdout stops it otherwise.
        self._enough = noise.square() * model.samples
        self._checks_misfit = (noise > 0) if held is None else torch.zeros_like(noise, dtype=torch.bool)
        if held is None and bool((noise > 0).any()):
            self._enough = self._enough * model.part_left(noise, flux)
        start = (flux - background).clamp_min(0) / measurement.gain
        self._momentum = Momentum(start.expand(model.domain_shape).contiguous(), measurement.axes)
        self._lowest = torch.full_like(flux, torch.inf)
        self._done = torch.zeros_like(flux, dtype=torch.bool)

    @property
    def is_done(self) -> bool:
        """Whether all images are."""
        return bool(self._done.all())

    def step(self, iteration: int, accelerate: bool | str, tolerance: float) -> torch.Tensor:
        """Take one step, and return the divergence before it, one value per image."""
        model, momentum, held = self._model, self._momentum, self._held
        ratio, divergence, misfit = model.fit(momentum.point)
        rose = (divergence > self._lowest * (1 + _ROUNDING)) & ~self._done
        if momentum.is_ahead and accelerate != "steady" and bool(rose.any()):
            momentum.fall_back(rose)
            ratio, divergence, misfit = model.fit(momentum.point)
        self._lowest = torch.minimum(self._lowest, divergence)
        self._done = self._done | (self._checks_misfit & (misfit <= self._enough))
        gain = iteration / (iteration + 3) if accelerate == "steady" else None
        numerator = model.backproject(ratio)
        del ratio  # a volume would be kept in memory for nothing
        new_rows = model.step(momentum.point, numerator)
        change, size = momentum.advance(numerator, new_rows, self._done, extrapolate=bool(accelerate), gain=gain)
        self._done = self._done | (change <= tolerance**2 * size)
        if held is None:
            return divergence
        self._done = self._done | held.is_past(momentum.x[0], model.predict(momentum.x[1]), model.w)
        return divergence[0]

    def estimate(self) -> Any:
        """Return the current estimate, like the image."""
        x = self._momentum.x
        return self._measurement.finish(x if self._held is None else x[0])

    def best(self) -> Any:
        """Return the result: with a holdout, the estimate that predicts it best."""
        return self.estimate() if self._held is None else self._measurement.finish(self._held.best)
