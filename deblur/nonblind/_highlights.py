"""Clipped highlights: the light that a saturated sample does not tell of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch

from deblur._core.arrays import as_float_tensor
from deblur.solvers.fourier import corner
from deblur.solvers.noise import noise_of

from ._observation import Observation
from ._progress import Windows
from ._sparse_gradients import SparseGradients
from ._tiles import by_tiles
from ._total_variation import RULE

_ITERATIONS = 100
_BLOCK, _COST = 1000, 4.0  # pixels, and times the time of `unrolled` for as many; only progress goes by it
_EDGE = 4.0  # of the contrast: lamps have more than the clipped picture shows


class Highlights(NamedTuple):
    """A blurred picture, parted into what its samples can hold and what is brighter.

    Attributes
    ----------
    rest : numpy.ndarray or torch.Tensor
        Of the shape of the image: the picture as it would be if no scene point were brighter than the saturation.
    beyond : numpy.ndarray or torch.Tensor
        Of the same shape: the light of the sharp scene beyond the saturation, at least 0; to be added to what
        `rest` is restored to.
    """

    rest: Any
    beyond: Any


@torch.inference_mode()
def part_highlights(
    image: Any,
    psf: Any,
    saturation: float,
    *,
    noise_level: float | None = None,
    channel_axis: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Highlights:
    r"""Find the light that clipped highlights lost, so that a lamp does not ring when the picture is restored.

    A clipped sample says that the blurred scene was at least so bright. With that, the total variation estimate (see
    `total_variation`) minimizes :math:`\tfrac12 \sum_i d_i^2 + \lambda \sum_j |\nabla x|_j`, where :math:`d_i = (Ax -
    y)_i`, and :math:`d_i = \min(0, (Ax - y)_i)` where the sample is clipped. What x has beyond the saturation is taken
    out of the picture, blurred; any method restores the rest.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred picture, shape ``(*batch, height, width)``, proportional to light.
    psf : numpy.ndarray or torch.Tensor
        Point-spread function of two axes; axes before them are a batch, one PSF for each image.
    saturation : float
        Value from which on samples are clipped, in the unit of the image.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    channel_axis : int, optional
        Axis of the channels, if there is one.
    progress : callable, optional
        ``progress(part)`` is told the part of the picture that is done, 0 to 1.

    Returns
    -------
    Highlights
        The rest of the picture and the light beyond, each of the shape and kind of `image`.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite or out of range, the PSF is none, or has not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import part_highlights
    >>> from deblur.operators import Convolution
    >>> x = np.full((64, 64), 0.2); x[30:33, 30:33] = 20
    >>> blur = psf.motion(9, angle=20)
    >>> y = np.minimum(Convolution(blur, x.shape, "reflect")(x), 1)
    >>> parts = part_highlights(y, blur, saturation=1)
    >>> bool(parts.rest.max() < 1.1), bool(parts.beyond.sum() > 0.5 * (x - 1).clip(0).sum())
    (True, True)
    """
    observation = Observation(image, psf, channel_axis=channel_axis)
    if len(observation.frame) != 2:
        raise ValueError(f"highlights are found in images of 2 axes, and the psf has {len(observation.frame)}")
    y = observation.y
    batch = tuple(y.shape[:-2])
    kernel = observation.psf.expand(*batch, -1, -1).reshape(-1, *observation.psf.shape[-2:])
    # The most likely level of all would take the edges of clipped lamps for noise; the median detail does not.
    level = noise_of(y, 2) if noise_level is None else observation.noise_level(noise_level)
    level = level.expand(*batch, 1, 1).reshape(-1)

    windows = Windows(progress)

    def part(window: torch.Tensor, planes: torch.Tensor) -> torch.Tensor:
        parts = torch.cat([window, torch.zeros_like(window)], 1)
        is_clipped = window[:, 0] >= saturation
        pictures = is_clipped.flatten(1).any(1).nonzero()[:, 0]
        if len(pictures):
            (rows, columns), chosen = _surroundings(is_clipped.any(0), halo), planes[pictures]
            near = window[pictures, 0, rows, columns]
            parts[pictures, :, rows, columns] = _parted(near, kernel[chosen], level[chosen], saturation, windows.within)
        return parts

    flat, halo = y.reshape(-1, 1, *y.shape[-2:]), 2 * max(kernel.shape[-2:])
    rest, beyond = by_tiles(part, flat, halo, progress=windows.begin).unbind(1)
    return Highlights(*(observation.finish(each.reshape(y.shape)) for each in (rest, beyond)))


def highlights_share(image: Any, saturation: float, channel_axis: int | None) -> float:
    """Estimate the part of the time that finding the highlights takes, where `unrolled` restores the rest."""
    y = as_float_tensor(image, "image")[0]
    clipped = (y if channel_axis is None else y.movedim(channel_axis, 0)) >= saturation
    blocks = [block for rows in clipped.split(_BLOCK, -2) for block in rows.split(_BLOCK, -1)]
    cost = _COST * sum(bool(block.any()) for block in blocks) / len(blocks)
    return cost / (1 + cost)


def _surroundings(clipped: torch.Tensor, halo: int) -> list[slice]:
    """Return the rows and the columns that the light of clipped samples reaches."""
    found = (clipped.any(axis).nonzero() for axis in (1, 0))
    return [slice(max(0, int(each[0]) - halo), int(each[-1]) + halo + 1) for each in found]


def _parted(
    y: torch.Tensor,
    psf: torch.Tensor,
    noise_level: torch.Tensor,
    saturation: float,
    progress: Callable[[float], None],
) -> torch.Tensor:
    """Return the rest of pictures and what is beyond it, shape ``(batch, 2, height, width)``."""
    observation = Observation(y, psf, ndim=2)
    problem = SparseGradients(
        observation, "unknown", exponent=1.0, curvature=0.0, is_color=False, saturation=saturation, edge=_EDGE
    )
    scene = problem.solve(problem.balance(None, noise_level, RULE), _ITERATIONS, None, progress)
    light = psf.sum((-2, -1), keepdim=True)
    beyond = (scene - saturation / light).clamp_min(0)
    dim, bright = (problem.blur.shown(light * each) for each in (scene - beyond, beyond))
    rest = torch.where(y >= saturation, dim, y - bright)
    return torch.stack([rest, corner(beyond, observation.frame)], 1)
