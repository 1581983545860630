"""Wiener deconvolution that samples its own weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, overload

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, per_iteration, span

from ._gibbs import GibbsSampler, RunningMoments
from ._measurement import Measurement, check_boundary
from ._noise_model import NoiseModel
from ._progress import SHARPENING


@dataclass(frozen=True)
class Posterior(Generic[ArrayT]):
    """Posterior of an image, as `unsupervised_wiener` samples it.

    Attributes
    ----------
    mean, std : numpy.ndarray or torch.Tensor
        Posterior mean (the restored image) and standard deviation of each sample, of the shape of the image.
    noise_level : float
        Posterior mean of the noise's standard deviation, in the unit of the image, averaged over the batch.
    balance : float
        Posterior mean of the prior's weight relative to the data's, as in `wiener`, averaged over the batch.
    num_iter : int
        Number of samples drawn.
    """

    mean: ArrayT
    std: ArrayT
    noise_level: float
    balance: float
    num_iter: int


@overload
def unsupervised_wiener(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = ...,
    regularizer: Array | None = ...,
    boundary: str = ...,
    weights: Array | None = ...,
    channel_axis: int | None = ...,
    ndim: int | None = ...,
    progress: Progress | None = ...,
    burn_in: int = ...,
    min_iter: int = ...,
    max_iter: int = ...,
    tolerance: float = ...,
    seed: int = ...,
    return_posterior: Literal[False] = ...,
) -> ArrayT: ...
@overload
def unsupervised_wiener(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = ...,
    regularizer: Array | None = ...,
    boundary: str = ...,
    weights: Array | None = ...,
    channel_axis: int | None = ...,
    ndim: int | None = ...,
    progress: Progress | None = ...,
    burn_in: int = ...,
    min_iter: int = ...,
    max_iter: int = ...,
    tolerance: float = ...,
    seed: int = ...,
    return_posterior: Literal[True],
) -> Posterior[ArrayT]: ...
@own_state()
@torch.no_grad()
def unsupervised_wiener(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    regularizer: Array | None = None,
    boundary: str = "unknown",
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    burn_in: int = 15,
    min_iter: int = 30,
    max_iter: int = 200,
    tolerance: float = 1e-3,
    seed: int = 0,
    return_posterior: bool = False,
) -> ArrayT | Posterior[ArrayT]:
    r"""Restore an image by Wiener's filter with weights sampled from their posterior, with a measure of uncertainty.

    The sampler of Orieux, Giovannelli and Rodet (JOSA A 2010): the image is Gaussian given the noise precision and
    the prior precision, and these are Gamma-distributed given the image; drawing them in turn samples the joint
    posterior. With the unknown boundary the samples past the image are drawn too, so that the model stays circular.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, one
        PSF per image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None. The noise precision is sampled
        only if None.
    regularizer : numpy.ndarray or torch.Tensor, optional
        Kernel of the prior, of as many axes as the PSF; the Laplacian if None.
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
    burn_in : int
        Samples drawn before the mean is taken.
    min_iter, max_iter : int
        Fewest and most samples, those of the burn-in included.
    tolerance : float
        Stop when one more sample changes the mean by less than this fraction.
    seed : int
        Seed; the same one gives the same result on the same device.
    return_posterior : bool
        Whether to return the standard deviation, the noise level and the balance too.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, the posterior mean, of the shape and kind of `image`. Not clipped.
    Posterior
        Instead of it, with `return_posterior`.

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
    >>> from deblur.nonblind import unsupervised_wiener
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((64, 64)); x[16:48, 24:40] = 1
    >>> noise = 0.05 * np.random.default_rng(0).standard_normal(x.shape)
    >>> blur = psf.gaussian(1)
    >>> posterior = unsupervised_wiener(Convolution(blur, x.shape)(x) + noise, blur, return_posterior=True)
    >>> abs(posterior.noise_level - 0.05) < 0.005
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim)
    known = measurement.with_psf("unsupervised_wiener")
    check_boundary(boundary, "unsupervised_wiener")
    if not 0 <= burn_in < min_iter <= max_iter:
        raise ValueError(f"need 0 <= burn_in < min_iter <= max_iter, got {burn_in}, {min_iter}, {max_iter}")
    sampler, moments = GibbsSampler(known, regularizer, boundary, noise_level, seed), RunningMoments(known.axes)
    report = per_iteration(progress, max_iter, SHARPENING)
    noise_sum = balance_sum = 0.0
    for iteration in range(1, max_iter + 1):
        sample = sampler.draw()
        report(iteration - 1)
        if iteration <= burn_in:
            continue
        moments.add(sample)
        noise_sum += float(sampler.noise_precision.rsqrt().mean())
        balance_sum += float((sampler.prior_precision / sampler.noise_precision).mean())
        if iteration >= min_iter and moments.has_converged(tolerance):
            break
    span(progress, 0, 1)(1.0, SHARPENING)
    mean: ArrayT = known.finish(moments.mean)
    if not return_posterior:
        return mean
    std: ArrayT = known.finish(moments.std)
    return Posterior(mean, std, noise_sum / moments.count, balance_sum / moments.count, iteration)
