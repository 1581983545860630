"""Sizes of the padded grids on which a convolution is a product of spectra."""

from __future__ import annotations

from collections.abc import Sequence

from deblur._core.arrays import Shape
from deblur.operators import fast_size

ROOM = 16
"""Samples beyond what the PSF reaches, in which a smooth scene can close: without it `wiener` loses 0.1 dB on Set14
(deblur bench set14-levin), and more gains nothing."""


def padded_grid(frame: Sequence[int], kernel_shape: Sequence[int], room: int | Sequence[int] = 0) -> Shape:
    """Return the shape of a periodic grid that holds a frame and everything that blurs into it.

    Parameters
    ----------
    frame, kernel_shape : sequence of int
        Spatial shapes of the image and of the PSF.
    room : int or sequence of int
        Samples more per axis, in which the scene passes smoothly from one side to the other; not more than the size of
        the kernel.

    Returns
    -------
    tuple of int
        At least ``frame + kernel_shape - 1 + min(room, kernel_shape)`` per axis, and fast to transform.

    Examples
    --------
    >>> padded_grid((100, 120), (9, 9)), padded_grid((100, 120), (9, 9), ROOM)
    ((108, 128), (120, 140))
    """
    rooms = (room,) * len(frame) if isinstance(room, int) else room
    return tuple(
        fast_size(size + k - 1 + min(k, more)) for size, k, more in zip(frame, kernel_shape, rooms, strict=True)
    )
