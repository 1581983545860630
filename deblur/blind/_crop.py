"""The windows of a large image from which its blur is read and estimated."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F

from ._view import View, gradients, smooth

Window = tuple[slice, slice]

# By hand, on the photographs of python -m benchmarks.quality.real_photographs.
_SIGMA = 1.5  # pixels, of the smoothing before gradients are compared
_STRONG = 0.9  # quantile of the gradients
_MOST_SAMPLES = 2**20  # from which the quantile is computed: torch refuses more than 16 million
_CLIPPED_WEIGHT = 5


class StrongEdges:
    """The strong edges of a view, found once for windows of any number of sizes.

    Parameters
    ----------
    view : View
        The whole image.
    """

    def __init__(self, view: View) -> None:
        self.view = view

    def window(self, side: int) -> Window:
        """Return the window of at most this side with strong edges in every direction and few clipped pixels."""
        size = tuple(min(side, extent) for extent in self.view.y.shape)
        if size == tuple(self.view.y.shape):
            return slice(None), slice(None)
        step = max(1, side // 8)
        rows, columns = (extent - 1 for extent in size)
        across = F.avg_pool2d(self._maps.float()[None], (1, columns), (1, step))
        *counted, clipped_share = F.avg_pool2d(across, (rows, 1), (step, 1))[0]
        counts = torch.stack(counted)
        score = (counts.amin(0) + 0.25 * counts.mean(0)) * (1 - _CLIPPED_WEIGHT * clipped_share).clamp_min(0)
        row, column = divmod(int(score.argmax()), score.shape[1])
        return slice(row * step, row * step + size[0]), slice(column * step, column * step + size[1])

    def part(self, side: int) -> View:
        """Return that window of the view."""
        return cut(self.view, self.window(side))

    @functools.cached_property
    def _maps(self) -> torch.Tensor:
        """Where the edges of each of four directions are, and what is not valid; ``(5, height - 1, width - 1)``."""
        across, down = gradients(smooth(self.view.y, _SIGMA))
        strength = torch.hypot(across, down)
        every = max(1, strength.numel() // _MOST_SAMPLES)
        valid = self.view.valid[:-1, :-1]
        strong = valid & (strength > strength.flatten()[::every].quantile(_STRONG))
        direction = (torch.atan2(down, across) * (4 / torch.pi)).round().long() % 4
        return torch.stack([*(strong & (direction == each) for each in range(4)), ~valid])


def cut(view: View, window: Window) -> View:
    """Return a window of a view."""
    return view._replace(y=view.y[window], valid=view.valid[window])
