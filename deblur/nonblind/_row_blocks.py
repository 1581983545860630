"""Elementwise work by blocks of rows that stay in the cache."""

from __future__ import annotations

from collections.abc import Callable

import torch

_BLOCK = 2**15 - 1  # samples: in the cache, and too few for torch to split over threads, whose start would cost more

RowFunction = Callable[[slice], torch.Tensor]
"""Returns the rows of an array that a slice selects."""


def row_blocks(x: torch.Tensor, ndim: int) -> list[slice]:
    """Cut the first spatial axis so that what is computed of a block stays in the cache, not in main memory."""
    count = x.shape[x.ndim - ndim]
    height = max(1, _BLOCK * count // x.numel())
    return [slice(top, min(top + height, count)) for top in range(0, count, height)]


def rows_of(x: torch.Tensor, rows: slice, ndim: int) -> torch.Tensor:
    """Return a view of some rows: positions along the first of the `ndim` spatial axes."""
    return x.narrow(x.ndim - ndim, rows.start, rows.stop - rows.start)
