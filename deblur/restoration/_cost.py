"""How much memory a restoration takes, and how large a window may be."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deblur.operators import fast_size

FLOATS = {
    "wiener": 13.7,
    "unsupervised-wiener": 16.4,
    "richardson-lucy": 13.0,
    "total-variation": 22.2,
    "hyper-laplacian": 37.0,
    "plug-and-play": 36.5,
    "adm": 40.0,
    "unrolled": 27.4,
    "fused": 40.0,
}
"""Peak of each method in 4-byte floats a sample of the torus: python -m benchmarks.memory.methods
(`adm`, `fused`: guessed)."""

_HELD_OF_LAMPS = 3  # floats a sample: the window, the rest of it, the light beyond

_ROOM = 16  # more on the torus than the scene needs, as `Observation.roomy_grid` has it


def samples(method: str, shape: Sequence[int], taps: Sequence[int]) -> int:
    """Return the size of the torus that a window is restored on."""
    room = 0 if method == "richardson-lucy" else _ROOM
    return math.prod(fast_size(size + k - 1 + min(k, room)) for size, k in zip(shape, taps, strict=True))


def window_bytes(method: str, shape: Sequence[int], taps: Sequence[int], *, lamps: bool = False) -> int:
    """Return the peak of memory while a window in single precision is read and restored.

    With `lamps` it may have clipped samples: what is beyond them is then held beside the rest.
    """
    held = _HELD_OF_LAMPS if lamps else 1
    return int(4 * (FLOATS[method] * samples(method, shape, taps) + held * math.prod(shape)))


def largest_window(
    shape: Sequence[int],
    taps: Sequence[int],
    halos: Sequence[int],
    method: str,
    available: int,
    *,
    lamps: bool = False,
) -> tuple[int, ...]:
    """Return the largest window, as wide beyond its halos along every axis, that is restored in so many bytes.

    Raises
    ------
    ValueError
        If not even one that keeps as much as its halos does.
    """

    def window(kept: int) -> tuple[int, ...]:
        least = [max(2 * halo + kept, k) for halo, k in zip(halos, taps, strict=True)]
        return tuple(min(size, most) for size, most in zip(shape, least, strict=True))

    low, high = max(halos), max(shape)  # a window that keeps less than its halos would take most of its time for them
    needed = window_bytes(method, window(low), taps, lamps=lamps)
    if needed > available:
        raise ValueError(
            f"memory is too small: with this PSF {method} needs {math.ceil(needed / 2**20)} MB beside what the "
            f"program holds, and {max(0, available) // 2**20} MB are left"
        )
    while low < high:
        middle = (low + high + 1) // 2
        if window_bytes(method, window(middle), taps, lamps=lamps) <= available:
            low = middle
        else:
            high = middle - 1
    return window(low)
