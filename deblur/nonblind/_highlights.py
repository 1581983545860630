"""Clipped highlights: recovering the light lost to sensor saturation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic

import torch
import torch.nn.functional as F

from deblur._core.arrays import Array, ArrayT, as_float_tensor
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, span
from deblur.solvers.fourier import corner
from deblur.solvers.noise import noise_of

from ._measurement import Measurement, PsfMeasurement
from ._noise_model import NoiseModel, white_part
from ._sparse_gradients import SparseGradients
from ._tiles import by_tiles
from ._total_variation import RULE

_ITERATIONS = 100
_BLOCK, _COST = 1000, 4.0  # pixels a side, and the time in units of that of `unrolled`; only progress depends on them
_EDGE = 4.0  # of the contrast: saturated regions have more than the clipped image shows
_STAGE = "recovering clipped highlights"


@dataclass(frozen=True)
class Highlights(Generic[ArrayT]):
    """A blurred image, split at the saturation level of its sensor.

    Attributes
    ----------
    remainder : numpy.ndarray or torch.Tensor
        Of the shape of the image: the blurred image if no point of the scene were brighter than the saturation level.
    excess : numpy.ndarray or torch.Tensor
        Of the same shape: the light of the sharp scene above the saturation level, at least 0; to be added to the
        restored `remainder`.
    """

    remainder: ArrayT
    excess: ArrayT


@own_state()
@torch.inference_mode()
def split_highlights(
    image: ArrayT,
    psf: Array,
    saturation: float,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    progress: Progress | None = None,
) -> Highlights[ArrayT]:
    r"""Recover the light lost to sensor saturation, so that saturated regions do not ring when the image is restored.

    Splits the image into an unsaturated remainder, which any method restores, and the excess of the sharp scene above
    the saturation level. A clipped sample is a lower bound of the blurred scene: the total variation estimate (see
    `total_variation`) minimizes :math:`\tfrac12 \sum_i d_i^2 + \lambda \sum_j |\nabla x|_j`, where :math:`d_i = (Ax -
    y)_i`, and :math:`d_i = \min(0, (Ax - y)_i)` where the sample is clipped. Its excess, blurred, is subtracted from
    the image.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1]. Proportional to light.
    psf : numpy.ndarray or torch.Tensor
        Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF per image.
    saturation : float
        Value from which on samples are clipped, in the unit of the image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. Channels are split one by one.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.

    Returns
    -------
    Highlights
        The remainder and the excess, each of the shape and kind of `image`.

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
    >>> from deblur.nonblind import split_highlights
    >>> from deblur.operators import Convolution
    >>> x = np.full((64, 64), 0.2); x[30:33, 30:33] = 20
    >>> blur = psf.motion(9, angle=20)
    >>> y = np.minimum(Convolution(blur, x.shape, "reflect")(x), 1)
    >>> parts = split_highlights(y, blur, saturation=1)
    >>> bool(parts.remainder.max() < 1.1), bool(parts.excess.sum() > 0.5 * (x - 1).clip(0).sum())
    (True, True)
    """
    measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis)
    measurement = measurement.with_psf("split_highlights")
    if len(measurement.frame) != 2:
        raise ValueError(f"split_highlights takes images of 2 axes, and the psf has {len(measurement.frame)}")
    y = measurement.y
    batch = tuple(y.shape[:-2])
    kernel = measurement.psf.expand(*batch, -1, -1).reshape(-1, *measurement.psf.shape[-2:])
    # The most likely level would take the edges of saturated regions for noise; the median detail does not.
    white = white_part(noise_level)
    level = noise_of(y, 2) if white is None else measurement.noise_level(white)
    level = measurement.with_other_noise(level, noise_level).expand(*batch, 1, 1).reshape(-1)
    flat, halo = y.reshape(-1, 1, *y.shape[-2:]), 2 * max(kernel.shape[-2:])
    others = [] if measurement.weights.ndim == 0 else [measurement.weights.expand(y.shape).reshape(flat.shape)]

    def split(within: Progress, window: torch.Tensor, planes: torch.Tensor, *seen: torch.Tensor) -> torch.Tensor:
        parts = torch.cat([window, torch.zeros_like(window)], 1)
        is_clipped = window[:, 0] >= saturation
        images = is_clipped.flatten(1).any(1).nonzero()[:, 0]
        if not len(images):
            return parts
        chosen, somewhere = planes[images], is_clipped.any(0)
        groups = (_groups if _are_scattered(somewhere) else _whole)(somewhere, halo)
        for number, (rows, columns) in enumerate(groups):
            near = (images, slice(None), rows, columns)
            weights = seen[0][near][:, 0] if seen else None
            part = Measurement.from_arrays(window[near][:, 0], kernel[chosen], weights=weights, ndim=2)
            report = span(within, number / len(groups), (number + 1) / len(groups))
            found = _split(part.with_psf("split_highlights"), level[chosen], saturation, report)
            parts[near] += found - torch.cat([window[near], torch.zeros_like(window[near])], 1)
        return parts

    remainder, excess = by_tiles(split, flat, halo, *others, progress=progress, stage=_STAGE).unbind(1)
    return Highlights(*(measurement.finish(each.reshape(y.shape)) for each in (remainder, excess)))


def highlights_share(image: Array, saturation: float, *, channel_axis: int | None = None) -> float:
    """Estimate the fraction of the time that `split_highlights` takes, where `unrolled` restores the remainder.

    For a progress bar over both.

    Parameters
    ----------
    image, saturation, channel_axis
        See `split_highlights`.

    Returns
    -------
    float
        0 where no sample is clipped, and below 1.

    Raises
    ------
    TypeError, ValueError
        If the image is no real array, or is empty.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.nonblind import highlights_share
    >>> highlights_share(np.zeros((64, 64)), 1.0), highlights_share(np.ones((64, 64)), 1.0)
    (0.0, 0.8)
    """
    y = as_float_tensor(image, "image")[0]
    is_clipped = (y if channel_axis is None else y.movedim(channel_axis, 0)) >= saturation
    blocks = [block for rows in is_clipped.split(_BLOCK, -2) for block in rows.split(_BLOCK, -1)]
    cost = _COST * sum(bool(block.any()) for block in blocks) / len(blocks)
    return cost / (1 + cost)


def _groups(is_clipped: torch.Tensor, halo: int) -> list[tuple[slice, slice]]:
    """Return the surroundings of clipped samples, in groups that do not reach each other's samples.

    The samples are cut apart at empty rows, at empty columns between those, and so on (the XY cut of page layouts): a
    few that noise has clipped here and there cost little, instead of as much as the whole image.
    """
    for axis in (0, 1):
        places = is_clipped.any(1 - axis).nonzero()[:, 0]
        gaps = (places.diff() > halo).nonzero()[:, 0].tolist()
        if not gaps:
            continue
        groups = []
        for first, last in zip([0, *(gap + 1 for gap in gaps)], [*gaps, len(places) - 1], strict=True):
            only = torch.zeros_like(is_clipped)
            inside = (slice(None),) * axis + (slice(int(places[first]), int(places[last]) + 1),)
            only[inside] = is_clipped[inside]
            groups += _groups(only, halo)
        return groups
    return _whole(is_clipped, halo)


def _whole(is_clipped: torch.Tensor, halo: int) -> list[tuple[slice, slice]]:
    """Return the surroundings of all clipped samples, as one group: the rows and columns that their light reaches."""
    found = (is_clipped.any(axis).nonzero()[:, 0] for axis in (1, 0))
    rows, columns = (slice(max(0, int(each[0]) - halo), int(each[-1]) + halo + 1) for each in found)
    return [(rows, columns)]


def _are_scattered(is_clipped: torch.Tensor) -> bool:
    """Return whether most clipped samples stand alone, as noise leaves them; those of a light lie together."""
    around = F.avg_pool2d(is_clipped[None, None].float(), 3, 1, 1, divisor_override=1)[0, 0]
    return bool((is_clipped & (around == 1)).sum() > 0.5 * is_clipped.sum())


def _split(
    measurement: PsfMeasurement, noise_level: torch.Tensor, saturation: float, progress: Progress
) -> torch.Tensor:
    """Return the remainder of images and their excess, shape ``(batch, 2, height, width)``."""
    problem = SparseGradients(
        measurement, "unknown", exponent=1.0, curvature=0.0, is_color=False, saturation=saturation, edge=_EDGE
    )
    scene = problem.solve(problem.balance(None, noise_level, RULE), _ITERATIONS, None, progress, _STAGE)
    gain, y = measurement.gain, measurement.y
    excess = (scene - saturation / gain).clamp_min(0)
    dim, bright = (problem.blur.shown(gain * each) for each in (scene - excess, excess))
    remainder = torch.where(y >= saturation, dim, y - bright)
    return torch.stack([remainder, corner(excess, measurement.frame)], 1)
