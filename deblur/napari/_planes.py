"""Restoration of a layer's array: planes or volumes, progress, and cancelling. It knows nothing of napari."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


class StoppedError(Exception):
    """Cancellation of a restoration."""


def restore_array(
    data: np.ndarray, psf: np.ndarray | None, method: str, *, is_color: bool, advance: Callable[[float], None]
) -> tuple[np.ndarray, np.ndarray, str]:
    """Restore an array plane by plane, or volume by volume if the PSF has three axes.

    Parameters
    ----------
    data : numpy.ndarray
        Any real type and range.
    psf : numpy.ndarray or None
        Of two or three axes, any sum; estimated for each plane if None.
    method : str
        A name of `deblur.methods`, or "auto".
    is_color : bool
        Whether the last axis holds colors.
    advance : callable
        Called with the completed fraction, 0 to 1; an exception that it raises ends the work.

    Returns
    -------
    restored : numpy.ndarray
        Shape of `data`, floating, in its unit: counts stay counts.
    psf : numpy.ndarray
        The PSF used, of the last plane if they were estimated.
    summary : str
        How it was restored.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> stack = np.random.default_rng(0).integers(1, 4000, (3, 32, 32), dtype=np.uint16)
    >>> restored, psf, summary = restore_array(
    ...     stack, np.ones((3, 3)), "wiener", is_color=False, advance=lambda fraction: None
    ... )
    >>> restored.shape, restored.dtype, psf.sum().round(6)
    ((3, 32, 32), dtype('float32'), np.float64(1.0))
    """
    import deblur
    from deblur._core.progress import span

    ndim = (2 if psf is None else psf.ndim) + is_color
    if data.ndim < ndim:
        raise ValueError(f"the PSF has {ndim - is_color} axes and the image {data.ndim - is_color}")
    planes = data.reshape(-1, *data.shape[data.ndim - ndim :])
    options: dict[str, Any] = {"method": method, "channel_axis": -1 if is_color else None}
    done = []
    for number, plane in enumerate(planes):
        part = span(lambda fraction, stage: advance(fraction), number / len(planes), (number + 1) / len(planes))
        part(0.0, "starting")
        made = deblur.restore(plane, psf, psf_per_image=False, progress=part, **options)
        done.append(made)
    unit = np.iinfo(data.dtype).max if data.dtype.kind in "iu" else 1
    restored = np.stack([each.image for each in done]) * np.float32(unit)
    last = done[-1]
    summary = last.method if last.certainty is None else f"{last.method}, confidence {last.certainty}"
    if not last.changed:
        summary = "left as it was"
    return restored.reshape(data.shape), last.psf, f"{summary}: {last.reason}" if last.reason else summary
