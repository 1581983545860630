"""Large images, restored window by window."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from deblur._core.progress import Progress, span
from deblur._core.tiling import tiles

_WINDOW = 1152
"""Pixels a side: bounds the memory of a network; a size that transforms fast (python -m benchmarks.speed.fft_sizes)."""


def by_tiles(
    restore: Callable[..., torch.Tensor],
    y: torch.Tensor,
    halo: int,
    *others: torch.Tensor,
    progress: Progress | None = None,
    stage: str = "",
) -> torch.Tensor:
    """Restore ``(planes, 1, height, width)`` in windows of one size, and keep what is `halo` away from inner edges.

    Images up to the size of a window are restored whole; small ones many at a time.
    ``restore(progress, window, plane_indices, *other_windows)`` returns the restored window, ``(n, channels, rows,
    columns)``, and may report how far it is with that window. `stage` is reported at the start of each, and at the end.
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
        within = span(progress, number / len(windows), (number + 1) / len(windows))
        within(0.0, stage)
        here: tuple[Any, ...] = (planes, slice(None), *tile.window)
        inner: tuple[Any, ...] = (..., *tile.inner)
        window = restore(within, y[here], planes, *(other[here] for other in others))
        if restored is None:
            restored = y.new_empty((len(y), window.shape[1], *frame))
        restored[(planes, slice(None), *tile.kept)] = window[inner]
    span(progress, 0, 1)(1.0, stage)
    assert restored is not None  # there is a window
    return restored
