"""Mending of measured point-spread functions: what is surely wrong with one, and what it should be."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from deblur._core.arrays import ArrayT, as_float_tensor

from ._adjust import NEGATIVE_TOLERANCE, center, validate
from ._background import background_of, inverted
from ._position import distance_of_light, from_corner, without_dark_rim

DEEPEST_LOBE = 0.05
"""Negative values down to this fraction of the peak are ripples of processing; deeper ones are no light at all."""

_CLIPPED = 4  # pixels of exactly the largest value, where others are noisy: a photograph with clipped highlights
_NAMES = (
    ("columns", "to the left", "to the right"),
    ("rows", "up", "down"),
    ("planes", "earlier", "later"),
)  # from the last


class Prepared(NamedTuple):
    """A point-spread function that is ready for use, and what was done to it.

    Attributes
    ----------
    psf : numpy.ndarray or torch.Tensor
        Of the kind that was given, one to three axes, non-negative, centered on index k//2 of every axis.
    notes : tuple of str
        A sentence for each thing that was mended; empty if nothing was.
    """

    psf: Any
    notes: tuple[str, ...]


def mend(psf: ArrayT) -> Prepared:
    """Mend what is certainly wrong with a measured point-spread function.

    It removes an offset or noise around the kernel, inverts a kernel that is dark on a bright ground, moves one with
    its center in the corner (as FFTs have it) or away from its light to the middle, and sets small negative values, as
    filters leave them, to 0. Each is done only where it is certain: a kernel whose center lies within its light stays
    where it is, however asymmetrical, and a smooth tail is no background. Rims of exact zeros are cut off.

    Parameters
    ----------
    psf : numpy.ndarray or torch.Tensor
        One to three axes, in any unit; all of it is one point-spread function.

    Returns
    -------
    Prepared
        The point-spread function, of sum 1 where it was inverted or lost a background, and what was mended. Where
        nothing was, the values are those given, not scaled, and without a rim of zeros it is the array given.

    Raises
    ------
    TypeError
        If `psf` is not a real array.
    ValueError
        If it cannot be one: it is all zero, has NaN or infinite values, more than three axes, or negative values
        deeper than 5 % of its peak.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> measured = psf.disk(3, 21) + 0.01
    >>> mended = psf.mend(measured)
    >>> mended.notes
    ('the PSF stood on an offset of 22 % of its peak, 82 % of its sum; it was subtracted',)
    >>> mended.psf.shape, bool(np.allclose(mended.psf, psf.disk(3)))
    ((7, 7), True)
    >>> psf.mend(psf.motion(5)).notes
    ()
    """
    return mended(psf, "psf")


def mended(psf: ArrayT, name: str) -> Prepared:
    """Do what `mend` does, with the name of the array in error messages."""
    tensor, to_input_kind = as_float_tensor(psf, name)
    if not 1 <= tensor.ndim <= 3:
        raise ValueError(f"{name} must have 1 to 3 axes, got shape {tuple(tensor.shape)}")
    given = tensor.detach().cpu().double().numpy()
    if not np.isfinite(given).all():
        raise ValueError(f"{name} must be finite, got NaN or infinite values")
    if not given.any():
        raise ValueError(f"{name} is all zero; it must have a sum above 0")
    values = given
    notes: list[str] = []
    for step in (_brightened, _moved_from_corner, _without_background, _without_lobes, _moved_to_center):
        values, note = step(values)
        notes += note
    _refuse_negative(values, name)
    rim = without_dark_rim(values)
    if not notes:
        whole = all(part.stop - part.start == size for part, size in zip(rim, given.shape, strict=True))
        return Prepared(psf if whole else psf[rim], ())
    return Prepared(to_input_kind(tensor.new_tensor(values[rim])), tuple(notes))


def percent(share: float) -> str:
    """Write a share as ``0.12 %``, ``3.4 %`` or ``98 %``."""
    return f"{100 * share:.0f} %" if abs(share) >= 0.1 else f"{100 * share:.2g} %"


def _brightened(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    kernel = inverted(values)
    if kernel is None:
        return values, []
    return kernel / kernel.sum(), ["the PSF was dark on a bright ground; it was inverted"]


def _moved_from_corner(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    rolled = from_corner(values)
    if rolled is None:
        return values, []
    return rolled, ["the PSF's center was in the corner, as FFTs have it; it was moved to the middle"]


def _without_background(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    found = background_of(values)
    if found is None:
        return values, []
    top = float(values.max())
    share = f"{percent(found.share)} of its sum"
    if found.noise > abs(found.level):
        notes = [f"the PSF had noise around it, {share}; it was set to 0"]
    else:
        notes = [f"the PSF stood on an offset of {percent(found.level / top)} of its peak, {share}; it was subtracted"]
    if found.noise > 1e-6 * top and np.count_nonzero(values == top) >= _CLIPPED:
        notes.append("the PSF's brightest pixels are clipped, so its peak is too flat; measure it with less exposure")
    return found.kernel / found.kernel.sum(), notes  # the sum of a file with a background has no meaning


def _without_lobes(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    low, high = float(values.min()), float(values.max())
    if low >= -NEGATIVE_TOLERANCE * max(high, 0.0):
        return values, []
    if low < -DEEPEST_LOBE * high:
        return values, []
    return values.clip(min=0), [
        f"the PSF had negative values, down to {percent(low / high)} of its peak; they were set to 0"
    ]


def _refuse_negative(values: np.ndarray, name: str) -> None:
    low, high = float(values.min()), float(values.max())
    if low < -DEEPEST_LOBE * max(high, 0.0):
        raise ValueError(
            f"{name} must not be negative, got a smallest value of {low:.3g} with a largest of {high:.3g}; "
            f"ripples of up to {100 * DEEPEST_LOBE:.0f} % of the peak are set to 0, and more is no ripple"
        )
    validate(values, name=name)


def _moved_to_center(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    if values.sum() <= 0:
        return values, []
    distance = distance_of_light(values)
    if not any(distance):
        return values, []
    words: list[str] = []
    for steps, (name, before, after) in zip(distance[::-1], _NAMES, strict=False):
        if steps:
            count = f"{abs(steps)} {name if abs(steps) > 1 else name[:-1]}"
            words.insert(0, f"{count} {before if steps < 0 else after}")
    return center(values), [f"the PSF was off center, {' and '.join(words)}; it was moved to the middle"]
