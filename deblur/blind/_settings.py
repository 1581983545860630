"""Parameters of blind restoration that depend on the noise."""

from __future__ import annotations

import math
from typing import NamedTuple


class Settings(NamedTuple):
    """Parameters for a noise level.

    By hand; deblur bench levin-blind and levin-blind-noisy measure their effect (`assumed_noise`: 35.07 to 35.54 dB).

    Attributes
    ----------
    smoothing : float
        Standard deviation of the Gaussian that smooths the image before its PSF is estimated, in pixels.
    prior : float
        Weight of the gradients in the restorations by which candidates are compared.
    assumed_noise : float
        Noise level given to the final step: more than the estimated one, as no estimate of a kernel is exact.
    softening : float
        Standard deviation of the Gaussian that smooths the restored image, in pixels: the scene that the kernel was
        estimated with has ideal edges, so the kernel includes the softness of edges in a sharp photograph.
    """

    smoothing: float
    prior: float
    assumed_noise: float
    softening: float

    @classmethod
    def for_noise(cls, level: float) -> Settings:
        """Return the settings for a noise level on the scale [0, 1]."""
        smoothing = 0.0 if level < 0.0025 else min(0.7 * (level / 0.01) ** 0.4, 1.3)
        softening = math.sqrt(0.25 + 0.2 * min(smoothing, 0.7) ** 2)
        return cls(smoothing, max(3e-4, 0.1 * level), max(0.005, 1.2 * level), softening)
