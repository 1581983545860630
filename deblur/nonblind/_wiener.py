"""Wiener deconvolution, of a scene that continues past the image."""

from __future__ import annotations

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, per_iteration, span
from deblur.solvers.conjugate_gradients import conjugate_gradients
from deblur.solvers.evidence import Evidence
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

from ._measurement import Measurement, check_boundary
from ._noise_model import NoiseModel
from ._progress import SHARPENING

# Most images need ten iterations. After a straight motion they still lack up to 9 dB then: at the frequencies that the
# motion removes, an error at the border spreads over the whole image.
_BORDER_ITERATIONS = 200
_BORDER_TOLERANCE = 4e-3  # of the contrast: a smaller step of the estimate ends the iterations


@own_state()
@torch.no_grad()
def wiener(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    balance: float | None = None,
    regularizer: Array | None = None,
    boundary: str = "unknown",
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
) -> ArrayT:
    r"""Restore an image by Wiener's filter with a smoothness prior.

    The estimate minimizes :math:`\|Ax - y\|^2 + \lambda \|Lx\|^2` (Hunt, IEEE Trans. Computers 1973). For a circular
    A this is the textbook filter :math:`\bar K Y / (|K|^2 + \lambda |L|^2)`. By default A is the blur of a scene that
    continues past the image; then the same minimum is found by conjugate gradients, preconditioned by the textbook
    filter, and there is no ringing at the border.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, one
        PSF per image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None. Used to choose `balance`.
    balance : float, optional
        The weight λ of the prior. If None, the most likely one for the noise level.
    regularizer : numpy.ndarray or torch.Tensor, optional
        Kernel L of the prior, of as many axes as the PSF; the Laplacian if None.
    boundary : {"unknown", "circular"}
        How the scene continues past the image: unknown, and estimated along with it, or periodically.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. Channels are restored one by one.
    ndim : int, optional
        Number of spatial axes, 1 to 3; all axes of the PSF if None.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of `image`. Not clipped.

    Raises
    ------
    TypeError
        If an array is neither NumPy nor torch, or not real, or if `psf` is an operator.
    ValueError
        If shapes do not fit, a value is not finite or out of range, or `psf` is not a valid point-spread function.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import wiener
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.gaussian(1.5)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> restored = wiener(y, blur, balance=1e-4)
    >>> bool(abs(restored - x).mean() < 0.8 * abs(y - x).mean())
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf(
        "wiener"
    )
    check_boundary(boundary, "wiener")
    if balance is not None and not balance > 0:
        raise ValueError(f"balance must be positive, got {balance}")
    y = measurement.y
    grid = measurement.frame if boundary == "circular" else measurement.roomy_grid
    kernel = transfer_function(measurement.psf, grid, y)
    power, prior = squared_modulus(kernel), roughness(regularizer, grid, y)
    filled = fourier(continue_smoothly(measurement.filled, grid), grid)
    if balance is None:
        evidence = Evidence(filled, power, prior, grid)
        prior = prior * evidence.balance(measurement.noise_level(noise_level)).to(prior)
    else:
        prior = prior * balance
    inverse = (power + prior).reciprocal_()
    conjugate = kernel.conj().resolve_conj()
    estimate = filled * conjugate * inverse
    if boundary == "unknown" or measurement.weights.ndim:
        # Only near the border and missing samples is the textbook filter wrong, so it is the preconditioner.
        gram = _FrameGram(kernel, conjugate, prior, measurement.frame, grid, measurement.weights)
        light, flat = inner(filled, filled, grid), squared_modulus(corner(filled, (1,) * len(grid)))
        least = _BORDER_TOLERANCE**2 * (light - flat) + torch.finfo(y.dtype).eps ** 2 * light
        least = least / measurement.gain.square()  # in the unit of the scene, which the sum of the PSF divides
        estimate = conjugate_gradients(
            gram,
            estimate,
            fourier(measurement.weights * y, grid).mul_(conjugate).sub_(gram(estimate)),
            lambda a, b: inner(a, b, grid),
            max_iter=_BORDER_ITERATIONS,
            preconditioner=inverse,
            stop=lambda step, direction, energy: step.square() * inner(direction, direction, grid) <= least,
            report=per_iteration(progress, _BORDER_ITERATIONS, SHARPENING),
        )
    restored = measurement.finish(inverse_fourier(estimate, grid))
    span(progress, 0, 1)(1.0, SHARPENING)
    return restored


@own_state()
def wiener_balance(
    image: Array,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
) -> float:
    """Choose the weight λ of the prior as `wiener` does, for use with other images of the same kind.

    Parameters
    ----------
    image, psf, noise_level, weights, channel_axis, ndim
        See `wiener`; for several images or channels the geometric mean is returned.

    Returns
    -------
    float
        The most likely weight for the noise level.

    Raises
    ------
    ValueError
        As `wiener` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import wiener, wiener_balance
    >>> y, blur = np.random.default_rng(0).random((48, 48)), psf.gaussian(1.5)
    >>> balance = wiener_balance(y, blur)
    >>> bool(np.allclose(wiener(y, blur), wiener(y, blur, balance=balance)))
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf(
        "wiener_balance"
    )
    evidence = measurement.evidence(measurement.roomy_grid)
    return float(evidence.balance(measurement.noise_level(noise_level)).log().mean().exp())


class _FrameGram:
    """``A^T W A + prior`` on half spectra, where A blurs on the padded grid and crops to the image domain."""

    def __init__(
        self,
        kernel: torch.Tensor,
        conjugate: torch.Tensor,
        prior: torch.Tensor,
        frame: tuple[int, ...],
        grid: tuple[int, ...],
        weights: torch.Tensor,
    ) -> None:
        self.kernel, self.conjugate, self.prior = kernel, conjugate, prior
        self.frame, self.grid, self.weights = frame, grid, weights

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        seen = clear_outside_(inverse_fourier(x * self.kernel, self.grid), self.frame)
        if self.weights.ndim:
            corner(seen, self.frame).mul_(self.weights)
        return fourier(seen, self.grid).mul_(self.conjugate).add_(x * self.prior)
