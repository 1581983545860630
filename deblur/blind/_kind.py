"""What kind of blur a photograph has: none, softness, a lens out of focus, straight motion, or a shake."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np
import torch

from deblur import psf

from ._autocorrelation import Ridge, estimate_motion, ridge_of
from ._crop import StrongEdges, cut
from ._edges import Ellipse
from ._encoding import Encodings
from ._picture import Picture
from ._sharpness import Sharpness, root, sharpness_of, softness_of
from ._spectrum import BLOCK, Fit, Spectrum

Kind = Literal["none", "soft", "focus", "motion", "shake"]

LEAST_SOFTNESS = 0.8
"""Pixels of the width of edges, below which a picture is hardly soft."""
SIDE = 512  # pixels of the windows that are looked at, by hand: as many blocks as a spectrum needs
_SCALES = (1, 2, 4)  # blurs of more than about 10 pixels are read at a half or a quarter of the size

# Chosen on photographs of scikit-image and BSDS500's training set, by 26 blurs as PNG and JPEG, blurred in linear light
# and as stored; python -m benchmarks.quality.blur_kinds measures the table that follows from them on others.
_FOCUS_EVIDENCE, _SOME_FOCUS, _AS_WIDE = 0.16, 0.07, (1.3, 4.0)
"""Evidence for a disk, and less that suffices where its radius is so many times the width of the edges."""
_MOTION_EVIDENCE, _RIDGE_WEIGHT, _CLEAR_RIDGE = 1.76, 2.4, 0.64
_LEAST_RADIUS = 1.2  # of the width of edges, which a disk makes half as wide as its radius
_LEAST_HALF = 0.75  # pixels at half the size: motions of 8 pixels and more are wider, rows of bricks are not,
_ZEROS = 0.5  # unless there is so much evidence of a spectrum, which rows of bricks have not
_CAMERAS = 0.1  # of evidence
_SOFT = (3.7, -2.46, -2.34, 2.76, 41.8, -6.42)
"""Weights of the widths at three sizes, of minor / major axis and of the ring, and a constant."""
_NARROW, _GONE, _ROUND = 0.82, 0.8, 0.75
"""Half / full width, width at a quarter in pixels, minor / major axis: of a softness of about one pixel."""

_LEVELS, _FLAT = 64, 0.25  # of the range, and share of the pixels in two of them: of photographs 1 in 12 has more
_NARROWEST = 0.3  # pixels
_POINT = 0.1  # pixels: the least standard deviation of a Gaussian
_DOUBTFUL_MOTION = 0.15  # evidence: of photographs of BSDS that were moved straight, 4 of 74 have less; by hand

# Where the length of a motion comes from: by hand, on the same.
_LONG, _SHORT = 15.0, 4.0  # pixels, from which on the autocorrelation has a separate peak, and a spectrum zeros
_CLEAR_PEAK = 5.0  # standard deviations
_SOME_EVIDENCE, _SURE_EVIDENCE = 0.3, 0.5  # of a spectrum: it is right about the length, and exact
_NEAR = 0.2  # as the logarithm of the quotient of two lengths that are about the same


class Disk(NamedTuple):
    """A disk as it was read: whether in linear light, the evidence for it, and its radius in pixels."""

    is_linear: bool
    evidence: float
    radius: float

    @property
    def is_clear(self) -> bool:
        """Whether it is a disk, and not a Gaussian."""
        return self.evidence > _FOCUS_EVIDENCE

    @property
    def confidence(self) -> float:
        """1 from where it is clear."""
        return float(np.clip(self.evidence / _FOCUS_EVIDENCE, 0, 1))


class Motion(NamedTuple):
    """A straight motion as it was read.

    Attributes
    ----------
    is_linear : bool
        Whether it was read in linear light.
    evidence : float
        Of the spectrum, see `Fit`.
    length, angle : float
        In pixels and degrees, as `deblur.psf.motion` takes them.
    ridge : float
        Strength of the autocorrelation's ridge along it.
    """

    is_linear: bool
    evidence: float
    length: float
    angle: float
    ridge: float

    @property
    def is_clear(self) -> bool:
        """Whether it is a motion, and not a shake that is nearly straight."""
        return self._score > _MOTION_EVIDENCE or (self.evidence > 0 and self.ridge > _CLEAR_RIDGE)

    @property
    def confidence(self) -> float:
        """1 from a quarter more than is clear."""
        return float(np.clip(max(self._score / _MOTION_EVIDENCE, self.ridge / _CLEAR_RIDGE) - 0.25, 0, 1))

    @property
    def _score(self) -> float:
        return self.evidence + _RIDGE_WEIGHT * self.ridge


class Reader:
    """What can be read of the blur of a photograph; each reading is made when it is asked for.

    Parameters
    ----------
    photograph : Encodings
        128 pixels per side or more, see `too_small`.
    """

    def __init__(self, photograph: Encodings) -> None:
        self.photograph = photograph
        self.edges = StrongEdges(photograph.stored.unclipped)

    @functools.cached_property
    def sharpness(self) -> Sharpness:
        """Widths of the sharpest edges."""
        return sharpness_of(self.photograph.stored)

    @functools.cached_property
    def softness(self) -> Ellipse | None:
        """Variances of the blur across the sharpest edges; None without edges."""
        return softness_of(self.edges, self.sharpness)

    @functools.cached_property
    def disk(self) -> Disk:
        """The disk with the most evidence."""
        fits = [(self._spectra[key].disk(), *key) for key in self._spectra]
        fit, is_linear, scale = _best(fits)
        return Disk(is_linear, fit.evidence, scale * fit.parameters[0])

    @functools.cached_property
    def motion(self) -> Motion:
        """The straight motion with the most evidence; its length by the autocorrelation, if that is clear."""
        rough, _, scale = _best(self._motions({size: (ridge.angle, None) for size, ridge in self._ridges.items()}))
        length, angle = scale * rough.parameters[0], rough.parameters[1]
        peaks = [
            found._replace(length=size * found.length)
            for size, ridge in self._ridges.items()
            if (found := estimate_motion(self._views[False, size], ridge.angle)).z_score >= _CLEAR_PEAK
        ]
        peaks = [each for each in peaks if each.length >= _LONG or rough.evidence < _SOME_EVIDENCE]
        if rough.evidence >= _SOME_EVIDENCE:
            peaks = [each for each in peaks if abs(math.log(each.length / length)) < _NEAR]
        if peaks:
            length, angle, _ = max(peaks, key=lambda each: (each.length >= _LONG) * each.z_score)
        finer, is_linear = self._refined(length, angle)
        if finer.evidence >= _SURE_EVIDENCE:
            finer, is_linear = self._refined(*finer.parameters)  # the first may have been off by more than is looked at
            length, angle = finer.parameters
        ridge = max(each.strength for size, each in self._ridges.items() if size <= 2)
        return Motion(is_linear, max(rough.evidence, finer.evidence), length, angle, ridge)

    def _refined(self, length: float, angle: float) -> tuple[Fit, bool]:
        """Return the motion near these that fits best, and whether in linear light."""
        about = {size: (angle, length / size) for size in self._ridges if length >= _SHORT * size}
        fit, is_linear, scale = _best(self._motions(about))
        return Fit(fit.evidence, (scale * fit.parameters[0], fit.parameters[1])), is_linear

    def _motions(self, about: Mapping[int, tuple[float, float | None]]) -> list[tuple[Fit, bool, int]]:
        """Return the motion that fits each spectrum best, of about an angle and a length at each scale."""
        return [
            (spectrum.motion(*about[scale]), is_linear, scale)
            for (is_linear, scale), spectrum in self._spectra.items()
            if scale in about
        ]

    @functools.cached_property
    def kind(self) -> Kind:
        """The kind of the blur."""
        is_sharp = self.sharpness.verdict == "sharp"
        if is_sharp and not self.is_flat:
            return "none"
        if self._is_out_of_focus and self.disk.evidence > self.motion.evidence:
            return "focus"
        is_wide = self.motion.evidence > _ZEROS or not self.sharpness.half < _LEAST_HALF
        if self.motion.is_clear and is_wide:
            return "motion"
        if is_sharp:
            return "none"
        return "soft" if self._is_soft else "shake"

    @property
    def may_be_shaken(self) -> bool:
        """Whether a soft picture, or one that was moved straight, may have been shaken by more than it shows."""
        if self.kind == "motion":
            return self.motion.evidence < _DOUBTFUL_MOTION
        return self.kind == "soft" and self.softness is not None and root(self.softness.major) >= LEAST_SOFTNESS

    def simple_psf(self, factor: float = 1.0) -> np.ndarray:
        """Return the PSF of the straight motion or the softness that was read, of the picture shrunk by a factor."""
        if self.kind == "motion" or self.softness is None:
            return psf.motion(max(self.motion.length / factor, 1.0), self.motion.angle)
        major, minor, angle = self.softness
        sigmas = tuple(max(root(variance) / factor, _POINT) for variance in (minor, major))
        return psf.gaussian(sigmas, angle=angle)

    @functools.cached_property
    def is_flat(self) -> bool:
        """Whether much of the picture has one brightness, as pages and screens have.

        Their edges tell little of a shake: a thin path leaves sharp ones.
        """
        values = self.photograph.stored.view.y.flatten()
        counts = torch.histc(values, _LEVELS, 0, 1)
        return float((counts[1:] + counts[:-1]).max()) > _FLAT * values.numel()

    @property
    def _is_out_of_focus(self) -> bool:
        """Whether a disk is clear, or there is some evidence and it is as wide as the edges say."""
        if self.disk.radius < _LEAST_RADIUS * self.sharpness.full:
            return False
        if self.disk.is_clear or self.softness is None:
            return self.disk.is_clear
        least, most = _AS_WIDE
        width = max(root(self.softness.major), _NARROWEST)
        return self.disk.evidence > _SOME_FOCUS and least < self.disk.radius / width < most

    @property
    def _is_soft(self) -> bool:
        """Whether the edges are as wide as those of a Gaussian at every size, in every direction."""
        full, half, quarter = (0.5 if math.isnan(each) else each for each in self.sharpness[1:4])
        if max(half, quarter) > full:  # the traces of small lights are thin, and what they leave of the rest is wide
            return False
        ellipse = self.sharpness.ellipse
        roundness = 0.0 if ellipse is None else root(ellipse.minor) / max(root(ellipse.major), 0.3)
        if half < _NARROW * full and quarter < _GONE and roundness > _ROUND:
            return True
        return float(np.dot(_SOFT, [full, half, quarter, roundness, self._ridges[1].ring, 1.0])) > 0

    @functools.cached_property
    def _views(self) -> dict[tuple[bool, int], np.ndarray]:
        """The windows that are looked at, by encoding and scale."""
        views = {}
        for scale in _SCALES:
            window = self.edges.window(SIDE * scale)
            for picture, is_linear in self.photograph.pictures():
                view = cut(picture.unclipped, window).shrunk(scale)
                if scale == 1 or min(view.y.shape) >= BLOCK:
                    views[is_linear, scale] = view.y.double().cpu().numpy()
        return views

    @functools.cached_property
    def _spectra(self) -> dict[tuple[bool, int], Spectrum]:
        return {key: Spectrum(y) for key, y in self._views.items()}

    @functools.cached_property
    def _ridges(self) -> dict[int, Ridge]:
        return {scale: ridge_of(y) for (is_linear, scale), y in self._views.items() if not is_linear}


def _best(fits: list[tuple[Fit, bool, int]]) -> tuple[Fit, bool, int]:
    """Return the fit with the most evidence; where it is about the same, that in linear light, where cameras blur."""
    return max(fits, key=lambda each: each[0].evidence + _CAMERAS * each[1])


def too_small(picture: Picture) -> str:
    """Return why no kind of blur can be read from a picture; empty if one can."""
    if min(picture.unclipped.y.shape) >= BLOCK:
        return ""
    return f"the picture is too small to read its blur: that needs {BLOCK} pixels per side"
