"""Validation and adjustment of point-spread functions: sum, center, size."""

from __future__ import annotations

import math

import torch

from deblur._core.arrays import ArrayT, as_float_tensor

from ._grid import as_sizes

NEGATIVE_TOLERANCE = 1e-6
"""Negative values up to this fraction of the largest count as rounding errors of a float32 FFT."""


def validate(psf: ArrayT, *, name: str = "psf", ndim: int | None = None) -> None:
    """Raise an error if `psf` is not a valid point-spread function (negative, or sums to zero).

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes, any sum above 0. Negative values down to -1e-6 of the largest count as rounding and pass.
    name : str
        Name of the argument in error messages.
    ndim : int, optional
        The number of axes it must have.

    Raises
    ------
    TypeError
        If `psf` is not a real array.
    ValueError
        If it is empty or all zero, has the wrong number of axes, holds NaN, infinite or negative values, or a sum that
        is not above 0.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> psf.validate(np.ones((3, 3)), ndim=2)
    >>> psf.validate(np.array([0.5, -0.1]))
    Traceback (most recent call last):
    ...
    ValueError: psf must not be negative, got a smallest value of -0.1 with a largest of 0.5
    """
    tensor, _ = as_float_tensor(psf, name)
    if ndim is not None and tensor.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {tuple(tensor.shape)}")
    if tensor.ndim == 0:
        raise ValueError(f"{name} must have at least one axis, got a single number")
    tensor = tensor.detach()
    low, high, total = torch.stack([tensor.amin(), tensor.amax(), tensor.sum()]).tolist()
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name} must be finite, got NaN or infinite values")
    if low == high == 0:
        raise ValueError(f"{name} is all zero; it must have a sum above 0")
    if low < -NEGATIVE_TOLERANCE * max(high, 0.0):
        raise ValueError(f"{name} must not be negative, got a smallest value of {low:.3g} with a largest of {high:.3g}")
    if not 0 < total < math.inf:
        raise ValueError(f"{name} must have a finite sum above 0, got {total:.3g}")


def normalize(psf: ArrayT) -> ArrayT:
    """Scale `psf` to sum 1, so that it keeps the brightness of an image.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Any shape; all of it is one point-spread function.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        A new array of the same kind.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> psf.normalize(np.array([1.0, 2.0, 1.0]))
    array([0.25, 0.5 , 0.25])
    """
    validate(psf)
    tensor, to_input_kind = as_float_tensor(psf, "psf")
    return to_input_kind(tensor / tensor.sum())


def center(psf: ArrayT, *, subpixel: bool = False) -> ArrayT:
    """Move the centroid of `psf` to its center, the index k//2 of every axis.

    Nothing is cut off: an axis that is too short for the moved values is extended with zeros.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Any shape; all of it is one point-spread function.
    subpixel : bool
        False moves by whole pixels and changes no value; the centroid ends within half a pixel of the center. True
        puts it on the center, to 1e-9, by linear interpolation: this keeps the sum and the sign of the values, where
        band-limited interpolation would ring below 0, and adds at most a quarter of a squared pixel of variance.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        A new array of the same kind.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> psf.center(np.array([3.0, 1.0, 0.0, 0.0, 0.0]))
    array([0., 0., 3., 1., 0.])
    >>> psf.center(np.array([0.0, 0.0, 3.0, 1.0, 0.0]), subpixel=True)
    array([0.  , 0.75, 2.5 , 0.75, 0.  ])
    """
    validate(psf)
    tensor, to_input_kind = as_float_tensor(psf, "psf")
    moved = tensor.clone()
    for axis in range(tensor.ndim):
        moved = _center_axis(moved.movedim(axis, -1), subpixel).movedim(-1, axis)
    return to_input_kind(moved.contiguous())


def pad_to(psf: ArrayT, shape: int | tuple[int, ...]) -> ArrayT:
    """Surround `psf` with zeros so that its center, index k//2 of every axis, lands on the center of the new shape.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Any shape.
    shape : int or tuple of int
        The new size, one for every axis or one each.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        A new array of the same kind.

    Raises
    ------
    TypeError, ValueError
        If `psf` is not a real array, or `shape` has another number of axes or is smaller than `psf`.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> psf.pad_to(np.array([1.0, 2.0, 3.0]), 6)
    array([0., 0., 1., 2., 3., 0.])
    """
    tensor, to_input_kind = as_float_tensor(psf, "psf")
    sizes = as_sizes(shape, tensor.ndim)
    if any(new < old for new, old in zip(sizes, tensor.shape, strict=True)):
        raise ValueError(f"shape {sizes} is smaller than the psf, which has {tuple(tensor.shape)}")
    padded = tensor.new_zeros(sizes)
    starts = [new // 2 - old // 2 for new, old in zip(sizes, tensor.shape, strict=True)]
    window = tuple(slice(start, start + old) for start, old in zip(starts, tensor.shape, strict=True))
    padded[window] = tensor
    return to_input_kind(padded)


def estimate_support(psf: ArrayT, energy: float = 0.999) -> tuple[slice, ...]:
    """Find the support of `psf`: a small box about its center that holds a fraction `energy` of its sum.

    The box is as wide on both sides of the center as the array allows, so ``psf[estimate_support(psf)]`` has its
    center at its own k//2: it undoes `pad_to`. The loss is shared equally between the axes.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        Any shape; all of it is one point-spread function.
    energy : float
        Above 0 and at most 1; 1 keeps every value above rounding errors.

    Returns
    -------
    tuple of slice
        One for each axis.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises, and if `energy` is not above 0 and at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> shot = psf.pad_to(psf.disk(2), (64, 65))
    >>> psf.estimate_support(shot)
    (slice(30, 35, None), slice(30, 35, None))
    """
    if not 0 < energy <= 1:
        raise ValueError(f"energy must be above 0 and at most 1, got {energy!r}")
    validate(psf)
    tensor = as_float_tensor(psf, "psf")[0].detach().double()
    allowed = (1 - energy) / tensor.ndim * tensor.sum()
    box = []
    for axis, size in enumerate(tensor.shape):
        light = tensor.movedim(axis, 0).reshape(size, -1).sum(dim=1)
        distance = (torch.arange(size, device=light.device) - size // 2).abs()
        rings = light.new_zeros(size // 2 + 1).index_add_(0, distance, light)
        beyond = rings.flip(0).cumsum(0).flip(0)[1:]  # light outside a box of half-width 0, 1, 2...
        half = int((beyond > allowed).sum())
        box.append(slice(size // 2 - half, min(size // 2 + half + 1, size)))
    return tuple(box)


def _center_axis(tensor: torch.Tensor, subpixel: bool) -> torch.Tensor:
    """Move the centroid along the last axis to its center."""
    light = tensor.detach().reshape(-1, tensor.shape[-1]).sum(dim=0).double()
    occupied = torch.nonzero(light).flatten()
    first, last = int(occupied[0]), int(occupied[-1])
    centroid = float((light * torch.arange(len(light), device=light.device)).sum() / light.sum())

    distance = round(len(light) // 2 - centroid, 9)  # rounding errors must not add a row of zeros
    # A centroid half a pixel before the center, as a symmetric blur of even size has it, stays where it is.
    whole = math.floor(distance) if subpixel else math.ceil(distance - 0.5 - 1e-6)
    fraction = distance - whole if subpixel else 0.0

    core = tensor[..., first : last + 1]
    if fraction > 0:
        core = torch.nn.functional.pad(core, (0, 1)) * (1 - fraction) + torch.nn.functional.pad(core, (1, 0)) * fraction
    start = first + whole - len(light) // 2  # of the moved values, counted from the center
    size = max(len(light), -2 * start, 2 * (start + core.shape[-1] - 1) + 1)
    moved = core.new_zeros(*core.shape[:-1], size)
    moved[..., size // 2 + start : size // 2 + start + core.shape[-1]] = core
    return moved
