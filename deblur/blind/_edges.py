"""The width of the sharpest edges of a picture, by direction: how wide a blur left them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.ndimage as ndi

from ._view import View

DIRECTIONS = 8
FEWEST = 25  # edges of a direction

# By hand, on photographs of BSDS500 and Set14, sharp and blurred by Gaussians of .8 to 3 px; python -m
# benchmarks.quality.blur_kinds measures what follows from them.
_STRONGEST = 0.05  # of the edges
_MARGIN = 4  # pixels, where derivatives depend on how the picture is continued
_NOISE_FACTOR, _LEAST_SLOPE = 8, 0.01  # noise levels of a slope, and per pixel: weaker edges are not looked at
_MOST_WEIGHT = 200.0  # edges of a direction count as no more, lest one long line decide
_ROUNDER = 0.05  # pull of an ellipse towards a circle
_LEAST_RATIO = 1e-2  # of squared slopes beyond 1


class Edges(NamedTuple):
    """The blur across the sharpest edges.

    Attributes
    ----------
    variances : numpy.ndarray
        Of the blur along each of 8 normals, from 0 to 180 degrees, in square pixels; NaN where there are too few edges,
        negative for lines thinner than the derivative that measures them.
    counts : numpy.ndarray
        How many edges each is measured on.
    """

    variances: np.ndarray
    counts: np.ndarray

    @property
    def are_enough(self) -> bool:
        """Whether any direction has enough edges."""
        return bool(np.isfinite(self.variances).any())


class Ellipse(NamedTuple):
    """Variances of a blur along two axes, and the angle of the major one in degrees, counted up from the rows."""

    major: float
    minor: float
    angle: float


class Ratios(NamedTuple):
    """Two slopes of each strong edge, divided by one another: how wide the edge is.

    Attributes
    ----------
    by_direction : list of numpy.ndarray
        For each of 8 normals, from 0 to 180 degrees.
    fine, more : float
        Of the smoothing, see `ratios_of`.
    """

    by_direction: list[np.ndarray]
    fine: float
    more: float

    def edges(self, quantile: float) -> Edges:
        """Return the blur across the edges at a quantile of the ratios in each direction: 1 takes the sharpest."""
        variances = np.full(DIRECTIONS, np.nan)
        for each, ratios in enumerate(self.by_direction):
            if len(ratios) >= FEWEST:
                excess = max(np.quantile(ratios, quantile) ** 2 - 1, _LEAST_RATIO)
                variances[each] = self.more**2 / excess - self.fine**2
        return Edges(variances, np.array([len(each) for each in self.by_direction]))


def ratios_of(view: View, *, fine: float, more: float) -> Ratios:
    """Measure the strongest edges of a view.

    At the crest of an edge, the slopes of the image smoothed by a Gaussian of `fine` pixels, and by one of `more`
    pixels in addition, have the ratio ``R**2 = (s**2 + fine**2 + more**2) / (s**2 + fine**2)``, where s is the
    standard deviation of the blur. So neither contrast nor noise matters much.

    Parameters
    ----------
    view : View
        Gray image on the scale [0, 1].
    fine, more : float
        In pixels.
    """
    y = view.y.float().cpu().numpy()
    slopes = _slopes(y, fine)
    size = np.hypot(*slopes)
    normal = np.arctan2(slopes[1], slopes[0])
    crest = _is_crest(size, normal) & ndi.binary_erosion(view.valid.cpu().numpy(), np.ones((3, 3)), border_value=1)
    strong = crest & (size > max(_NOISE_FACTOR * _slope_noise(y, fine), _LEAST_SLOPE))
    if strong.sum() < FEWEST:
        return Ratios([np.empty(0)] * DIRECTIONS, fine, more)
    strong &= size >= min(np.quantile(size[crest], 1 - _STRONGEST), 0.3 * size[strong].max())
    normal, size = normal[strong], size[strong]
    across, down = (each[strong] for each in _slopes(y, math.hypot(fine, more)))
    ratios = size / np.maximum(np.abs(across * np.cos(normal) + down * np.sin(normal)), 1e-9)
    direction = np.round(normal / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    return Ratios([ratios[direction == each] for each in range(DIRECTIONS)], fine, more)


def ellipse_of(edges: Edges) -> Ellipse | None:
    """Fit ``variance(t) = n(t)' S n(t)``, a little rounder than it is measured; None without edges."""
    if not edges.are_enough:
        return None
    t = np.arange(DIRECTIONS) * np.pi / DIRECTIONS
    design = np.stack([np.ones_like(t), np.cos(2 * t), np.sin(2 * t)], 1)
    weight = np.minimum(edges.counts, _MOST_WEIGHT) * np.isfinite(edges.variances)
    penalty = np.diag([0.0, 1.0, 1.0]) * _ROUNDER * weight.sum()
    weighted = design.T * weight
    mean, cosine, sine = np.linalg.solve(weighted @ design + penalty, weighted @ np.nan_to_num(edges.variances))
    difference = math.hypot(cosine, sine)
    return Ellipse(mean + difference, mean - difference, -math.degrees(math.atan2(sine, cosine) / 2))


def _slopes(y: np.ndarray, sigma: float) -> list[np.ndarray]:
    return [ndi.gaussian_filter(y, sigma, order=order) for order in ((0, 1), (1, 0))]


def _is_crest(size: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Mark where a slope is greatest along its own direction."""
    rows, columns = np.indices(size.shape, np.float32)
    down, right = np.sin(normal), np.cos(normal)
    crest = np.zeros(size.shape, bool)
    inner = (slice(_MARGIN, -_MARGIN),) * 2
    crest[inner] = True
    for sign in (1, -1):
        beside = [rows + sign * down, columns + sign * right]
        crest &= size >= ndi.map_coordinates(size, beside, order=1, mode="nearest")
    return crest


def _slope_noise(y: np.ndarray, sigma: float) -> float:
    """Return the standard deviation of the noise of slopes, from the median second difference of an image."""
    second = y[1:, 1:] - y[1:, :-1] - y[:-1, 1:] + y[:-1, :-1]
    noise = float(np.median(np.abs(second))) / 0.6745 / 2
    return noise / (math.sqrt(8 * math.pi) * sigma**2)
