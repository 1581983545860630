"""Resampling of a point-spread function to another voxel size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import CubicSpline

from deblur._core.arrays import ArrayT, as_float_tensor

from ._adjust import validate
from ._grid import finite


def resample(psf: ArrayT, voxel_size: float | Sequence[float], new_voxel_size: float | Sequence[float]) -> ArrayT:
    """Resample a point-spread function to another voxel size.

    Along each axis the values are integrals over a voxel. A cubic spline interpolates the cumulative sum at the edges
    of the voxels, and its differences between the new edges are the new values: the sum is kept, and coarser voxels do
    not alias. Negative values, where the spline overshoots at a sharp edge, become 0.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes, any sum.
    voxel_size, new_voxel_size : float or sequence of float
        Distance of samples, one number or one per axis, both in the same unit.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Same array type and sum; along each axis the smallest odd size that covers the old one, centered on k//2. An
        axis whose voxel size stays is unchanged.

    Raises
    ------
    TypeError, ValueError
        If `psf` is not a valid point-spread function (negative, or sums to zero), or the voxel sizes are not positive
        or not one per axis.

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


def _sizes(value: float | Sequence[float], ndim: int, name: str) -> tuple[float, ...]:
    sizes = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,) * ndim
    if len(sizes) != ndim or any(finite(size, name) <= 0 for size in sizes):
        raise ValueError(f"{name} must be one number above 0, or {ndim}, one per axis of the psf, got {value!r}")
    return tuple(float(size) for size in sizes)


def _resample_axis(values: np.ndarray, axis: int, ratio: float) -> np.ndarray:
    """Resample one axis to voxels `ratio` times as long."""
    size = values.shape[axis]
    first = -(size // 2) - 0.5  # edge of the first voxel, relative to the middle of the central one
    half = math.ceil(max(-first, first + size) / ratio - 0.5 - 1e-9)
    gathered = np.concatenate([np.zeros_like(values.take([0], axis)), values.cumsum(axis)], axis)
    spline = CubicSpline(np.arange(size + 1) + first, gathered, axis=axis)
    edges = (np.arange(2 * half + 2) - half - 0.5) * ratio
    return np.diff(spline(edges.clip(first, first + size)), axis=axis)
