"""`deblur.restore_photo`: a picture file in memory, page by page."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from deblur import photo
from deblur._core.own_state import own_state
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.photo import Photo
from deblur.psf import PsfFile
from deblur.restoration._kinds import kind_of_photo
from deblur.restoration._masks import photo_weights
from deblur.restoration._noise import photo_compression
from deblur.restoration._plan import Plan, make_plan
from deblur.restoration._policy import Policy, check_psf_array
from deblur.restoration._run import restore_window
from deblur.restoration._sources import background_option, counts_per_unit, file_policy, opened_psf

Box = tuple[slice, slice]

_PREVIEW_HALO = 16  # pixels beyond half the PSF: narrower than the halo of a window, so that a preview is quick


@own_state()
def restore_photo(
    blurred: Photo | str | os.PathLike[str],
    psf: np.ndarray | PsfFile | str | os.PathLike[str] | None = None,
    *,
    method: str = "auto",
    blur: str = "auto",
    kind: Literal["photo", "counts"] | None = None,
    noise_level: Any = None,
    mask: Any = None,
    bad_pixels: Any = None,
    background: float | Literal["auto"] | None = None,
    gain: float | None = None,
    read_noise: float | None = None,
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
    psf : numpy.ndarray, deblur.psf.PsfFile or path-like, optional
        Point-spread function of two axes, or of three for a stack that is a volume, or the path of its file; mended
        where something is certainly wrong with it (`deblur.psf.prepare`), and scaled to sum 1. If None, it is
        estimated, for each page.
    method : str
        A name of `deblur.methods`, or ``"auto"``; see `deblur.restore`.
    blur : {"auto", "shake", "motion", "focus", "soft"}
        The kind of the blur, where there is no PSF; see `deblur.restore`.
    kind : {"photo", "counts"}, optional
        What the file is: a photograph, made to be looked at, or the counts of an instrument, proportional to light. By
        default what the file says of itself: OME, ImageJ, FITS and zarr files, pages, floating-point gray, and 16-bit
        gray without a color profile or camera data are counts. Their default method is ``"richardson-lucy"``, and
        saturated samples are left out.
    noise_level : float, str, mapping or NoiseModel, optional
        Standard deviation of the noise as a fraction of the full range, in linear light where that is restored, or
        another description of it, see `deblur.restore`; estimated if None or ``"auto"``, with what the quantization
        tables of a JPEG say.
    mask : array, optional
        Shape ``(height, width)`` of the picture: positive where pixels are used, 0 where they are left out and stay as
        they are. Samples that are NaN or infinite are left out too, as are transparent pixels, and borders of one color
        such as letterbox bars.
    bad_pixels : array or "auto", optional
        True at defective samples, of the shape of the image, or of its shape without the channels; they are left out
        and restored. ``"auto"`` finds hot and dead pixels.
    background : float or "auto", optional
        Level of the sky or the medium, in the unit of the file, for methods for counts; the result is what is above it.
    gain, read_noise : float, optional
        Electrons per count, and electrons, of the detector: the noise follows from them.
    linear : bool, optional
        Whether to decode the sRGB curve before and encode it after. By default photographs of 8 and 16 bits are, if the
        PSF is given, because a camera blurs light, or if the blur that is found in them was in linear light; stacks and
        the files of instruments are not.
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
    report = progress or silent
    report(0.0, "reading")
    blurred = _opened(blurred)
    report(0.0, "preparing")
    if "channel_axis" in options:
        raise TypeError("a photograph has its own channel_axis: leave it out")
    space = blurred.pixels.shape if blurred.channel_axis is None else blurred.pixels.shape[:-1]
    policy, weights = _policy_of(
        blurred,
        psf,
        space,
        kind,
        mask,
        noise_level=noise_level,
        gain=gain,
        read_noise=read_noise,
        bad_pixels=bad_pixels,
        linear=linear,
        saturation=saturation,
    )
    unit = counts_per_unit(blurred.dtype)
    options |= background_option(background, policy, method, unit)
    ndim = 2 if policy.psf is None else policy.psf.ndim
    plan = make_plan(
        policy, space[-ndim:], method=method, blur=blur, channel_axis=blurred.channel_axis, device=device, **options
    )
    if box is not None:
        if psf is None or blurred.is_stack:
            raise ValueError("box needs a picture of one page and a psf")
        outer, inner = _surroundings(policy.psf, _within(box, space))
        made = restore_window(plan, blurred.pixels[outer], progress, None if weights is None else weights[outer])
        made = replace(made, image=np.ascontiguousarray(made.image[inner]))
        sharp = replace(blurred, pixels=made.image, alpha=None)
    else:
        made = _page_by_page(plan, blurred.pixels, weights, ndim + (blurred.channel_axis is not None), progress)
        sharp = replace(blurred, pixels=made.image) if made.changed else blurred
    if "background" in made.details:
        made = replace(made, details={**made.details, "background": unit * made.details["background"]})
    return replace(made, photo=sharp, seconds=time.perf_counter() - start)


def _policy_of(
    blurred: Photo, psf: Any, space: tuple[int, ...], kind: str | None, mask: Any, **said: Any
) -> tuple[Policy, np.ndarray | None]:
    """Return what restoring a photograph means, and the weights of its pixels."""
    psf, kernel = opened_psf(psf)
    if psf is not None:
        check_psf_array(kernel)
        if sum(side > 1 for side in kernel.shape) > len(space):  # a single plane is one of two axes
            check_fit(kernel, space)
    decided = kind_of_photo(blurred, kind)
    weights, notes = photo_weights(blurred, mask, kind=decided[0])
    policy = file_policy(
        decided,
        blurred.dtype,
        psf,
        encoded=not blurred.linear,
        compression=photo_compression(blurred),
        space=space,
        voxel_size=blurred.voxel_size,
        notes=(*blurred.notes, *notes),
        **said,
    )
    if psf is not None:
        check_fit(policy.psf, space)
    return policy, weights


def _opened(blurred: Any) -> Photo:
    if isinstance(blurred, Photo):
        return blurred
    if not isinstance(blurred, str | os.PathLike):
        given = type(blurred).__name__
        raise TypeError(f"blurred must be a Photo or the path of a picture, got {given}; deblur.restore takes arrays")
    return photo.read(blurred)


def check_fit(psf: np.ndarray, space: tuple[int, ...]) -> None:
    """Raise an error unless a PSF has two or three axes, and no more than an image of this shape."""
    check_psf_array(psf)
    if psf.ndim not in (2, 3):
        raise ValueError(f"a PSF for pictures has 2 axes, or 3 for stacks; it has {psf.ndim}")
    if psf.ndim > len(space):
        raise ValueError("it has one page, and a PSF of 3 axes is for stacks; give one of 2 axes")


def _page_by_page(
    plan: Plan, pixels: np.ndarray, weights: np.ndarray | None, ndim: int, progress: Progress | None
) -> Restoration:
    """Restore arrays of `ndim` axes, of which there are several if there is one axis more."""
    if pixels.ndim == ndim:
        return restore_window(plan, pixels, progress, weights)
    count = len(pixels)
    pages = [
        restore_window(
            plan,
            page,
            span(progress, number / count, (number + 1) / count),
            None if weights is None else weights[number],
        )
        for number, page in enumerate(pixels)
    ]
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


def _surroundings(psf: np.ndarray, box: Box) -> tuple[Box, Box]:
    """Return a part of a picture with what influences it, and where the part is in that."""
    halo = max(psf.shape) // 2 + _PREVIEW_HALO
    starts = [max(0, part.start - halo) for part in box]
    outer_rows, outer_columns = (slice(start, part.stop + halo) for start, part in zip(starts, box, strict=True))
    rows, columns = (slice(part.start - start, part.stop - start) for part, start in zip(box, starts, strict=True))
    return (outer_rows, outer_columns), (rows, columns)
