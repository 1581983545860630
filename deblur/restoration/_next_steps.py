"""What to try next where a blind method has left a picture as it was."""

from __future__ import annotations

import math
from typing import Literal

from deblur._result import Restoration

from ._registry import BLURS

Step = Literal["smaller", "shake", "focus", "motion", "size", "crop", "psf"]
"""A smaller copy, another kind of blur, the size of the PSF, a part, a PSF that is known.

Front ends put them in their own words. A method that knows better gives its own as ``details["next_steps"]``.
"""

_BLURS: tuple[Step, ...] = ("shake", "focus", "motion")
_READ_FROM_EDGES = ("none", "soft")  # whose sharpest edges are narrow, as a shake with a bright end leaves them too
_LARGE = 1.5e6  # pixels: more have blurs that are larger than what is searched for, by hand


def next_steps(made: Restoration, channel_axis: int | None, *, is_sized: bool) -> tuple[Step, ...]:
    """Return what to try, the likeliest first.

    Parameters
    ----------
    made : Restoration
        The result of a blind method, unchanged.
    channel_axis : int or None
        Axis of the channels of its image.
    is_sized : bool
        Whether the size of the PSF was given, or does not matter to the method.
    """
    shape = list(made.image.shape)
    if channel_axis is not None:
        del shape[channel_axis]
    if made.details.get("blur") in _READ_FROM_EDGES:
        return ("shake",)
    steps: list[Step] = ["smaller"] if math.prod(shape) > _LARGE else []
    if "blur" not in made.details:  # which only a method has that has tried all kinds
        steps += [step for step in _BLURS if BLURS[step] != made.method]
    if not is_sized:
        steps.append("size")
    return (*steps, "crop", "psf")
