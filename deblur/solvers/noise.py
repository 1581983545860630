"""White noise at the finest scale of an image."""

from __future__ import annotations

import numpy as np
import torch

_MEDIAN_OF_NORMAL = 0.6744897501960817  # of the absolute value of a standard normal variable


def noise_of(y: torch.Tensor, ndim: int) -> torch.Tensor:
    """Return the noise level of each image of a batch, with the last `ndim` axes kept as axes of size 1."""
    batch = y.shape[: y.ndim - ndim]
    images = y.detach().cpu().reshape(-1, *y.shape[y.ndim - ndim :]).numpy()
    return torch.tensor([_level(image) for image in images], dtype=torch.float64).to(y).reshape(*batch, *[1] * ndim)


def _level(image: np.ndarray) -> float:
    import pywt

    if min(image.shape) < 4:  # too few samples to separate noise from structure
        return 0.0
    details = pywt.dwtn(image, "db2")["d" * image.ndim]
    details = np.abs(details[details != 0])  # exact zeros are painted or masked areas
    return float(np.median(details)) / _MEDIAN_OF_NORMAL if details.size else 0.0
