"""A point-spread function made ready for an image: mended, on its voxels, and no longer than it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from deblur._core.arrays import ArrayT

from ._adjust import normalize, validate
from ._grid import MAX_PIXELS, as_sizes, finite
from ._mend import Prepared, mend, percent
from ._resample import resample

VoxelSize: TypeAlias = float | Sequence[float] | Mapping[str, float]

_LARGEST_RATIO = 8.0  # of voxel sizes: beyond it one of the two is wrong, in its unit most likely
_LEAST_KEPT = 0.5  # of the light, by a crop: with less it is the wrong PSF, or the wrong image
_SAME = 0.01  # relative difference of voxel sizes that are equal but for rounding
_NAMES = ("columns", "rows", "planes")  # from the last axis


def prepare(
    psf: ArrayT,
    image_shape: int | Sequence[int] | None = None,
    *,
    psf_voxel: VoxelSize | None = None,
    image_voxel: VoxelSize | None = None,
) -> Prepared:
    """Make a point-spread function ready for an image: `mend` it, resample it to its voxels, crop it to its size.

    `deblur.restore` and the command do this to every point-spread function; the functions of `deblur.nonblind` take
    theirs as it is.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes, in any unit.
    image_shape : int or sequence of int, optional
        Size of the image along the axes of `psf`; of more axes the last count. Without it nothing is cropped. Axes of
        one element that a point-spread function has beyond these, as ``(1, 15, 15)`` has for a picture, are left out.
    psf_voxel, image_voxel : float, sequence of float or mapping of str to float, optional
        Distance of samples, both in one unit: one number, one per axis, or by the letters Z, Y and X. The
        point-spread function is resampled along the axes of which both are known, and differ.

    Returns
    -------
    Prepared
        The point-spread function and what was done. One that fits, of which nothing is wrong, is returned as it is:
        not scaled either.

    Raises
    ------
    TypeError, ValueError
        As `mend`, `resampled_to` and `fit` raise, or if a crop would leave less than half of the light.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> measured = np.fft.ifftshift(psf.gaussian((2.0, 1.0, 1.0), 21))
    >>> ready = psf.prepare(measured, (11, 64, 64))
    >>> ready.psf.shape
    (11, 21, 21)
    >>> for note in ready.notes:
    ...     print(note)
    the PSF's center was in the corner, as FFTs have it; it was moved to the middle
    the PSF was cropped from 21 planes to the 11 of the image, which loses 0.6 % of its light
    """
    if isinstance(image_shape, Sequence):
        psf = _without_unit_axes(psf, len(image_shape))
    ready, notes = mend(psf)
    if psf_voxel is not None and image_voxel is not None:
        ready, more = resampled_to(ready, psf_voxel, image_voxel)
        notes += more
    if image_shape is not None:
        whole, (ready, more) = ready, fit(ready, image_shape)
        notes += more
        if more and float(ready.sum()) < _LEAST_KEPT * float(whole.sum()):
            shapes = (" x ".join(map(str, shape)) for shape in (whole.shape, as_sizes(image_shape, whole.ndim)))
            raise ValueError("the PSF is larger than the image: {} against {} pixels".format(*shapes))
    return Prepared(ready, notes)


def _without_unit_axes(psf: ArrayT, ndim: int) -> ArrayT:
    """Leave out axes of one element, the first or else the last, that are more than those of an image."""
    while psf.ndim > ndim and 1 in (psf.shape[0], psf.shape[-1]):
        psf = psf[0] if psf.shape[0] == 1 else psf[..., 0]
    return psf


def fit(psf: ArrayT, shape: int | Sequence[int]) -> Prepared:
    """Crop a point-spread function about its center k//2 where it is longer than an image.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes.
    shape : int or sequence of int
        Size of the image along the axes of `psf`: one number for all, or one each; of more, the last count.

    Returns
    -------
    Prepared
        The point-spread function, not scaled, and a sentence that says how much of its light is lost; the array given
        and no sentence where it fits.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises, if `shape` is no size, or nothing of the light would be left.

    Examples
    --------
    >>> from deblur import psf
    >>> cropped = psf.fit(psf.gaussian((2.0, 1.0, 1.0)), (5, 64, 64))
    >>> cropped.psf.shape, cropped.notes
    ((5, 9, 9), ('the PSF was cropped from 17 planes to the 5 of the image, which loses 21 % of its light',))
    """
    validate(psf)
    if isinstance(shape, Sequence) and len(shape) < psf.ndim:
        raise ValueError(f"the PSF has {psf.ndim} axes, and the image {len(shape)}")
    if isinstance(shape, Sequence) and len(shape) > psf.ndim:
        shape = shape[-psf.ndim :]
    sizes = as_sizes(tuple(shape) if isinstance(shape, Sequence) else shape, psf.ndim)
    starts = [max(old // 2 - new // 2, 0) for old, new in zip(psf.shape, sizes, strict=True)]
    window = tuple(
        slice(start, start + min(new, old)) for start, new, old in zip(starts, sizes, psf.shape, strict=True)
    )
    cropped = psf[window]
    if cropped.shape == psf.shape:
        return Prepared(psf, ())
    kept = float(cropped.sum()) / float(psf.sum())
    if not kept > 0:
        raise ValueError(f"psf of shape {tuple(psf.shape)} has no light within the {sizes} of the image")
    words = [
        f"{old} {name} to the {new}"
        for old, new, name in zip(psf.shape[::-1], sizes[::-1], _NAMES, strict=False)
        if new < old
    ]
    lost = percent(1 - kept) if 1 - kept > 1e-9 else "none"
    sentence = f"the PSF was cropped from {' and '.join(words[::-1])} of the image, which loses {lost} of its light"
    return Prepared(cropped, (sentence,))


def resampled_to(psf: ArrayT, psf_voxel: VoxelSize, image_voxel: VoxelSize) -> Prepared:
    """Resample a point-spread function to the voxels of an image, where they differ by more than 1 %.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes.
    psf_voxel, image_voxel : float, sequence of float or mapping of str to float
        Distance of samples, both in one unit: one number, one per axis, or by the letters Z, Y and X. Axes of which
        one is not known stay as they are.

    Returns
    -------
    Prepared
        The point-spread function of sum 1 (see `resample`), and a sentence with the sizes; the array given and no
        sentence where they are equal.

    Raises
    ------
    TypeError, ValueError
        As `validate` raises; if a size is not positive, or two differ by a factor above 8, as they do where one is in
        another unit; or if the result would have more than 2**26 voxels.

    Examples
    --------
    >>> from deblur import psf
    >>> fine = psf.gaussian((3.0, 2.0, 2.0))
    >>> coarse = psf.resampled_to(fine, {"Z": 0.1, "Y": 0.1, "X": 0.1}, {"Z": 0.3, "Y": 0.1, "X": 0.1})
    >>> fine.shape, coarse.psf.shape, coarse.notes
    ((25, 17, 17), (9, 17, 17), ("the PSF was resampled from voxels of 0.1 to the image's 0.3 µm along z",))
    """
    validate(psf)
    axes = "ZYX"[-psf.ndim :]
    old, new = _by_axis(psf_voxel, axes, "psf_voxel"), _by_axis(image_voxel, axes, "image_voxel")
    differing = [axis for axis in axes if axis in old and axis in new and abs(new[axis] / old[axis] - 1) > _SAME]
    if not differing:
        return Prepared(psf, ())
    for axis in differing:
        ratio = max(old[axis] / new[axis], new[axis] / old[axis])
        if ratio > _LARGEST_RATIO:
            raise ValueError(
                f"the voxels of the PSF, {old[axis]:g}, and of the image, {new[axis]:g}, differ by a factor of "
                f"{ratio:.0f} along {axis.lower()}: one has the wrong unit; give the PSF in the voxels of the image"
            )
    sizes = [(old[axis], new[axis]) if axis in differing else (1.0, 1.0) for axis in axes]
    voxels = math.prod(size * a / b for size, (a, b) in zip(psf.shape, sizes, strict=True))
    if voxels > MAX_PIXELS:
        raise ValueError(f"the PSF would have {voxels:.0f} voxels of the image's size; cut away what is dark")
    resampled = normalize(resample(psf, [a for a, _ in sizes], [b for _, b in sizes]))
    words = ", ".join(f"{old[axis]:g} to the image's {new[axis]:g} µm along {axis.lower()}" for axis in differing)
    return Prepared(resampled, (f"the PSF was resampled from voxels of {words}",))


def _by_axis(voxel: VoxelSize, axes: str, name: str) -> dict[str, float]:
    if isinstance(voxel, Mapping):
        sizes = {axis: voxel[axis] for axis in axes if axis in voxel}
    elif isinstance(voxel, Sequence | np.ndarray):
        if len(voxel) < len(axes):
            raise ValueError(f"{name} must be one number, or {len(axes)}, one per axis of the psf, got {voxel!r}")
        sizes = dict(zip(axes, voxel[-len(axes) :], strict=True))
    else:
        sizes = dict.fromkeys(axes, voxel)
    for size in sizes.values():
        if finite(size, name) <= 0:
            raise ValueError(f"{name} must be above 0, got {size!r}")
    return {axis: float(size) for axis, size in sizes.items()}
