"""Blind restoration of photographs: from a blurred picture alone to a sharp one, in seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch

from ._crop import cut, telling_window
from ._final_step import refitted, sharpen_all
from ._judge import judge, obstacle
from ._kernel_step import trimmed
from ._picture import Picture, checked_shape
from ._result import BlindResult
from ._search import Settings, search

Progress = Callable[[float, str], None]
"""``progress(part, what)``: the part of the work that is done, and what is being done."""

_WINDOW = 416  # pixels
_SEARCH = 1.3e6  # samples, which are sharpened in the time that the kernel takes to find: the cat of deblur web


@torch.inference_mode()
def fast(
    image: Any,
    psf_shape: int | tuple[int, int] | Literal["auto"] = "auto",
    *,
    noise_level: float | None = None,
    channel_axis: int | None = None,
    progress: Progress | None = None,
) -> BlindResult:
    """Restore a photograph blurred by a point-spread function that is not known.

    The PSF is estimated from coarse to fine: a scene of few strong edges that explains the picture (Xu, Zheng and Jia,
    "Unnatural L0 sparse representation for natural image deblurring", CVPR 2013), and the PSF that takes the edges of
    that scene to those of the picture, in turns, both without a guess at what lies past the frame. A look at half
    the size tells which sizes to try, and the smallest is taken that makes as sparse a picture as the larger ones.
    Large kernels are found at half the size, and refined. Where there is hardly any noise, the PSF is fitted once more,
    to the scene that `deblur.nonblind.unrolled` makes with it, whose edges are as soft as those of photographs. That
    network restores the whole picture. Of large pictures, the kernel is estimated on the window that tells most.

    Clipped highlights (above 0.98 of the range) tell nothing of the kernel, and are restored as brighter than they are.
    Pictures should be as the file has them, with their gamma.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels; integers are scaled
        to [0, 1].
    psf_shape : "auto" or int or tuple of int
        Largest size that the PSF may have, odd, 3 to half the picture; one for both axes or one each. A third too much
        costs little, too little spoils the result. By default it is found, up to 91.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    channel_axis : int, optional
        Axis of the channels, if there is one. One PSF is estimated for all of them.
    progress : callable, optional
        ``progress(part, what)`` is told the part of the work that is done, 0 to 1, and what is being done.

    Returns
    -------
    BlindResult
        The restored image, the PSF, and how far to believe them. Where there is nothing to undo or to go by (flat,
        tiny or sharp pictures), the image is the one given, the PSF is no blur, and the reason says why.

    Raises
    ------
    TypeError, ValueError
        If the image is no real array of two axes and perhaps a channel axis, has NaN or infinite values, or an option
        is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.blind import fast
    >>> result = fast(np.full((64, 64), 0.5))
    >>> result.confidence, result.reason
    (0.0, 'the picture is flat: it shows no edges to estimate a blur from')
    """
    picture = Picture(image, channel_axis, noise_level)
    shape = None if psf_shape == "auto" else checked_shape(psf_shape, picture, "'auto', or ")
    report = progress or (lambda part, what: None)
    report(0.0, "looking for the blur")
    reason = obstacle(picture)
    if reason:
        return picture.unchanged(0.0, reason)
    settings = Settings.for_noise(picture.noise_level)
    view = cut(picture.view, telling_window(picture.view, _WINDOW))
    share = _SEARCH / (_SEARCH + picture.y.numel())  # of the time
    found = search(view, settings, shape, lambda part: report(share * part, "looking for the blur"))
    verdict = judge(found)
    if not verdict.restores:
        return picture.unchanged(verdict.confidence, verdict.reason)
    psf = trimmed(refitted(found.best.psf, view, settings))
    report(share, "sharpening")
    restored = sharpen_all(picture.y, psf, settings, lambda part: report(share + (1 - share) * part, "sharpening"))
    report(1.0, "sharpening")
    return picture.restored(restored, psf, verdict.confidence, verdict.reason)
