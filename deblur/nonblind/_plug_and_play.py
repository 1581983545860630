"""Plug-and-play restoration: half-quadratic splitting with a denoiser as the prior."""

from __future__ import annotations

import torch
from torch import nn

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Callback, Progress
from deblur.operators import Convolution

from ._half_quadratic import HalfQuadratic
from ._measurement import Measurement
from ._noise_model import NoiseModel
from ._planes import Planes

_EDGE_SIGMAS = (0.71, 1.58, 3.16, 7.07)  # pixels: of the Gaussians, from fine to coarse


@own_state()
@torch.inference_mode()
def plug_and_play(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    num_iter: int = 8,
    strength: float = 0.25,
    boundary: str = "unknown",
    weights: Array | None = None,
    denoiser: nn.Module | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    r"""Restore an image with a denoiser as the prior.

    Half-quadratic splitting: :math:`\|Ax - y\|^2 + w_t \|x - z\|^2` is minimized over x, exactly, and z is x denoised
    at a level :math:`s_t` that falls geometrically from 49/255 to 0.7 of the noise level s. The weights are
    :math:`w_t = \lambda s^2 / s_t^2` (DPIR, Zhang et al., PAMI 2021, eq. 6). The image is rotated and reflected
    between iterations, so that systematic errors of the denoiser do not accumulate.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF per image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    num_iter : int
        Number of iterations, over which the levels are spread: more is slower, not always better.
    strength : float
        Weight λ of the prior.
    boundary : {"unknown", "circular"}
        How the scene continues past the image: unknown, and estimated along with it, or periodically.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    denoiser : torch.nn.Module, optional
        Maps planes ``(batch, 1, height, width)`` and noise levels ``(batch,)`` to denoised planes, all on the scale
        [0, 1]; the one that ships if None.
    channel_axis : int, optional
        Axis of the channels, if there is one. Three are restored as light and two color differences.
    ndim : int, optional
        Number of spatial axes, which must be 2.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.
    callback : callable, optional
        ``callback(iteration, estimate, objective)`` is called after each iteration; returning True stops. The objective
        is the mean of ``|Ax - y|^2`` over the image.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of `image`. Not clipped.

    Raises
    ------
    TypeError
        If an array is neither NumPy nor torch, or not real, or if `psf` is an operator.
    ValueError
        If shapes do not fit, a value is not finite or out of range, or `psf` is not a valid point-spread function of
        two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import plug_and_play
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(plug_and_play(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf(
        "plug_and_play"
    )
    planes = Planes(measurement, noise_level, boundary, is_color=channel_axis is not None)
    solver = HalfQuadratic(measurement, planes, boundary, denoiser)
    return solver.run(num_iter, strength, progress, callback)


@own_state()
@torch.inference_mode()
def adm(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    num_iter: int = 8,
    strength: float = 0.25,
    ratio: float = 0.9,
    threshold: float = 0.0143,
    boundary: str = "unknown",
    weights: Array | None = None,
    denoiser: nn.Module | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    """Restore an image by plug-and-play with a weaker prior at edges: the adaptive deconvolution model.

    As `plug_and_play`, but every data step is solved with two weights of the prior, and the solution with the smaller
    one is used where the blurred image has edges ("Deep Prior inside an Unrolled and Adaptive Deconvolution Model",
    2020). Edges are where the greatest of four gradients, from fine to coarse, exceeds a threshold.

    Parameters
    ----------
    image, psf, noise_level, num_iter, strength, boundary, weights, denoiser, channel_axis, ndim, progress, callback
        See `plug_and_play`.
    ratio : float
        Factor of the weight at edges, above 0; 1 is `plug_and_play`.
    threshold : float
        Gradient of an edge, as a fraction of the range per pixel.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of `image`. Not clipped.

    Raises
    ------
    TypeError
        If an array is neither NumPy nor torch, or not real, or if `psf` is an operator.
    ValueError
        If shapes do not fit, a value is not finite or out of range, or `psf` is not a valid point-spread function of
        two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import adm
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(adm(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    for name, value in (("ratio", ratio), ("threshold", threshold)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf(
        "adm"
    )
    planes = Planes(measurement, noise_level, boundary, is_color=channel_axis is not None)
    solver = HalfQuadratic(measurement, planes, boundary, denoiser)
    return solver.run(num_iter, strength, progress, callback, at_edges=(ratio, _edges(solver.start, threshold)))


def _edges(y: torch.Tensor, threshold: float) -> torch.Tensor:
    """Return 1 where the greatest of four gradients of y, on its periodic grid, is an edge, and 0 elsewhere."""
    offset = torch.arange(-4.0, 5.0, dtype=y.dtype, device=y.device)
    greatest = torch.zeros_like(y)
    for sigma in _EDGE_SIGMAS:
        bell = torch.exp(-(offset[:, None].square() + offset.square()) / (2 * sigma**2))
        across = bell * offset.sign()
        across = across / across.abs().sum()
        slopes = [Convolution(each, tuple(y.shape[-2:]), "circular")(y) for each in (across, across.T)]
        greatest = torch.maximum(greatest, torch.hypot(*slopes))
    return (greatest > threshold).to(y.dtype)
