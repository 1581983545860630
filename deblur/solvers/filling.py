"""Plausible values for samples that are missing: from their surroundings, coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

_POOL: dict[int, Callable[..., Any]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_CELLS = 48
"""Cells a side in which a rectangle is sought."""

_INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}


def fill_smoothly(y: torch.Tensor, seen: torch.Tensor, ndim: int) -> torch.Tensor:
    """Replace the samples that are not seen by a smooth continuation of those around them.

    Means over blocks of growing size, each of the seen samples alone, fill what the finer ones leave empty (pull-push
    interpolation: Gortler et al., SIGGRAPH 1996).

    Parameters
    ----------
    y : torch.Tensor
        Images, shape ``(*batch, *space)``.
    seen : torch.Tensor
        1 where a sample is known and 0 elsewhere, broadcastable to `y`.
    ndim : int
        Number of spatial axes, 1 to 3.

    Returns
    -------
    torch.Tensor
        `y` where it is seen; zero for an image without a seen sample.
    """
    seen = seen.to(y).expand(y.shape)
    space = y.shape[y.ndim - ndim :]
    filled = _pulled(y.reshape(-1, 1, *space), seen.reshape(-1, 1, *space), ndim)
    return torch.where(seen > 0, y, filled.reshape(y.shape))


def largest_seen_box(seen: torch.Tensor) -> tuple[slice, slice] | None:
    """Return a large rectangle of an image in which all samples are seen; None if there is none.

    Parameters
    ----------
    seen : torch.Tensor
        Boolean, shape (height, width).
    """
    sides = [max(1, -(-size // _CELLS)) for size in seen.shape]
    rows, columns = (size // side for size, side in zip(seen.shape, sides, strict=True))
    cells = seen[: rows * sides[0], : columns * sides[1]].reshape(rows, sides[0], columns, sides[1]).all(3).all(1)
    best, box = 0, None
    for top in range(rows):
        whole = torch.ones(columns, dtype=torch.bool, device=seen.device)
        for bottom in range(top, rows):
            whole = whole & cells[bottom]
            left, width = _longest_run(whole.tolist())
            if (area := width * sides[1] * (bottom - top + 1) * sides[0]) > best:
                best = area
                box = (
                    slice(top * sides[0], (bottom + 1) * sides[0]),
                    slice(left * sides[1], (left + width) * sides[1]),
                )
    return box


def _longest_run(flags: list[bool]) -> tuple[int, int]:
    """Return the start and the length of the longest run of true flags."""
    best = start = length = 0
    for place, flag in enumerate(flags):
        length = length + 1 if flag else 0
        if length > best:
            best, start = length, place - length + 1
    return start, best


def _pulled(y: torch.Tensor, seen: torch.Tensor, ndim: int) -> torch.Tensor:
    """Return images whose missing samples come from the next coarser level."""
    space = y.shape[2:]
    if max(space) == 1 or bool((seen > 0).all()):
        return y
    block = tuple(min(2, size) for size in space)
    pool = _POOL[ndim]
    share = pool(seen, block, ceil_mode=True)
    means = pool(y * seen, block, ceil_mode=True) / share.clamp_min(torch.finfo(y.dtype).tiny)
    coarse = _pulled(means, (share > 0).to(y), ndim)
    smooth = F.interpolate(coarse, size=space, mode=_INTERPOLATION[ndim], align_corners=False)
    return torch.where(seen > 0, y, smooth)
