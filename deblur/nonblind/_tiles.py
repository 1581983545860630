"""Large pictures, restored window by window."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch

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
    size = max(_WINDOW, 4 * halo)
    rows, columns = (_windows(extent, size, halo) for extent in y.shape[-2:])
    at_once = max(1, size**2 // (min(size, y.shape[-2]) * min(size, y.shape[-1])))
    restored, done = None, 0
    groups = torch.arange(len(y)).split(at_once)
    count = len(groups) * len(rows) * len(columns)
    if progress is not None:
        progress(0, count)
    for planes in groups:
        for top, bottom, first_row, last_row in rows:
            for left, right, first_column, last_column in columns:
                here = (planes, slice(None), slice(top, bottom), slice(left, right))
                window = restore(y[here], planes, *(other[here] for other in others))
                if restored is None:
                    restored = y.new_empty((len(y), window.shape[1], *y.shape[-2:]))
                kept = window[..., first_row - top : last_row - top, first_column - left : last_column - left]
                restored[planes, :, first_row:last_row, first_column:last_column] = kept
                done += 1
                if progress is not None:
                    progress(done, count)
    assert restored is not None  # there is a window
    return restored


def _windows(extent: int, size: int, halo: int) -> list[tuple[int, int, int, int]]:
    """Cover an axis: start and stop of each window, then of what is kept of it."""
    if extent <= size:
        return [(0, extent, 0, extent)]
    count = -(-(extent - 2 * halo) // (size - 2 * halo))
    starts = [round(index * (extent - size) / (count - 1)) for index in range(count)]
    seams = [(a + size + b) // 2 for a, b in pairwise(starts)]
    edges = [0, *seams, extent]
    return [(start, start + size, *kept) for start, kept in zip(starts, pairwise(edges), strict=True)]
