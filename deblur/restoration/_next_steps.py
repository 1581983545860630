"""What to try next where a blind method has left a picture as it was."""

from __future__ import annotations

import math
from typing import Literal

from deblur._result import Restoration
from deblur.blind._picture import FEWEST_PIXELS

Step = Literal["smaller", "focus", "motion", "size", "crop", "mask", "psf"]
"""A smaller copy, another kind of blur, the size of the PSF, a part, a mask of what moved, a PSF that is known.

Front ends put them in their own words. A method that knows better gives its own as ``details["next_steps"]``.
"""

_LARGE = 1.5e6  # pixels: more have blurs that are larger than what is searched for, by hand


def next_steps(made: Restoration, channel_axis: int | None, *, is_sized: bool) -> tuple[Step, ...]:
    """Return what to try, the likeliest first; nothing for a picture that shows nothing.

    Parameters
    ----------
    made : Restoration
        The result of a blind method, unchanged.
    channel_axis : int or None
        Axis of the channels of its image.
    is_sized : bool
        Whether the size of the PSF was given.
    """
    shape = list(made.image.shape)
    if channel_axis is not None:
        del shape[channel_axis]
    if min(shape) < FEWEST_PIXELS or float(made.image.max()) == float(made.image.min()):
        return ()
    steps: list[Step] = ["smaller"] if math.prod(shape) > _LARGE else []
    if "blur" not in made.details:  # which only a method has that has tried all kinds
        steps += [step for step, method in _METHODS.items() if method != made.method]
    if not is_sized:
        steps.append("size")
    return (*steps, "crop", "psf")


_METHODS: dict[Step, str] = {"focus": "defocus", "motion": "motion"}
