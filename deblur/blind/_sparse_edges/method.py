"""Blind restoration of photographs: from a blurred image alone to a sharp one, in seconds."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal, NamedTuple

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration, certainty_of
from deblur.blind._crop import Window, cut
from deblur.blind._encoding import Encodings, harms
from deblur.blind._final_step import SEARCHING, SHARPENING, softened
from deblur.blind._judge import DOUBTFUL, SURE, flaw_of, most_harm
from deblur.blind._kernels import trimmed
from deblur.blind._picture import Picture, checked_shape, unusable_reason
from deblur.blind._settings import Settings
from deblur.nonblind import NoiseModel

from .confidence import Assessment, assess
from .judge import CLEAR
from .refit import refitted
from .rival import Rival, is_better
from .search import SearchResult, Start, begin, finish

_CAUTION = 0.02  # error assumed where the confidence is low: what a wrong PSF adds stays faint; by hand
_MORE, _LARGEST_ERROR = math.sqrt(2), 0.08  # times: larger ones are tried in turn, while they leave ripples; by hand
_SOFTENING = 0.35  # pixels, of files: cameras sharpen them, while Levin's images are raw; by hand, on Lai et al.'s
_MOST_LIGHTS = 0.03  # of the pixels: at night, hardly anything but the lights is left in linear light; by hand
_CLEARLY = 0.05  # in the gain of the first estimates, by which one encoding is clearly better; by hand
_EXACT = 45  # pixels, beyond which the error of a kernel grows with its extent; by hand, on Lai et al.'s at 55 and 75
_TRIAL_SIDE, _TRIAL_EXTENTS = 256, 4  # pixels and extents of the PSF: the window of which the light is judged,
# and how much worse it may be in linear light: of 15 photographs of BSDS500's training set that were blurred in it, two
# are worse by more, and gain as much as stored; of the 32 of Lai et al. that were blurred as stored, none by less.
_CAMERAS = 0.58
_WORSE = 0.25  # the same where another kernel was found there; by hand
_RIPPLES_SIDE = 384  # pixels of the window in which ripples are looked for
_SEARCH_SAMPLES = 1.3e6  # samples sharpened in the time of a search, measured on the cat of `deblur web`


class _Outcome(NamedTuple):
    """A search that has ended: its kernel, whether to restore in linear light, and what is wrong with a window then."""

    start: Start
    found: SearchResult
    assessment: Assessment
    psf: torch.Tensor = torch.ones(1, 1, dtype=torch.float32)
    error: float = 0.0
    is_linear: bool = False
    harm: float = math.inf

    @property
    def is_consistent(self) -> bool:
        """Whether the picture is best restored in the encoding in which the kernel was found."""
        return self.is_linear == self.start.is_linear

    @property
    def is_sure(self) -> bool:
        """Whether the kernel is likely right."""
        return self.assessment.is_usable and certainty_of(self.assessment.confidence) != "low"

    def is_confirmed(self, *, is_compressed: bool) -> bool:
        """Whether that is so, and a window is best restored in the encoding that was searched, without ripples."""
        limit = most_harm(max(self.psf.shape), DOUBTFUL if is_compressed else 0.0)
        return self.is_sure and self.is_consistent and self.harm < limit

    def allowance(self, *, is_compressed: bool) -> float:
        """Return how much more what is restored with the kernel may vary, see `flaw_of`."""
        if is_compressed or not self.is_sure:
            return DOUBTFUL
        return SURE if certainty_of(self.assessment.confidence) == "high" else 0.0


@own_state()
@torch.inference_mode()
def sparse_edges(
    image: ArrayT,
    psf_shape: int | tuple[int, int] | Literal["auto"] = "auto",
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    encoded: bool = False,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph blurred by an unknown point-spread function, from its strong edges.

    The PSF is estimated from coarse to fine by alternating two steps: a scene of few strong edges that explains the
    image (Xu, Zheng and Jia, "Unnatural L0 sparse representation for natural image deblurring", CVPR 2013), and the PSF
    that takes the edges of that scene to those of the image. Neither assumes anything about what lies outside the
    image. What this finds depends on chance, so there are many tries, and a judge: on the image at a fraction of its
    size, kernels of any size, from edges chosen by two rules (Xu and Jia, ECCV 2010; Cho and Lee, SIGGRAPH Asia 2009),
    and further ones from the best of them; at full size, small kernels. Those whose restorations are sparsest are
    refined at full size, and the best is taken. The PSF is fitted once more, to the scene that
    `deblur.nonblind.unrolled` restores with it, whose edges are as soft as those of photographs. That network restores
    the whole image. The PSF of a large image is estimated on the window with the strongest edges in
    all directions.

    Clipped lights (above 0.98 of the range, with a steep rim) are ignored when the PSF is estimated, and restored
    brighter than they are; the white of a page is no light. `deblur.blind.fast` is the former name, kept as an alias.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels; integers are scaled
        to [0, 1].
    psf_shape : "auto" or int or tuple of int
        Largest size of the PSF, odd, 3 to half the image; one for both axes or one per axis. A third too much costs
        little, too little spoils the result. By default it is estimated, up to a third of the image.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. One PSF is estimated for all of them.
    encoded : bool
        Whether the values follow the sRGB curve, as those of photographs of 8 and 16 bits do. The PSF is then estimated
        where the first estimates make the image sparser: in linear light, where a camera blurs, or in the values as
        they are, where programs do. The picture is restored where that makes no ripples, which ``details["linear"]``
        tells.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done.

    Returns
    -------
    Restoration
        The restored image, the PSF, and the confidence in it. Flat, tiny and sharp images come back with ``changed``
        false, a PSF of one pixel, and the reason.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), has NaN or infinite values, or an option
        is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.blind import sparse_edges
    >>> result = sparse_edges(np.full((64, 64), 0.5))
    >>> result.changed, result.confidence, result.reason
    (False, 0.0, 'the picture is flat: it shows no edges to estimate a blur from')
    """
    photograph = Encodings(image, channel_axis, noise_level, encoded=encoded, method="sparse-edges", weights=weights)
    picture = photograph.stored
    shape = None if psf_shape == "auto" else checked_shape(psf_shape, picture, "'auto', or ")
    report = progress or silent
    report(0.0, SEARCHING)
    reason = unusable_reason(picture)
    if reason:
        return picture.unchanged(0.0, reason, next_steps=())
    return restore_shake(photograph, shape, report)


def restore_shake(
    photograph: Encodings,
    shape: tuple[int, int] | None,
    report: Progress,
    starts: list[Start] | None = None,
    rival: Rival | None = None,
) -> Restoration:
    """Restore a photograph from which a blur can be estimated.

    Parameters
    ----------
    photograph : Encodings
        The photograph.
    shape : tuple of int or None
        The largest shape of the PSF.
    report : callable
        See `deblur._core.progress`.
    starts : list of Start, optional
        What `begun` has found.
    rival : callable, optional
        The PSF of a simpler blur that the picture shows: what is hardly better is not taken.
    """
    stored = photograph.stored
    share = _SEARCH_SAMPLES / (_SEARCH_SAMPLES + stored.y.numel())  # of the time
    starts = starts or begun(photograph, shape, span(report, 0, 0.2 * share))
    best = _searched(photograph, starts, rival, span(report, 0.2 * share, share))
    confidence, reason = best.assessment.confidence, best.assessment.reason
    if not best.assessment.is_usable:
        return stored.unchanged(confidence, reason)
    report(share, SHARPENING)
    error, flaw = _error_without_ripples(photograph, best)
    if flaw:
        return stored.unchanged(0.0, f"undoing the likeliest blur {flaw}")
    channels = photograph.restored(
        best.psf,
        error,
        best.is_linear,
        span(report, share, 1),
        has_lights=stored.has_lights,
        least_error=best.error,
    )
    is_file = photograph.light is not None
    restored = softened(channels, _SOFTENING if is_file else Settings.for_noise(stored.noise_level).softening)
    report(1.0, SHARPENING)
    details = {"linear": best.is_linear} if is_file else {}
    return stored.restored(restored, best.psf, confidence, reason, details)


def begun(photograph: Encodings, shape: tuple[int, int] | None, progress: Progress = silent) -> list[Start]:
    """Return what is found first in linear light and in the stored values, that which makes it sparser before."""
    pictures = [picture for picture, _ in photograph.pictures()]
    if float((~photograph.stored.view.valid).float().mean()) > _MOST_LIGHTS:
        pictures = [photograph.stored]
    ends = [part / len(pictures) for part in range(len(pictures) + 1)]
    starts = [
        begin(picture.view, picture.noise_level, shape, span(progress, *part))._replace(
            is_linear=picture is photograph.light
        )
        for picture, part in zip(pictures, pairwise(ends), strict=True)
    ]
    return sorted(starts, key=lambda each: each.pool.gain, reverse=True)


def _error_without_ripples(photograph: Encodings, outcome: _Outcome) -> tuple[float, str]:
    """Return the error of the PSF to assume, and what is wrong with a window even with the largest, see `flaw_of`."""
    error = outcome.error if outcome.is_sure else max(outcome.error, _CAUTION)
    if outcome.found.window.background == 1:
        return error, ""  # a page: the black of letters is far darker than anything that a blur has left of it
    stored, psf, extent = photograph.stored, outcome.psf, max(outcome.psf.shape)
    window = outcome.start.edges.window(max(_RIPPLES_SIDE, _TRIAL_EXTENTS * extent))
    while True:
        before, after = photograph.trial(psf, error, outcome.is_linear, window, has_lights=stored.has_lights)
        flaw = flaw_of(before, after, extent, allowance=outcome.allowance(is_compressed=stored.is_compressed))
        if not flaw or _MORE * error > _LARGEST_ERROR:
            return error, flaw
        error *= _MORE


def _searched(photograph: Encodings, starts: list[Start], rival: Rival | None, progress: Progress) -> _Outcome:
    """Go on from the better start, and from the other too unless a window restored with the first confirms it."""
    first, *others = starts
    outcomes = [_ended(photograph, first, rival, span(progress, 0, 1 / len(starts)))]
    is_confirmed = outcomes[0].is_confirmed(is_compressed=photograph.stored.is_compressed)
    is_clear = outcomes[0].found.margin >= CLEAR
    for other in others:
        begins_worse = other.pool.gain < first.pool.gain - _CLEARLY
        if not (is_confirmed and (is_clear or begins_worse)):
            outcomes.append(_ended(photograph, other, rival, span(progress, 0.5, 1)))
    sure = [each for each in outcomes if each.is_sure]
    if len(sure) < 2:
        return max(outcomes, key=lambda each: (each.assessment.is_usable, each.assessment.confidence))
    consistent = [each for each in sure if each.is_consistent]
    if len(consistent) == 1:
        return consistent[0]
    light, stored = sorted(sure, key=lambda each: not each.start.is_linear)
    is_sparser = light.found.gain > stored.found.gain
    return light if is_sparser and light.harm < stored.harm + _WORSE else stored


def _ended(photograph: Encodings, start: Start, rival: Rival | None, progress: Progress) -> _Outcome:
    """Finish a search, and find out where to restore the picture with its kernel."""
    start.pool.go_on(span(progress, 0, 0.4))
    found = finish(start, span(progress, 0.4, 1))
    assessment = assess(found, start.noise_level)
    settings = Settings.for_noise(start.noise_level)
    if assessment.is_usable and rival is not None and not is_better(found.best, rival(1.0), found.window, settings):
        assessment = Assessment(False, 0.0, "no shake sharpens the picture more than undoing a simpler blur")
    if not assessment.is_usable:
        return _Outcome(start, found, assessment)
    psf = _fitted(found.best.psf, photograph.blurred(start.is_linear), found.place)
    window = start.edges.window(max(_TRIAL_SIDE, _TRIAL_EXTENTS * max(psf.shape)))
    level = photograph.stored.noise_level
    error = math.sqrt(Settings.for_noise(level).assumed_noise ** 2 - level**2) / photograph.stored.averaging
    error *= max(1.0, max(psf.shape) / _EXACT)
    in_light, as_stored = harms(photograph, psf, error, window)
    is_linear = in_light < as_stored + _CAMERAS
    if is_linear != start.is_linear:  # the kernel was fitted to edges of other shapes
        psf = _fitted(psf, photograph.blurred(is_linear), found.place)
    return _Outcome(start, found, assessment, psf, error, is_linear, min(in_light, as_stored))


def _fitted(psf: torch.Tensor, picture: Picture, place: Window) -> torch.Tensor:
    """Fit a PSF once more, to a part of the picture in the encoding in which it is given."""
    return trimmed(refitted(psf, cut(picture.view, place), Settings.for_noise(picture.noise_level)))


fast = sparse_edges
