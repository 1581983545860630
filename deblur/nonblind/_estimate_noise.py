"""Estimation of the noise level."""

from __future__ import annotations

from deblur._core.arrays import Array
from deblur._core.own_state import own_state
from deblur._core.weights import weighted
from deblur.solvers.noise import noise_of

from ._input import channel_first
from ._measurement import Measurement
from ._noise_model import NoiseModel


@own_state()
def estimate_noise(
    image: Array,
    psf: Array | None = None,
    *,
    model: NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
) -> float:
    """Estimate the standard deviation of the noise in an image.

    Without a PSF: the median absolute value of the finest diagonal wavelet details (Donoho and Johnstone, Biometrika
    1994), as `skimage.restoration.estimate_sigma` has it. Compressed and denoised images have little there.

    With the PSF of the blur: the most likely level for the spectrum of the image, if the scene is smooth and the noise
    white. At frequencies that the blur removes, all that is left is noise, at all scales; so this detects the noise of
    compressed images too. It is the estimate that the restoration methods use.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        One image or a batch, shape ``(*batch, *space)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor, optional
        Point-spread function of the blur, its axes those of space.
    model : NoiseModel, optional
        Known parts of the noise, to be included; its white part is estimated if it is None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one; the mean over channels is returned.
    ndim : int, optional
        Number of spatial axes, the last ones; axes before them are a batch, over which the mean is taken. If None, all
        axes of the PSF, or without one all but the channel axis.

    Returns
    -------
    float
        Noise level, in the unit of the image.

    Raises
    ------
    ValueError
        If the image has NaN or infinite values, or does not fit the PSF, or `model` comes without one.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.nonblind import estimate_noise
    >>> noise = 0.02 * np.random.default_rng(0).standard_normal((128, 128))
    >>> abs(estimate_noise(0.5 + noise) - 0.02) < 0.001
    True
    """
    if psf is not None:
        measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim)
        return float(measurement.with_psf("estimate_noise").noise_level(model).mean())
    y, _ = weighted(channel_first(image, channel_axis)[0], weights, channel_axis)
    spatial = ndim or (y.ndim if channel_axis is None else y.ndim - 1)
    if model is not None:
        raise ValueError("model needs the psf")
    return float(noise_of(y, spatial).mean())
