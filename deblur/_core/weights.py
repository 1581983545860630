"""Weights of samples: 0 where a sample is not a measurement, whatever its value."""

from __future__ import annotations

import torch

from deblur._core.arrays import Array, as_float_tensor, check_finite


def weighted(y: torch.Tensor, weights: Array | None, channel_axis: int | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a channel-first image that is 0 where its weight is, whatever was there, and the weights.

    Weights of as many axes as the image have its channel axis too.
    """
    if weights is None:
        check_finite(y, "image")
        return y, torch.ones((), dtype=y.dtype, device=y.device)
    w = as_float_tensor(weights, "weights")[0]
    if channel_axis is not None and w.ndim == y.ndim:
        w = w.movedim(channel_axis, 0)
    w = w.to(y)
    _check_weights(w, y)
    y = torch.where(w == 0, torch.zeros_like(y), y)
    check_finite(y, "image")
    return y, w


def _check_weights(weights: torch.Tensor, y: torch.Tensor) -> None:
    check_finite(weights, "weights")
    if bool((weights < 0).any()) or not bool((weights > 0).any()):
        raise ValueError("weights must be at least 0, and positive somewhere")
    pairs = zip(reversed(weights.shape), reversed(y.shape), strict=False)
    if weights.ndim > y.ndim or any(w not in (1, size) for w, size in pairs):
        raise ValueError(f"weights of shape {tuple(weights.shape)} do not broadcast to the image, {tuple(y.shape)}")
