"""Photographs with a blur of any kind: what it is, and the method for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch

from deblur._core.arrays import Array, ArrayT
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.nonblind import NoiseModel

from ._encoding import Encodings
from ._final_step import SEARCHING, SHARPENING
from ._kind import Kind, Reader, too_small
from ._parametric import WIDE, Found, find_disk, find_motion, find_softness, sharpened
from ._picture import checked_shape, unusable_reason
from ._sparse_edges.method import begun, restore_shake
from ._sparse_edges.rival import begins_better
from ._sparse_edges.search import Start

_FIND: dict[Kind, Callable[[Reader], Found]] = {"focus": find_disk, "motion": find_motion, "soft": find_softness}
_CERTAIN = {"none", "soft"}  # which are as sure of a blur that is something else, and give way to a doubtful shake
_SHARP_PAGE = 0.15  # pixels, of the edges of sharp pages: blurs of all kinds leave more; by hand
_BEGINNING = 0.2  # of the time, for the first kernels of a shake
_LEAST = 0.35  # confidence with which another kind is tried where no shake is found; by hand: .5 is clear


@own_state()
@torch.inference_mode()
def blind(
    image: ArrayT,
    psf_shape: int | tuple[int, int] | Literal["auto"] = "auto",
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    encoded: bool = False,
    progress: Progress | None = None,
) -> Restoration:
    """Restore a photograph with a blur of any kind: read what it is, and restore by the method for it.

    The widths of the sharpest edges tell a sharp picture from a blurred one; the zeros of the spectrum a lens out of
    focus (`defocus`), together with the ridge of the autocorrelation a straight motion (`motion`); edges that are a
    little wide in all directions a soft picture (`soft`). What is left was shaken (`sparse_edges`). Where a disk, a
    motion or a Gaussian makes ripples, or a method finds nothing, the next likely one is tried; where none restores
    the picture, it comes back as it was.

    Parameters
    ----------
    image, noise_level, weights, channel_axis, encoded, progress
        See `deblur.blind.defocus`; here a picture of less than 128 pixels per side is taken to be shaken.
    psf_shape : "auto" or int or tuple of int
        Largest size of the PSF of a shake, see `deblur.blind.sparse_edges`.

    Returns
    -------
    Restoration
        ``details["blur"]`` is the kind of the blur: "none", "soft", "focus", "motion" or "shake"; None where it cannot
        be told, as of a flat picture. `reason` says it in words.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), has NaN or infinite values, or an option
        is out of range.

    Examples
    --------
    >>> from skimage.data import camera
    >>> from deblur.blind import blind
    >>> result = blind(camera()[::2, ::2])
    >>> result.changed, result.details["blur"], result.reason
    (False, 'none', 'the picture is already sharp')
    """
    photograph = Encodings(image, channel_axis, noise_level, encoded=encoded, method="blind", weights=weights)
    picture = photograph.stored
    shape = None if psf_shape == "auto" else checked_shape(psf_shape, picture, "'auto', or ")
    report = progress or silent
    report(0.0, SEARCHING)
    reason = unusable_reason(picture)
    if reason:
        return _described(picture.unchanged(0.0, reason, next_steps=()), None)
    if too_small(picture):
        return _described(restore_shake(photograph, shape, report), "shake")
    reader = Reader(photograph)
    starts: list[Start] = []
    if reader.may_be_shaken:
        starts = begun(photograph, shape, span(report, 0, _BEGINNING))
        report = span(report, _BEGINNING, 1)
    kinds = _likely(reader, starts)
    outcomes: list[Restoration] = []
    for number, kind in enumerate(kinds):
        part = span(report, number / len(kinds), (number + 1) / len(kinds))
        made = _described(_tried(kind, reader, shape, part, starts), kind)
        outcomes.append(made)
        is_enough = made.certainty != "low" or not _CERTAIN.isdisjoint(kinds)
        if made.changed and is_enough:
            break
    report(1.0, SHARPENING)
    return max(outcomes, key=lambda made: (made.changed, made.details["blur"] == "none", made.confidence))


def _tried(
    kind: Kind, reader: Reader, shape: tuple[int, int] | None, progress: Progress, starts: list[Start]
) -> Restoration:
    """Restore a picture from a kind of blur, or return it unchanged."""
    photograph = reader.photograph
    if kind == "none":
        return photograph.stored.unchanged(0.0, "the picture is already sharp")
    if kind == "shake":
        rival = reader.simple_psf if reader.may_be_shaken else None
        return restore_shake(photograph, shape, progress, starts, rival)
    return sharpened(reader, _FIND[kind](reader), progress)


def _likely(reader: Reader, starts: list[Start]) -> list[Kind]:
    """Return the kinds to try, in turn; of what may have been shaken, by what a search has found first."""
    if reader.kind == "none":
        return ["shake", "none"] if reader.is_flat and not reader.sharpness.full < _SHARP_PAGE else ["none"]
    if starts and (reader.kind == "motion" or reader.is_flat or begins_better(starts[0], reader.simple_psf)):
        return ["shake", reader.kind]  # which the search may find to be hardly better
    if reader.kind == "soft":
        return ["soft"]
    if reader.kind != "shake":
        return [reader.kind, "shake"]
    others: list[tuple[float, Kind]] = [(reader.disk.confidence, "focus"), (reader.motion.confidence, "motion")]
    return ["shake", *(kind for confidence, kind in sorted(others, reverse=True) if confidence > _LEAST)]


def _described(made: Restoration, kind: Kind | None) -> Restoration:
    """Return a result that says what kind of blur there is, and how large it is where it was read."""
    details = {**made.details, "blur": kind}
    if not made.changed:
        return replace(made, details=details)
    said = {"shake": "shaken"}
    if kind == "focus":
        said[kind] = f"out of focus, by a disk of radius {details['radius']:.1f} pixels"
    if kind == "motion":
        said[kind] = f"moved straight, by {details['length']:.0f} pixels at {details['angle']:.0f} degrees"
    if kind == "soft":
        major, minor = details["sigma"]
        amount = "a little soft" if major < WIDE else "soft"
        # Which does not say what it was, since a small disk leaves edges like a Gaussian's.
        said[kind] = f"{amount}; a Gaussian of {major:.1f} x {minor:.1f} pixels was undone"
    reason = "; ".join(filter(None, [said.get(str(kind), ""), made.reason]))
    return replace(made, details=details, reason=reason)
