"""Whether a picture is sharp, blurred, or shows too few edges to tell."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import scipy.ndimage as ndi
import torch
import torch.nn.functional as F

from ._crop import StrongEdges
from ._edges import Ellipse, Ratios, ellipse_of, ratios_of
from ._picture import Picture
from ._view import View, smooth

Verdict = Literal["sharp", "blurred", "unknown"]

_SIDE = 1536  # pixels of the largest window that is measured at each size: a second of work
_SMALLEST = 64  # pixels per side of a size that is measured

# Widths in pixels of each size, above which a picture is blurred. Chosen on 60 photographs of BSDS500, of which 59 are
# sharp by them, and 137 of the other 140: python -m benchmarks.quality.blur_kinds.
_FULL, _HALF, _QUARTER, _WIDEST = 0.65, 0.75, 0.82, 1.05
_FULL_TOO = 0.45, 0.5  # and the full size at least that, where the quarter or the widest direction says so

# Of Gaussians of 1.8 to 4 pixels, which this measures to .2 pixels: by hand on Set14 and BSDS500.
_COARSE, _WIDER = 1.8, 1.21

# Lights of a dark picture, by hand on photographs of nights.
_DARK, _BRIGHT, _TIMES_MEDIAN = 0.25, 0.5, 3.0
_LEAST_AREA, _MOST_AREA = 12, 0.02  # pixels, and of the picture
_LONG, _SLIM = 10.0, 6.0  # pixels, and widths
_FEWEST, _SHARE = 12, 0.4


class Sharpness(NamedTuple):
    """Widths of the sharpest edges: standard deviations of the blur, negative for thin lines, NaN without edges.

    Attributes
    ----------
    ellipse : Ellipse or None
        Of the edges at full size.
    full, half, quarter : float
        In the widest direction, in pixels of the picture at that size.
    widest : float
        In the widest of 8 directions, of its duller edges at full size.
    streaks : bool
        Whether a dark picture's lights are streaks.
    """

    ellipse: Ellipse | None
    full: float
    half: float
    quarter: float
    widest: float
    streaks: bool = False

    @property
    def verdict(self) -> Verdict:
        """Whether the picture is sharp or blurred; "unknown" where there are too few edges."""
        full, half, quarter, widest = (0.0 if math.isnan(each) else each for each in self[1:5])
        is_wide = full > _FULL or half > _HALF
        is_wide |= (quarter > _QUARTER and full > _FULL_TOO[0]) or (widest > _WIDEST and full > _FULL_TOO[1])
        if is_wide or self.streaks:
            return "blurred"
        return "unknown" if math.isnan(self.full) else "sharp"


def sharpness_of(picture: Picture) -> Sharpness:
    """Measure the sharpest edges of a picture at three sizes."""
    edges = StrongEdges(picture.view)
    ratios = [_ratios(edges, factor) for factor in (1, 2, 4)]
    ellipses = [None if each is None else ellipse_of(each.edges(0.6)) for each in ratios]
    full, half, quarter = (math.nan if each is None else root(each.major) for each in ellipses)
    duller = np.empty(0) if ratios[0] is None else ratios[0].edges(0.3).variances
    widest = max((root(each) for each in duller if np.isfinite(each)), default=math.nan)
    return Sharpness(ellipses[0], full, half, quarter, widest, _has_streaks(picture.y.amax(0)))


def softness_of(edges: StrongEdges, sharpness: Sharpness) -> Ellipse | None:
    """Return the variances of a Gaussian blur, measured by wider derivatives where it is wide; None without edges."""
    narrow = sharpness.ellipse
    if narrow is None or narrow.major + narrow.minor < 2 * _COARSE**2:
        return narrow
    wide = ellipse_of(ratios_of(_window(edges, 1), fine=1.0, more=1.5).edges(0.5))
    return narrow if wide is None else Ellipse(_WIDER * wide.major, _WIDER * wide.minor, wide.angle)


def root(variance: float) -> float:
    """Return the square root with the sign of its argument."""
    return math.copysign(math.sqrt(abs(variance)), variance)


def _ratios(edges: StrongEdges, factor: int) -> Ratios | None:
    """Measure the edges of a picture `factor` times smaller; None where it is too small."""
    if min(edges.view.y.shape) < _SMALLEST * factor:
        return None
    return ratios_of(_window(edges, factor), fine=0.6, more=1.0)


def _window(edges: StrongEdges, factor: int) -> View:
    """Return the part of a picture that is measured, `factor` times smaller."""
    part = edges.part(_SIDE * factor)
    if factor == 1:
        return part
    y = F.avg_pool2d(smooth(part.y, 0.4 * math.sqrt(factor**2 - 1))[None], factor)[0]  # as sharp as a sensor
    return View(y, F.max_pool2d((~part.valid)[None].float(), factor)[0] == 0)


def _has_streaks(y: torch.Tensor) -> bool:
    """Whether a picture is dark, and its lights are long and slim: a shake draws each as its own path."""
    values = y.cpu().numpy()
    median = float(np.median(values))
    if median > _DARK:
        return False
    labels, _ = ndi.label(values > max(_BRIGHT, _TIMES_MEDIAN * median))
    lights = long = 0
    for number, box in enumerate(ndi.find_objects(labels), 1):
        inside = labels[box] == number
        area = int(inside.sum())
        if not _LEAST_AREA <= area <= _MOST_AREA * values.size:
            continue
        spread = np.cov(np.nonzero(inside)) + np.eye(2) / 12
        length = math.sqrt(12 * float(np.linalg.eigvalsh(spread)[1]))
        lights += 1
        long += length > _LONG and length**2 / area > _SLIM
    return lights >= _FEWEST and long > _SHARE * lights
