"""Confidence of a blind estimate."""

from __future__ import annotations

from typing import NamedTuple

from deblur.blind._kernels import similarity, spread

from .judge import is_cramped, rings
from .search import SearchResult

# Chosen on photographs (python -m benchmarks.quality.real_photographs FOLDER): of sharp ones all should come back
# unchanged.
_LEAST_SPREAD = 1.7  # pixels: estimates from sharp photographs have less than 1.5, a motion of 6 pixels more
_LEAST_GAIN = 0.1  # where kernels of two sizes agree; twice that where they do not,
_WIDE = 5.0  # pixels: unless the kernel is wider than any estimated from a sharp photograph
_DOUBTFUL = 0.3  # confidence
_AGREE, _DISAGREE = 0.9, 0.5  # correlation of two estimates
_NO_MOTION = "no one motion was found that sharpens the picture: it is sharp, or its blur is too large, or varies"


class Assessment(NamedTuple):
    """Confidence in an estimate, whether to restore with it, and why the confidence is not higher."""

    is_usable: bool
    confidence: float
    reason: str


def assess(result: SearchResult) -> Assessment:
    """Assess an estimate by its extent and by whether another kernel size leads to the same."""
    best, gain = result.best, result.gain
    width = spread(best.psf)
    if width < _LEAST_SPREAD:
        return Assessment(False, 0.0, "the picture is not blurred, or by no more than lenses and sensors always do")
    if rings(best.image):
        reason = "no one motion explains the blur: undoing the likeliest makes a picture that rings"
        return Assessment(False, 0.0, reason)
    agreement = max((similarity(best.psf, each.psf) for each in result.others), default=_DISAGREE)
    confidence = min(max((agreement - _DISAGREE) / (_AGREE - _DISAGREE), 0.0), 1.0)
    if gain < _LEAST_GAIN * (1 if width > _WIDE else 2 - confidence):
        return Assessment(False, 0.0, _NO_MOTION)
    if is_cramped(best.psf):
        reason = "the blur may be larger than the kernel that was found"
        return Assessment(True, min(confidence, _DOUBTFUL), reason)
    if confidence >= 1:
        return Assessment(True, 1.0, "")
    return Assessment(True, confidence, "kernels of different sizes lead to different estimates of the blur")
