"""Restoring the array of a layer: axes, scale, progress, and stopping. It knows nothing of napari."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np


class StoppedError(Exception):
    """What ends a restoration that is no longer wanted."""


def restore_array(
    data: np.ndarray, psf: np.ndarray | None, method: str, *, is_color: bool, advance: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, str]:
    """Restore an array by planes, or by volumes if the PSF has three axes.

    Parameters
    ----------
    data : numpy.ndarray
        Any real type and range; it is restored on the scale of its largest value.
    psf : numpy.ndarray or None
        Of two or three axes, any sum; estimated for each plane if None.
    method : str
        As of `deblur.restore`.
    is_color : bool
        Whether the last axis holds colors.
    advance : callable
        Told which part is done, from 0 to 1; what it raises ends the work.

    Returns
    -------
    restored : numpy.ndarray
        Shape of `data`, in its unit: float64 for float64 and integers, else float32.
    psf : numpy.ndarray
        The PSF used, of the last plane if they were estimated.
    summary : str
        How it was done.

    Raises
    ------
    ValueError
        If the shapes do not fit, or `data` has no value above 0.

    Examples
    --------
    >>> import numpy as np
    >>> stack = np.random.default_rng(0).integers(1, 4000, (3, 32, 32), dtype=np.uint16)
    >>> restored, psf, summary = restore_array(
    ...     stack, np.ones((3, 3)), "wiener", is_color=False, advance=lambda part: None
    ... )
    >>> restored.shape, restored.dtype, psf.sum().round(6)
    ((3, 32, 32), dtype('float64'), np.float64(1.0))
    """
    import deblur

    known = None if psf is None else psf / psf.sum()
    ndim = (2 if known is None else known.ndim) + is_color
    if data.ndim < ndim:
        raise ValueError(f"the PSF has {ndim - is_color} axes and the image {data.ndim - is_color}")
    scale = float(data.max())
    if not 0 < scale < math.inf:
        raise ValueError(f"the largest value of the image must be above 0 and finite, got {scale}")
    planes = data.reshape(-1, *data.shape[data.ndim - ndim :])
    restored = np.empty(planes.shape, np.float64 if data.dtype.kind in "biu" or data.dtype.itemsize > 4 else np.float32)
    for number, plane in enumerate(planes):

        def done(part: float, number: int = number) -> None:
            advance((number + part) / len(planes))

        done(0.0)
        image = plane.astype(restored.dtype) / scale
        result = deblur.restore(
            image,
            known,
            method=method,
            channel_axis=-1 if is_color else None,
            progress=lambda part, what: done(part),
        )
        restored[number] = result.image * scale
    done(1.0)
    summary = result.method if result.confidence is None else f"{result.method}, confidence {result.confidence:.2g}"
    return restored.reshape(data.shape), result.psf, f"{summary}: {result.reason}" if result.reason else summary
