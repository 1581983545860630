"""`deblur.restore_photo`: a picture file in memory, page by page."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from deblur import photo
from deblur._core.progress import Progress, span
from deblur._result import Restoration
from deblur.photo import Photo
from deblur.restoration._plan import make_plan
from deblur.restoration._policy import check_psf_array, kind_of_file, policy_for
from deblur.restoration._run import restore_window

Box = tuple[slice, slice]

_PREVIEW_HALO = 16  # pixels beyond half the PSF: narrower than the halo of a window, so that a preview is quick


def restore_photo(
    blurred: Photo | str | os.PathLike[str],
    psf: np.ndarray | None = None,
    *,
    method: str = "auto",
    noise_level: float | None = None,
    linear: bool | None = None,
    saturation: float | Literal["auto"] | None = "auto",
    box: Box | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Restoration:
    """Restore a photograph, or each page of a stack of them, as the command ``deblur restore`` does.

    Parameters
    ----------
    blurred : deblur.photo.Photo or path-like
        A photograph as `deblur.photo.read` returns it, or the path of its file.
    psf : numpy.ndarray, optional
        Point-spread function of two axes, or of three for a stack that is a volume; scaled to sum 1. If None, it is
        estimated, for each page.
    method : str
        A name of `deblur.methods`, or ``"auto"``; see `deblur.restore`.
    noise_level : float, optional
        Standard deviation of the noise as a fraction of the full range, in linear light where that is restored;
        estimated if None.
    linear : bool, optional
        Whether to decode the sRGB curve before and encode it after. By default photographs of 8 and 16 bits are, if the
        PSF is given (a camera blurs light; the blind methods were tuned on the values that files have); stacks and the
        files of instruments are not.
    saturation : float, None or "auto"
        Value from which on samples are clipped; ``"auto"`` is 0.98 of the range for photographs of 8 and 16 bits, and
        None for anything else.
    box : tuple of slice, optional
        Rows and columns to restore instead of the whole picture, for a preview.
    device : str or torch.device, optional
        Where to compute, see `deblur.restore`.
    progress : callable, optional
        ``progress(fraction, stage)``, see `deblur.restore`.
    **options
        Further options of the method.

    Returns
    -------
    Restoration
        Its `photo` is the restored photograph with all metadata; `image` are the pixels of that. Of a stack, `method`,
        `confidence` and `reason` are those of the page with the least confidence, and ``details["pages"]`` lists all.

    Raises
    ------
    OSError, TypeError, ValueError
        If a file cannot be read, the PSF does not fit the photograph, or `deblur.restore` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> import deblur
    >>> from deblur.photo import Photo
    >>> blurred = Photo(np.random.default_rng(0).random((64, 64, 3)), channel_axis=-1)
    >>> result = deblur.restore_photo(blurred, deblur.psf.disk(2), method="wiener")
    >>> result.photo.pixels.shape, result.details["linear"]
    ((64, 64, 3), True)
    """
    start = time.perf_counter()
    blurred = _opened(blurred)
    if "channel_axis" in options:
        raise TypeError("a photograph has its own channel_axis: leave it out")
    space = blurred.pixels.shape if blurred.channel_axis is None else blurred.pixels.shape[:-1]
    if psf is not None:
        check_fit(psf, space)
    if noise_level is not None:
        options["noise_level"] = noise_level
    kind = kind_of_file(measured=blurred.measured, axes=len(space))
    policy = policy_for(kind, blurred.dtype, psf, linear=linear, saturation=saturation)
    ndim = 2 if psf is None else psf.ndim
    plan = make_plan(policy, space[-ndim:], method=method, channel_axis=blurred.channel_axis, device=device, **options)
    restore: Callable[..., Restoration] = lambda pixels, part: restore_window(plan, pixels, part)  # noqa: E731
    if box is not None:
        if psf is None or blurred.is_stack:
            raise ValueError("box needs a picture of one page and a psf")
        pixels, inner = _surroundings(blurred.pixels, psf, _within(box, space))
        made = restore(pixels, progress)
        made = replace(made, image=np.ascontiguousarray(made.image[inner]))
        sharp = replace(blurred, pixels=made.image, alpha=None)
    else:
        made = _page_by_page(restore, blurred.pixels, ndim + (blurred.channel_axis is not None), progress)
        sharp = replace(blurred, pixels=made.image) if made.changed else blurred
    return replace(made, photo=sharp, seconds=time.perf_counter() - start)


def _opened(blurred: Any) -> Photo:
    if isinstance(blurred, Photo):
        return blurred
    if not isinstance(blurred, str | os.PathLike):
        given = type(blurred).__name__
        raise TypeError(f"blurred must be a Photo or the path of a picture, got {given}; deblur.restore takes arrays")
    return photo.read(blurred)


def check_fit(psf: np.ndarray, space: tuple[int, ...]) -> None:
    """Raise an error unless a PSF has two or three axes, no more than an image of this shape, and is no larger."""
    check_psf_array(psf)
    if psf.ndim not in (2, 3):
        raise ValueError(f"a PSF for pictures has 2 axes, or 3 for stacks; it has {psf.ndim}")
    if psf.ndim > len(space):
        raise ValueError("it has one page, and a PSF of 3 axes is for stacks; give one of 2 axes")
    space = space[len(space) - psf.ndim :]
    if any(side > size for side, size in zip(psf.shape, space, strict=True)):
        kernel, size = (" x ".join(map(str, each)) for each in (psf.shape, space))
        raise ValueError(f"the PSF is larger than the picture: {kernel} against {size} pixels")


def _page_by_page(
    restore: Callable[..., Restoration], pixels: np.ndarray, ndim: int, progress: Progress | None
) -> Restoration:
    """Restore arrays of `ndim` axes, of which there are several if there is one axis more."""
    if pixels.ndim == ndim:
        return restore(pixels, progress)
    count = len(pixels)
    pages = [restore(page, span(progress, number / count, (number + 1) / count)) for number, page in enumerate(pixels)]
    least = min(pages, key=lambda each: each.confidence or 0.0)
    levels = [each.noise_level for each in pages if each.noise_level is not None]
    facts = [
        {"method": each.method, "noise_level": each.noise_level, "confidence": each.confidence, "reason": each.reason}
        for each in pages
    ]
    return replace(
        least,
        image=np.stack([each.image for each in pages]),
        noise_level=float(np.mean(levels)) if levels else None,
        changed=any(each.changed for each in pages),
        details={**least.details, "pages": facts},
    )


def _within(box: Box, space: tuple[int, ...]) -> Box:
    """Return a box with its limits as pixels of the picture, counted from its start."""
    if not isinstance(box, Sequence) or len(box) != 2 or not all(isinstance(part, slice) for part in box):
        raise TypeError(f"box must be two slices, of rows and columns, got {box!r}")
    rows, columns = (part.indices(size) for part, size in zip(box, space, strict=True))
    if rows[0] >= rows[1] or columns[0] >= columns[1] or rows[2] != 1 or columns[2] != 1:
        raise ValueError(f"box must hold pixels of the picture, {space[0]} x {space[1]}, in steps of 1, got {box!r}")
    return slice(*rows[:2]), slice(*columns[:2])


def _surroundings(pixels: np.ndarray, psf: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """Return a part of a picture with what influences it, and where the part is in that."""
    halo = max(psf.shape) // 2 + _PREVIEW_HALO
    starts = [max(0, part.start - halo) for part in box]
    outer = tuple(slice(start, part.stop + halo) for start, part in zip(starts, box, strict=True))
    rows, columns = (slice(part.start - start, part.stop - start) for part, start in zip(box, starts, strict=True))
    return pixels[outer], (rows, columns)
