"""The window of a large image from which its blur is estimated."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from deblur.blind._view import View, gradients, smooth

# By hand, on the photographs of python -m benchmarks.quality.real_photographs.
_SIGMA = 1.5  # pixels, of the smoothing before gradients are compared
_STRONG = 0.9  # quantile of the gradients
_MOST_SAMPLES = 2**20  # from which the quantile is computed: torch refuses more than 16 million
_CLIPPED_WEIGHT = 5


def sharpest_window(view: View, side: int) -> tuple[slice, slice]:
    """Return the window of at most this side with strong edges in every direction and few clipped pixels."""
    size = tuple(min(side, extent) for extent in view.y.shape)
    if size == tuple(view.y.shape):
        return slice(None), slice(None)
    across, down = gradients(smooth(view.y, _SIGMA))
    strength = torch.hypot(across, down)
    every = max(1, strength.numel() // _MOST_SAMPLES)
    strong = strength > strength.flatten()[::every].quantile(_STRONG)
    strong &= view.valid[:-1, :-1]
    direction = (torch.atan2(down, across) * (4 / torch.pi)).round().long() % 4
    counts = torch.stack([strong & (direction == each) for each in range(4)]).float()
    clipped = (~view.valid[:-1, :-1]).float()
    step = max(1, side // 8)
    window = tuple(extent - 1 for extent in size)
    *counted, clipped_share = F.avg_pool2d(torch.stack([*counts, clipped])[None], window, step)[0]
    per_direction = torch.stack(counted)
    score = (per_direction.amin(0) + 0.25 * per_direction.mean(0)) * (1 - _CLIPPED_WEIGHT * clipped_share).clamp_min(0)
    row, column = divmod(int(score.argmax()), score.shape[1])
    return slice(row * step, row * step + size[0]), slice(column * step, column * step + size[1])


def cut(view: View, window: tuple[slice, slice]) -> View:
    """Return a window of a view."""
    return view._replace(y=view.y[window], valid=view.valid[window])
