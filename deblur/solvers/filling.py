"""Plausible values for samples that are missing: from their surroundings, coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

_POOL: dict[int, Callable[..., Any]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
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
