"""Which part of a large picture tells most about its blur."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ._view import View, gradients, smooth

_SIGMA = 1.5
_STRONG = 0.9  # quantile of the gradients
_MOST_SAMPLES = 2**20
_CLIPPED_WEIGHT = 5


def telling_window(view: View, side: int) -> tuple[slice, slice]:
    """Return the window of at most this side that has strong edges in every direction and little that is clipped."""
    size = tuple(min(side, extent) for extent in view.y.shape)
    if size == tuple(view.y.shape):
        return slice(None), slice(None)
    across, down = gradients(smooth(view.y, _SIGMA))
    strength = torch.hypot(across, down)
    every = max(1, strength.numel() // _MOST_SAMPLES)
    strong = strength > strength.flatten()[::every].quantile(_STRONG)
    strong &= view.seen[:-1, :-1]
    direction = (torch.atan2(down, across) * (4 / torch.pi)).round().long() % 4
    counts = torch.stack([strong & (direction == each) for each in range(4)]).float()
    clipped = (~view.seen[:-1, :-1]).float()
    step = max(1, side // 8)
    window = tuple(extent - 1 for extent in size)
    *counted, hidden = F.avg_pool2d(torch.stack([*counts, clipped])[None], window, step)[0]
    least = torch.stack(counted)
    score = (least.amin(0) + 0.25 * least.mean(0)) * (1 - _CLIPPED_WEIGHT * hidden).clamp_min(0)
    row, column = divmod(int(score.argmax()), score.shape[1])
    return slice(row * step, row * step + size[0]), slice(column * step, column * step + size[1])


def cut(view: View, window: tuple[slice, slice]) -> View:
    """Return a window of a view."""
    return View(view.y[window], view.seen[window])
