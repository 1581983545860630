"""What blind methods return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BlindResult:
    """A restored image, the point-spread function that was found for it, and how far to believe both.

    Attributes
    ----------
    image : numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of the blurred one. Not clipped. The blurred image itself where nothing
        could be, or had to be, undone.
    psf : numpy.ndarray or torch.Tensor
        One to three axes, not negative, sum 1, odd sizes; its centroid is within half a pixel of its center k//2.
    noise_level : float
        Standard deviation of the noise, in the unit of the image.
    confidence : float
        From 0 to 1.
    reason : str
        Why the confidence is not higher, in a sentence; empty where there is nothing to say.
    seconds : float
        How long it took.
    """

    image: Any
    psf: Any
    noise_level: float
    confidence: float
    reason: str
    seconds: float
