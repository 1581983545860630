"""Restoration by the trained unrolled network."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, span
from deblur.networks import pretrained
from deblur.networks._precision import reduced_precision

from ._half_size import doubled, halved, halved_psf
from ._measurement import Measurement
from ._noise_model import NoiseModel
from ._planes import Planes
from ._progress import SHARPENING, per_stage
from ._tiles import by_tiles

_REACH = 64  # pixels beyond the PSF that the network sees: the halo of a window
_LARGE, _OF_LIGHT = 2**21, 0.67
"""Pixels of pictures whose color differences are restored at half their size, and the part of the work that is left."""
_LEAST_ESTIMATE = 4e-3  # of the range: in photographs, errors of the PSF exceed a lower noise level

_Seen = tuple[torch.Tensor, ...]
"""The weights of the samples, if there are any."""


@own_state()
@torch.inference_mode()
def unrolled(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | NoiseModel | None = None,
    boundary: str = "unknown",
    weights: Array | None = None,
    ensemble: bool = False,
    network: nn.Module | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
) -> ArrayT:
    """Restore an image by an unrolled network that ships with the package.

    Exact data steps for this PSF and noise level alternate with a learned prior (`deblur.networks.UnrolledHQS`), so one
    network serves every blur. Images of more than 1152 pixels a side are restored in overlapping windows; the color
    differences of more than 2 million pixels at half their size where the file has them at that size (`NoiseModel`).
    Convolutions run in bfloat16 where the processor supports it, everything else in float32.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF per image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None. An estimate is taken for at least
        0.4 % of the range, as no PSF is exact.
    boundary : {"unknown", "circular"}
        How the scene continues past the image: unknown, and estimated along with it, or periodically.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    ensemble : bool
        Average the results over all eight reflections and quarter turns: a little better, eight times slower.
    network : torch.nn.Module, optional
        A `deblur.networks.UnrolledHQS` or `UDN`; the one that ships if None.
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
    >>> from deblur.nonblind import unrolled
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(unrolled(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim)
    planes = Planes(measurement.with_psf("unrolled"), noise_level, boundary, is_color=channel_axis is not None)
    is_exact = noise_level is not None and not isinstance(noise_level, NoiseModel)
    level = planes.noise_level if is_exact else planes.noise_level.clamp_min(_LEAST_ESTIMATE)
    network = (pretrained("unrolled") if network is None else network).to(planes.y.device)

    def restored(
        y: torch.Tensor, psf: torch.Tensor, level: torch.Tensor, seen: _Seen, report: Progress
    ) -> torch.Tensor:
        def restore(within: Progress, y: torch.Tensor, chosen: torch.Tensor, *seen: torch.Tensor) -> torch.Tensor:
            def once(y: torch.Tensor, kernel: torch.Tensor, *seen: torch.Tensor) -> torch.Tensor:
                return network(y, kernel, level[chosen], boundary, *seen)

            kernel = psf[chosen]
            with reduced_precision(y.device), per_stage(network, within, calls=8 if ensemble else 1):
                return _over_reflections(once, y, kernel, *seen) if ensemble else once(y, kernel, *seen)

        if boundary == "circular":  # the opposite side is the neighbor: no windows
            x = restore(report, y, torch.arange(len(y)), *seen)
            report(1.0, SHARPENING)
            return x
        return by_tiles(restore, y, max(psf.shape[-2:]) + _REACH, *seen, progress=report, stage=SHARPENING)

    y, psf, report = planes.y, planes.psf, span(progress, 0, 1)
    seen: _Seen = () if planes.weights is None else (planes.weights,)
    is_half = isinstance(noise_level, NoiseModel) and noise_level.chrominance > 0 and noise_level.sampling == "4:2:0"
    if not (planes.has_colors and is_half and y[0].numel() > _LARGE and boundary == "unknown"):
        return measurement.finish(planes.merge(restored(y, psf, level, seen, report)))
    light = restored(y[:1], psf[:1], level[:1], tuple(each[:1] for each in seen), span(report, 0, _OF_LIGHT))
    smaller = tuple(halved(each[1:]).floor() for each in seen)
    colors = restored(halved(y[1:]), halved_psf(psf[1:]), level[1:], smaller, span(report, _OF_LIGHT, 1))
    return measurement.finish(planes.merge(torch.cat([light, doubled(colors, (y.shape[-2], y.shape[-1]))])))


def _over_reflections(
    restore: Callable[..., torch.Tensor], y: torch.Tensor, psf: torch.Tensor, *weights: torch.Tensor
) -> torch.Tensor:
    """Return the mean over the eight symmetries of the square, each inverted afterwards."""
    # Odd sizes rotate about their center.
    psf = functional.pad(psf, (0, 1 - psf.shape[-1] % 2, 0, 1 - psf.shape[-2] % 2))
    total = torch.zeros_like(y)
    for turns in range(4):
        for flip in ([], [-1]):
            x = restore(*(t.rot90(turns, (-2, -1)).flip(flip) for t in (y, psf, *weights)))
            total += x.flip(flip).rot90(-turns, (-2, -1))
    return total / 8
