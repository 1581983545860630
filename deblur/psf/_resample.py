"""A point-spread function on voxels of another size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from deblur._core.arrays import ArrayT, as_float_tensor

from ._adjust import validate
from ._grid import finite


def resample(psf: ArrayT, voxel_size: float | Sequence[float], new_voxel_size: float | Sequence[float]) -> ArrayT:
    """Bring a point-spread function from voxels of one size to voxels of another.

    Along each axis the values are taken for light gathered between the edges of a voxel; a cubic spline through the
    light gathered up to each edge says what is between the new edges. No light is lost, and coarser voxels add up
    what finer ones held, without aliasing. Where a sharp edge leaves the spline below 0, 0 takes its place.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes, any sum.
    voxel_size, new_voxel_size : float or sequence of float
        Distance of samples along every axis, or one number an axis, in one unit of your choice.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Of the same kind and the same sum; along each axis the smallest odd size that holds what the old one did,
        centered on k//2 as that was. An axis whose voxels stay as they are is not touched.

    Raises
    ------
    TypeError, ValueError
        If `psf` is none, or a size is not positive or there are not as many as axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> fine = psf.gaussian((3.0, 1.0))
    >>> coarse = psf.resample(fine, (0.1, 0.2), (0.3, 0.2))
    >>> fine.shape, coarse.shape, bool(abs(coarse - psf.gaussian((1.0, 1.0), coarse.shape)).max() < 1e-3)
    ((25, 9), (9, 9), True)
    """
    validate(psf)
    tensor, to_input_kind = as_float_tensor(psf, "psf")
    values = tensor.detach().cpu().numpy()
    old, new = (
        _sizes(size, values.ndim, name)
        for size, name in [(voxel_size, "voxel_size"), (new_voxel_size, "new_voxel_size")]
    )
    for axis, ratio in enumerate(b / a for a, b in zip(old, new, strict=True)):
        if ratio != 1:
            values = _resample_axis(values, axis, ratio)
    values = values.clip(min=0)
    return to_input_kind(tensor.new_tensor(values * (float(tensor.sum()) / values.sum())))


def _sizes(given: Any, ndim: int, name: str) -> tuple[float, ...]:
    sizes = tuple(given) if isinstance(given, Sequence | np.ndarray) else (given,) * ndim
    if len(sizes) != ndim or any(finite(size, name) <= 0 for size in sizes):
        raise ValueError(f"{name} must be one number above 0, or {ndim}, one an axis of the psf, got {given!r}")
    return tuple(float(size) for size in sizes)


def _resample_axis(values: np.ndarray, axis: int, ratio: float) -> np.ndarray:
    """Go over to voxels `ratio` times as long."""
    size = values.shape[axis]
    first = -(size // 2) - 0.5  # where the values begin, counted from the middle of the center
    half = math.ceil(max(-first, first + size) / ratio - 0.5 - 1e-9)
    gathered = np.concatenate([np.zeros_like(values.take([0], axis)), values.cumsum(axis)], axis)
    spline = CubicSpline(np.arange(size + 1) + first, gathered, axis=axis)
    edges = (np.arange(2 * half + 2) - half - 0.5) * ratio
    return np.diff(spline(edges.clip(first, first + size)), axis=axis)
