"""Wiener deconvolution that learns its own weights: a Gibbs sampler."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from deblur.solvers.fourier import (
    clear_outside_,
    continue_smoothly,
    fourier,
    inner,
    inverse_fourier,
    roughness,
    squared_modulus,
    transfer_function,
)

from ._observation import Observation, sum_over


class Posterior(NamedTuple):
    """What `unsupervised_wiener` returns.

    Attributes
    ----------
    mean, std : array
        Posterior mean (the restored image) and standard deviation of each sample, of the shape of the image.
    noise_level : float
        Posterior mean of the noise's standard deviation, in the unit of the image, averaged over the batch.
    balance : float
        Posterior mean of the prior's weight relative to the data's, as in `wiener`, averaged over the batch.
    num_iter : int
        Number of samples drawn.
    """

    mean: Any
    std: Any
    noise_level: float
    balance: float
    num_iter: int


@torch.no_grad()
def unsupervised_wiener(
    image: Any,
    psf: Any,
    *,
    regularizer: Any = None,
    boundary: str = "unknown",
    channel_axis: int | None = None,
    ndim: int | None = None,
    burn_in: int = 15,
    min_iter: int = 30,
    max_iter: int = 200,
    tolerance: float = 1e-3,
    seed: int = 0,
) -> Posterior:
    r"""Restore an image with weights estimated from itself, and tell how sure the result is.

    The sampler of Orieux, Giovannelli and Rodet (JOSA A 2010): the image is Gaussian given the noise precision and
    the prior precision, and these are Gamma-distributed given the image; drawing them in turn samples the joint
    posterior. With the unknown boundary the samples past the frame are drawn along, so that the model stays circular.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function; its last `ndim` axes are spatial, as the image's are. Axes before them are a batch, one
        PSF for each image.
    regularizer : numpy.ndarray or torch.Tensor, optional
        Kernel of the prior, of as many axes as the PSF; the Laplacian if None.
    boundary : {"unknown", "circular"}
        What lies past the frame: an unknown scene, or the image's other side.
    channel_axis : int, optional
        Axis of the channels, if there is one; they are restored one by one.
    ndim : int, optional
        Number of spatial axes, 1 to 3; all axes of the PSF if None.
    burn_in : int
        Samples drawn before the mean is taken.
    min_iter, max_iter : int
        Fewest and most samples, those of the burn-in included.
    tolerance : float
        Stop when one more sample changes the mean by less than this fraction.
    seed : int
        Seed; the same one gives the same result on the same device.

    Returns
    -------
    Posterior
        Mean, standard deviation, noise level, balance, number of samples.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite or out of range, or the PSF is none.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import unsupervised_wiener
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((64, 64)); x[16:48, 24:40] = 1
    >>> noise = 0.05 * np.random.default_rng(0).standard_normal(x.shape)
    >>> blur = psf.gaussian(1)
    >>> posterior = unsupervised_wiener(Convolution(blur, x.shape)(x) + noise, blur)
    >>> abs(posterior.noise_level - 0.05) < 0.005
    True
    """
    observation = Observation(image, psf, channel_axis=channel_axis, ndim=ndim)
    if boundary not in ("unknown", "circular"):
        raise ValueError(f"boundary must be unknown or circular for unsupervised_wiener, got {boundary!r}")
    if not 0 <= burn_in < min_iter <= max_iter:
        raise ValueError(f"need 0 <= burn_in < min_iter <= max_iter, got {burn_in}, {min_iter}, {max_iter}")
    y, axes = observation.y, observation.axes
    grid = observation.frame if boundary == "circular" else observation.roomy_grid
    size = torch.Size(grid).numel()
    kernel, prior = transfer_function(observation.psf, grid, y), roughness(regularizer, grid, y)
    power = squared_modulus(kernel)
    generator = torch.Generator(device=y.device).manual_seed(seed)
    numpy_generator = np.random.default_rng(seed)  # torch has no public Gamma sampler that takes a generator

    def normal() -> torch.Tensor:
        return torch.randn((*y.shape[: y.ndim - len(grid)], *grid), generator=generator, dtype=y.dtype, device=y.device)

    def precision(energy: torch.Tensor, least: torch.Tensor, freedom: int) -> torch.Tensor:
        """Draw from Gamma(freedom / 2, scale 2 / energy)."""
        scale = 2 / torch.maximum(energy, least).cpu().double().numpy()
        return torch.from_numpy(numpy_generator.gamma(freedom / 2, scale)).to(energy)

    def energy(spectrum: torch.Tensor, weight: torch.Tensor | float = 1.0) -> torch.Tensor:
        return inner(spectrum, spectrum * weight, grid) / size

    filled = continue_smoothly(y, grid)
    inside = clear_outside_(torch.ones_like(filled), observation.frame) > 0
    data = fourier(filled, grid)
    light = energy(data)
    nothing = 1e-12 * torch.where(light > 0, light, 1)  # a flat image has no details; precisions stay finite
    noise_precision = size / torch.maximum(size * observation.noise_level(None).square(), nothing)
    square_gain = observation.gain.square()
    prior_precision = square_gain * (size - 1) / torch.maximum(energy(data, prior), nothing)
    mean = torch.zeros_like(filled)
    second = torch.zeros_like(filled)
    noise_sum, balance_sum, drawn = 0.0, 0.0, 0
    for iteration in range(1, max_iter + 1):
        certainty = noise_precision * power + prior_precision * prior
        certainty = certainty.clamp_min(torch.finfo(y.dtype).tiny)
        x = noise_precision * kernel.conj() * data / certainty + fourier(normal(), grid) / certainty.sqrt()
        blurred = x * kernel
        if boundary == "unknown":
            scene = inverse_fourier(blurred, grid) + normal() / noise_precision.sqrt()
            data = fourier(torch.where(inside, filled, scene), grid)
        noise_precision = precision(energy(data - blurred), nothing, size)
        prior_precision = precision(energy(x, prior), nothing / square_gain, size - 1)
        if iteration <= burn_in:
            continue
        drawn += 1
        sample = inverse_fourier(x, grid)
        change = (sample - mean) / drawn
        second = second + (sample - mean) * (sample - mean - change)
        mean = mean + change
        noise_sum += float(noise_precision.rsqrt().mean())
        balance_sum += float((prior_precision / noise_precision).mean())
        small = sum_over(change.square(), axes) <= tolerance**2 * sum_over(mean.square(), axes)
        if iteration >= min_iter and bool(small.all()):
            break
    std = (second / max(drawn - 1, 1)).sqrt()
    return Posterior(
        observation.finish(mean), observation.finish(std), noise_sum / drawn, balance_sum / drawn, iteration
    )
