"""Confidence of a blind estimate."""

from __future__ import annotations

import math
from typing import NamedTuple

from deblur.blind._kernels import largest_part, least_width, likeness_to_gaussian, spread, stroke_width
from deblur.blind._settings import Settings

from .judge import CLEAR, rings
from .search import SearchResult

# Chosen on photographs (python -m benchmarks.quality.real_photographs FOLDER): of sharp ones all should come back
# unchanged.
_LEAST_SPREAD = 1.7  # pixels: estimates from sharp photographs have less than 1.5, a motion of 6 pixels more
_LEAST_GAIN = 0.1  # where one kernel won clearly; twice that where none did,
_WIDE = 5.0  # pixels: unless the kernel is wider than any estimated from a sharp photograph
_LEAST = 0.15  # confidence, below which most results are worse than the picture; by hand, on simulated shakes
_BLOB, _OF_WIDTH = 0.94, 2.0
"""Likeness to a Gaussian of wrong kernels that are at least so wide in all directions, in pixels: paths have .91 at
most, and narrow ones are all alike. Chosen on simulated shakes, Lai et al.'s scenes 01 and 03, and a portrait."""
_THICK, _WHOLE = 5.0, 0.8
"""Pixels of the stroke, and share of the largest part. Simulated paths are thinner than 3 and may break; thick ones, of
which there are some too, do not. By hand, on simulated ones and 15 photographs."""
_BROAD, _SLIM = 8.0, 0.7  # pixels of the stroke, and of the spread: by hand, right ones had up to 5.4 pixels
_UNLIKE, _SAME = 0.45, 0.8
"""Similarity of the kernels that the two searches have found: of no confidence, and of full. By hand, on Levin's
images, Lai et al.'s, and shakes: of right ones with less than full, all but one have more than .6; of wrong ones some
have, in pieces."""
_TOGETHER = 0.9  # share of the largest part, of kernels whose agreement counts; by hand, on the same
_ROUGH = 2.5  # noise levels that a restoration leaves unexplained: right kernels leave up to 2.1
_ROUNDING = 1 / 255 / math.sqrt(12)  # of values of 8 bits, which no picture of a camera is better than
_DOUBTFUL = 0.3  # confidence where one leaves more
_NO_PATH = "no motion explains the picture, only an even blur: it may be out of focus, or its blur varies"
_BROKEN = "no motion explains the picture: the likeliest would be one of several pieces"
_NO_MOTION = "no single motion sharpens the picture: it is sharp, or its blur varies or is of another kind"


class Assessment(NamedTuple):
    """Confidence in an estimate, whether to restore with it, and why the confidence is not higher."""

    is_usable: bool
    confidence: float
    reason: str


def assess(result: SearchResult, noise_level: float) -> Assessment:
    """Assess an estimate by its extent, by how clearly it won, and by whether another search leads to the same."""
    best, gain = result.best, result.gain
    width = spread(best.psf)
    if width < _LEAST_SPREAD:
        return Assessment(False, 0.0, _NO_MOTION)
    if least_width(best.psf) > _OF_WIDTH and likeness_to_gaussian(best.psf) > _BLOB:
        return Assessment(False, 0.0, _NO_PATH)
    stroke = stroke_width(best.psf)
    thick = _THICK + Settings.for_noise(noise_level).smoothing
    if stroke > max(thick, width) or stroke > max(_BROAD, _SLIM * width):
        return Assessment(False, 0.0, _NO_PATH)
    if stroke > _THICK and largest_part(best.psf) < _WHOLE:
        return Assessment(False, 0.0, _BROKEN)
    is_page = result.window.is_page  # of which the white is clipped, and the noise is not what it seems
    confidence = _confidence(result)
    # Beside clipped lights, in pages and with large kernels those of right ones ring too.
    is_plain = not is_page and bool(result.window.valid.all())
    if is_plain and confidence < 1 and rings(best.image):
        reason = "no single motion explains the blur: undoing the likeliest makes a picture that rings"
        return Assessment(False, 0.0, reason)
    reason = "" if confidence == 1 else "other kernels explain the picture nearly as well"
    if not is_page and math.sqrt(best.misfit) > _ROUGH * max(noise_level, _ROUNDING):
        confidence, reason = min(confidence, _DOUBTFUL), "the blur that was found explains the picture only roughly"
    if gain < _LEAST_GAIN * (1 if width > _WIDE else 2 - confidence):
        return Assessment(False, 0.0, _NO_MOTION)
    if confidence < _LEAST:
        return Assessment(False, confidence, f"{reason}: none is surely right")
    return Assessment(True, confidence, reason)


def _confidence(result: SearchResult) -> float:
    """Return how sure a kernel is, by how clearly it won, or by how much another search found the same."""
    if result.agreement >= _SAME:
        return 1.0
    agreed = (result.agreement - _UNLIKE) / (_SAME - _UNLIKE)
    if largest_part(result.best.psf) < _TOGETHER:
        agreed = 0.0
    return min(max(result.margin / CLEAR, agreed, 0.0), 1.0)
