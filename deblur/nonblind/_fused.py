"""A blend of two methods by spatial frequency."""

from __future__ import annotations

from typing import Any

import torch

from deblur import psf as psfs
from deblur._core.arrays import Array, ArrayT, as_float_tensor
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, span
from deblur.operators import Convolution

from ._measurement import Measurement
from ._noise_model import NoiseModel
from ._plug_and_play import plug_and_play
from ._unrolled import unrolled

_UNROLLED_SHARE = 0.87  # of the time, measured on 192 x 192 pixels; only progress depends on it
_SIGMA = 1.0
_COARSE, _FINE = 0.1, 0.2  # at a noise of 1 %; from 3 % on the best is no blend: python -m benchmarks.quality.fusion


@own_state()
@torch.inference_mode()
def fused(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    boundary: str = "unknown",
    weights: Array | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
) -> ArrayT:
    """Restore an image with the highest quality of this package: a blend of two methods by spatial frequency.

    The errors of `unrolled`, averaged over all eight reflections and quarter turns, and of `plug_and_play` are nearly
    independent, so a weighted mean has smaller ones. `plug_and_play` gets one weight for coarse structure, which a
    Gaussian of one pixel passes, and another for fine structure. Takes about ten times as long as `unrolled`.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF per image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    boundary : {"unknown", "circular"}
        How the scene continues past the image: unknown, and estimated along with it, or periodically.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. Three are restored as light and two color differences.
    ndim : int, optional
        Number of spatial axes, which must be 2.
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
        If shapes do not fit, a value is not finite or out of range, or `psf` is not a valid point-spread function of
        two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import fused
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(fused(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    shared: dict[str, Any] = {
        "noise_level": noise_level,
        "boundary": boundary,
        "weights": weights,
        "channel_axis": channel_axis,
        "ndim": ndim,
    }
    Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim).with_psf("fused")
    learned, give_back = as_float_tensor(
        unrolled(image, psf, ensemble=True, progress=span(progress, 0, _UNROLLED_SHARE), **shared)
    )
    played, _ = as_float_tensor(plug_and_play(image, psf, progress=span(progress, _UNROLLED_SHARE, 1), **shared))
    return give_back(blend(learned, played, _COARSE, _FINE, channel_axis))


def blend(
    first: torch.Tensor, second: torch.Tensor, coarse: float, fine: float, channel_axis: int | None
) -> torch.Tensor:
    """Return a weighted mean; `coarse` and `fine` are the weights of the second image for either structure."""
    difference = second - first
    planes = difference if channel_axis is None else difference.movedim(channel_axis, 0)
    lowpass = Convolution(psfs.gaussian(_SIGMA), tuple(planes.shape[-2:]), "replicate")(planes)
    lowpass = lowpass if channel_axis is None else lowpass.movedim(0, channel_axis)
    return first + fine * difference + (coarse - fine) * lowpass
