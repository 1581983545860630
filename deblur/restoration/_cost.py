"""Memory that a restoration takes, and the largest window that fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deblur.solvers.padding import ROOM, padded_grid

if TYPE_CHECKING:
    from deblur.restoration._registry import Method

_HELD_IF_SATURATED = 3  # arrays of the window's size: the window, its unsaturated remainder, the excess


def padded_samples(method: Method, shape: Sequence[int], kernel: Sequence[int]) -> int:
    """Return the number of samples of the padded grid that a window is restored on."""
    return math.prod(padded_grid(shape, kernel, ROOM if method.roomy else 0))


def window_bytes(method: Method, shape: Sequence[int], kernel: Sequence[int], *, saturated: bool = False) -> int:
    """Return the peak memory while a window in single precision is read and restored, in bytes.

    With `saturated` it may have clipped samples: the excess light is then held beside the remainder.
    """
    held = _HELD_IF_SATURATED if saturated else 1
    return int(4 * (method.working_arrays * padded_samples(method, shape, kernel) + held * math.prod(shape)))


def largest_window(
    shape: Sequence[int],
    kernel: Sequence[int],
    halo: Sequence[int],
    method: Method,
    available: int,
    *,
    saturated: bool = False,
) -> tuple[int, ...]:
    """Return the largest window, equally wide beyond its halo along every axis, that is restored in `available` bytes.

    Raises
    ------
    ValueError
        If not even one that keeps as much as its halo does.
    """

    def window(kept: int) -> tuple[int, ...]:
        least = [max(2 * edge + kept, k) for edge, k in zip(halo, kernel, strict=True)]
        return tuple(min(size, most) for size, most in zip(shape, least, strict=True))

    low, high = max(1, *halo), max(shape)  # a window that keeps less than its halo would spend most of its time on it
    needed = window_bytes(method, window(low), kernel, saturated=saturated)
    if needed > available:
        raise ValueError(
            f"memory is too small: with this PSF {method.name} needs {math.ceil(needed / 2**20)} MB beside what the "
            f"program holds, and {max(0, available) // 2**20} MB are left"
        )
    while low < high:
        middle = (low + high + 1) // 2
        if window_bytes(method, window(middle), kernel, saturated=saturated) <= available:
            low = middle
        else:
            high = middle - 1
    return window(low)
