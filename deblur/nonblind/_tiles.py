"""Large pictures, restored window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from deblur._core.tiling import tiles

_WINDOW = 1152


def by_tiles(
    restore: Callable[..., torch.Tensor],
    y: torch.Tensor,
    halo: int,
    *others: torch.Tensor,
    progress: Callable[[int, int], None] | None = None,
) -> torch.Tensor:
    """Restore ``(planes, 1, height, width)`` in windows of one size, and keep what is `halo` away from inner edges.

    Pictures up to the size of a window are restored whole; small ones many at a time. `restore` maps windows, the
    indices of the planes they are from, and the same windows of the others, to restored windows, of any number of
    channels. `progress` is told how many of the windows are done, and of how many.
    """
    size, frame = max(_WINDOW, 4 * halo), y.shape[-2:]
    at_once = max(1, size**2 // (min(size, frame[0]) * min(size, frame[1])))
    windows = [
        (planes, tile)
        for planes in torch.arange(len(y)).split(at_once)
        for tile in tiles(frame, (size, size), (halo, halo))
    ]
    restored = None
    for number, (planes, tile) in enumerate(windows):
        if progress is not None:
            progress(number, len(windows))
        here: tuple[Any, ...] = (planes, slice(None), *tile.window)
        inner: tuple[Any, ...] = (..., *tile.inner)
        window = restore(y[here], planes, *(other[here] for other in others))
        if restored is None:
            restored = y.new_empty((len(y), window.shape[1], *frame))
        restored[(planes, slice(None), *tile.kept)] = window[inner]
    if progress is not None:
        progress(len(windows), len(windows))
    assert restored is not None  # there is a window
    return restored
