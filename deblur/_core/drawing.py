"""Pictures of point-spread functions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def psf_image(
    psf: npt.NDArray[np.floating], *, min_side: int = 160, margin: int = 1, square: bool = False
) -> npt.NDArray[np.uint8]:
    """Draw a point-spread function as an enlarged gray picture.

    Brightness is the square root of the value: the faint tails of a PSF hold much of its light, and stay visible so.

    Parameters
    ----------
    psf : numpy.ndarray
        Two axes; negative values are drawn black.
    min_side : int
        Least pixels of the longer side; every sample becomes a block of the same whole number of pixels.
    margin : int
        Black samples around the PSF, along its longer axis.
    square : bool
        Whether the shorter axis gets as long as the other one.

    Returns
    -------
    numpy.ndarray
        Two axes, from 0 to 255; black if no value is positive.

    Examples
    --------
    >>> psf_image(np.eye(3), min_side=10).shape
    (10, 10)
    >>> psf_image(np.ones((1, 3)), min_side=0, margin=0)
    array([[255, 255, 255]], dtype=uint8)
    """
    values = brightness(psf)
    longer = max(values.shape) + 2 * margin
    missing = [longer - size if square else 2 * margin for size in values.shape]
    values = np.pad(values, [(each // 2, each - each // 2) for each in missing])
    scale = max(1, math.ceil(min_side / longer))
    return np.rint(255 * values.repeat(scale, axis=0).repeat(scale, axis=1)).astype(np.uint8)


def brightness(psf: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the brightness, 0 to 1, at which each value of a PSF is drawn: its square root, as a share of the peak's.

    Examples
    --------
    >>> brightness(np.array([0.04, 0.01, -1.0]))
    array([1. , 0.5, 0. ])
    """
    values = np.clip(np.asarray(psf, np.float64), 0, None)
    peak = values.max(initial=0)
    return np.sqrt(values / peak) if peak > 0 else values
