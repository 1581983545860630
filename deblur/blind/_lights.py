"""What clipped pixels mean: lights that were brighter than the file can say, or a page that is simply white."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from deblur._core.samples import CLIPPED

from ._view import View, gradients, smooth

# By hand, on 10 scenes x 3 blurs of Lai et al. (CVPR 2016), 01 and 03 of each kind: the ratio is 0.91 to 1.24 in those
# with lights, and 0.22 to 0.67 in all others; on simulated pages with few or many lines of text it is 0.38 to 0.72.
_STEEP = 0.8  # times the 0.9 quantile of all slopes: the slope at the rim of clipped parts that are lights
_QUANTILE = 0.9
_RIM = (1, 3)  # pixels from what is clipped
_MOST_SAMPLES = 2**20  # from which the quantile is computed: torch refuses more than 16 million
_DARK, _CLIPPED_WEIGHT = 0.004, 5  # lost in the black, and how much worse lost lights are; by hand
_PAGE, _PAGE_SHARE = 0.02, 0.1  # from the ends of the range, and of the pixels, by hand


def without_lights(channels: torch.Tensor, y: torch.Tensor) -> tuple[View, bool]:
    """Return the view that a blur is estimated from, and whether lights are clipped in it.

    A clipped light has a steep rim: it was far brighter than its surroundings. Its pixels are not valid, and the view
    is the channel that has lost least. The white of a page is no lost light: its blurred rim is as smooth as all else.

    Parameters
    ----------
    channels : torch.Tensor
        Shape ``(channels, height, width)``, on the scale [0, 1].
    y : torch.Tensor
        Their gray image, ``(height, width)``.
    """
    clipped = (channels > CLIPPED).any(0)
    if not bool(clipped.any()) or not _is_light(channels, clipped):
        return View(y, torch.ones_like(y, dtype=torch.bool), _page(y)), False
    lost = (channels > CLIPPED).float().mean((1, 2)) * _CLIPPED_WEIGHT + (channels < _DARK).float().mean((1, 2))
    best = channels[int((channels.std((1, 2)) * (1 - lost)).argmax())].contiguous()
    return View(best, ~grown(best > CLIPPED, 1), _page(best)), True


def _is_light(channels: torch.Tensor, clipped: torch.Tensor) -> bool:
    slope = torch.hypot(*F.pad(gradients(smooth(channels.amax(0), 1.0)), (0, 1, 0, 1)))
    inner, outer = _RIM
    rim = grown(clipped, outer) & ~grown(clipped, inner)
    if not bool(rim.any()):
        return False
    others = slope[~(channels > CLIPPED).all(0)]  # what is white, most of a page, has no slope
    every = max(1, others.numel() // _MOST_SAMPLES)
    return bool(slope[rim].median() > _STEEP * others[::every].quantile(_QUANTILE))


def _page(y: torch.Tensor) -> float | None:
    for value, near in ((1.0, y > 1 - _PAGE), (0.0, y < _PAGE)):
        if float(near.float().mean()) > _PAGE_SHARE:
            return value
    return None


def grown(mask: torch.Tensor, radius: int) -> torch.Tensor:
    """Dilate a mask by a square of this radius."""
    side = 2 * radius + 1
    return F.max_pool2d(mask[None, None].float(), side, 1, radius)[0, 0] > 0
