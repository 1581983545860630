"""How far to believe an estimate, and the pictures for which there is none."""

from __future__ import annotations

from typing import NamedTuple

import torch

from ._picture import Picture
from ._search import Found, is_cramped, rings
from ._view import gradients, smooth

FEWEST_PIXELS = 32
"""A side of the smallest picture that a blur is estimated from."""

_FAINTEST = 3.0  # noise levels: slopes of a smoothed picture
_MOST_CLIPPED = 0.7
_LEAST_SPREAD = 1.7  # pixels: what is found in sharp photographs has less than 1.5, a motion of 6 pixels more
_LEAST_GAIN = 0.1  # where kernels of two sizes agree, and twice that where they do not,
_WIDE = 5.0  # pixels: unless they are as wide as none found in a sharp photograph
_DOUBTFUL = 0.3  # confidence
_AGREE, _DISAGREE = 0.9, 0.5  # correlation of two estimates
_NO_MOTION = "no one motion was found that sharpens the picture: it is sharp, or its blur is too large, or varies"


class Verdict(NamedTuple):
    """Whether to restore with what was found, how far to believe it, and why not further."""

    restores: bool
    confidence: float
    reason: str


def obstacle(picture: Picture) -> str:
    """Say why no blur can be estimated from a picture, or return an empty string."""
    view, noise = picture.view, picture.noise_level
    if min(view.y.shape) < FEWEST_PIXELS:
        return f"the picture is too small to estimate a blur from: it needs {FEWEST_PIXELS} pixels a side"
    if float((~view.seen).float().mean()) > _MOST_CLIPPED:
        return "nearly all of the picture is clipped: it shows no edges to estimate a blur from"
    slopes = gradients(smooth(view.y, 2.0)).square().sum(0).sqrt_()
    strongest = float(slopes.flatten().kthvalue(max(1, round(0.995 * slopes.numel()))).values)
    if strongest < 1e-4:
        return "the picture is flat: it shows no edges to estimate a blur from"
    if strongest < _FAINTEST * noise * 0.1:
        return "the picture shows nothing but noise"
    return ""


def judge(found: Found) -> Verdict:
    """Judge what a search found, by its extent and by whether another size of kernel leads to the same."""
    best, others, gain = found
    width = spread(best.psf)
    if width < _LEAST_SPREAD:
        return Verdict(False, 0.0, "the picture is not blurred, or by no more than lenses and sensors always do")
    if rings(best.image):
        return Verdict(False, 0.0, "no one motion explains the blur: undoing the likeliest makes a picture that rings")
    agreement = max((similarity(best.psf, other.psf) for other in others), default=_DISAGREE)
    confidence = min(max((agreement - _DISAGREE) / (_AGREE - _DISAGREE), 0.0), 1.0)
    if gain < _LEAST_GAIN * (1 if width > _WIDE else 2 - confidence):
        return Verdict(False, 0.0, _NO_MOTION)
    if is_cramped(best.psf):
        return Verdict(True, min(confidence, _DOUBTFUL), "the blur may be larger than the kernel that was found")
    if confidence >= 1:
        return Verdict(True, 1.0, "")
    return Verdict(True, confidence, "kernels of different sizes lead to different estimates of the blur")


def spread(psf: torch.Tensor) -> float:
    """Return the root mean square distance of a kernel's light from its centroid, in pixels."""
    places = torch.cartesian_prod(*(torch.arange(side).to(psf) for side in psf.shape))
    light = psf.flatten()
    centroid = light @ places
    return float((light @ (places - centroid).square().sum(1)).sqrt())


def similarity(a: torch.Tensor, b: torch.Tensor) -> float:
    """Return the greatest normalized correlation of two kernels over all shifts (Hu and Yang, ECCV 2012)."""
    grid = tuple(m + n - 1 for m, n in zip(a.shape, b.shape, strict=True))
    spectrum = torch.fft.rfft2(a, s=grid) * torch.fft.rfft2(b, s=grid).conj()
    return float(torch.fft.irfft2(spectrum, s=grid).max() / (a.norm() * b.norm()))
