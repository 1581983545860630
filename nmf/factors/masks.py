"""Soft masks that split a spectrogram among the components of a model."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from nmf.arrays import ArrayT


def wiener(X: ArrayT, components: Tensor, space_axes: int, alpha: float) -> ArrayT:
    """Give each component its share of X; see `nmf.NMF.separate`."""
    mixture = torch.from_numpy(X) if isinstance(X, np.ndarray) else X
    if not isinstance(mixture, Tensor):
        raise TypeError(f"X must be a NumPy array or a torch tensor, got {type(X).__name__}")
    axis: int = -2 - space_axes
    expected = (*components.shape[:axis], *components.shape[axis + 1 :])
    if tuple(mixture.shape) != expected:
        raise ValueError(f"X must have the shape of the model, {expected}, got {tuple(mixture.shape)}")
    if not alpha > 0:
        raise ValueError(f"alpha must be positive, got {alpha}")
    # Relative to the largest component, so that no power vanishes or overflows.
    largest = components.amax(axis, keepdim=True)
    shares = torch.where(largest > 0, components / largest, 1.0).pow_(alpha)
    masks = shares / shares.sum(axis, keepdim=True)
    parts = masks.to(mixture.device) * mixture.unsqueeze(axis)
    return parts.numpy() if isinstance(X, np.ndarray) else parts
