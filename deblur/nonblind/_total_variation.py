"""Restoration with total variation."""

from __future__ import annotations

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Callback, Progress

from ._measurement import Measurement
from ._noise_model import NoiseModel
from ._sparse_gradients import SparseGradients

RULE = (0.477, 1.601)  # λ = a n^b at a ratio n of noise to contrast: python -m benchmarks.quality.prior_weight


@own_state()
@torch.inference_mode()
def total_variation(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    balance: float | None = None,
    num_iter: int = 40,
    boundary: str = "unknown",
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    r"""Restore an image that is flat between its edges.

    The estimate minimizes :math:`\tfrac12 \|Ax - y\|^2 + \lambda \sum_j |\nabla x|_j`, the isotropic total variation
    (Rudin, Osher and Fatemi, Physica D 60, 1992), where A is the blur of a scene that continues past the image. It is
    found by ADMM with exact steps (Almeida and Figueiredo, IEEE Trans. Image Process. 22, 2013).

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
        The weight λ of the prior, positive; in the unit of the image. If None, by a rule measured on photographs.
    num_iter : int
        Number of iterations.
    boundary : {"unknown", "circular"}
        How the scene continues past the image: unknown, and estimated along with it, or periodically.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. The channels share their edges.
    ndim : int, optional
        Number of spatial axes, 1 to 3; all axes of the PSF if None.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.
    callback : callable, optional
        ``callback(iteration, estimate, objective)`` is called after each iteration; returning True stops. The objective
        is that of an image scaled to a contrast of 1.

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
    >>> from deblur.nonblind import total_variation
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(total_variation(y, blur) - x).mean() < 0.3 * abs(y - x).mean())
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf(
        "total_variation"
    )
    problem = SparseGradients(
        measurement,
        boundary,
        exponent=1.0,
        curvature=0.0,
        is_color=channel_axis is not None,
    )
    scene = problem.solve(problem.balance(balance, noise_level, RULE), num_iter, callback, progress)
    return measurement.finish(scene)
