"""A photograph restored as the command and the web page do it: linear light, clipped highlights, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from deblur import photo
from deblur.blind._fast import Progress
from deblur.photo import Photo
from deblur.restoration._array import Restoration, restore

CLIPPED = 0.98
"""Of the range of a photograph: from there on its samples count as clipped."""

LINEAR_DTYPES = ("uint8", "uint16")
"""Pictures of these types are restored in linear light by default."""


@dataclass(frozen=True)
class RestoredPhoto:
    """What `restore_photo` returns.

    Attributes
    ----------
    photo : deblur.photo.Photo
        The restored photograph, with all that the blurred one carried.
    pages : list of Restoration
        How each page was restored, of one if it is no stack, in linear light if `linear`.
    linear : bool
        Whether linear light was restored.
    psf_sum : float
        The sum of the PSF as given.
    """

    photo: Photo
    pages: list[Restoration]
    linear: bool
    psf_sum: float = 1.0


def restore_photo(
    blurred: Photo,
    psf: np.ndarray | None = None,
    *,
    linear: bool | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> RestoredPhoto:
    """Restore a photograph, or a stack of them.

    Parameters
    ----------
    blurred : deblur.photo.Photo
        As it was read.
    psf : numpy.ndarray, optional
        Point-spread function of any sum: of two axes, or of three for a stack that is a volume. If None, each page has
        its own estimated.
    linear : bool, optional
        Whether to undo the sRGB curve before, and apply it again after. By default, pictures of 8 and 16 bits are taken
        for photographs, which have it, if the PSF is given; the blind methods were tuned on the values that files have.
    progress : callable, optional
        ``progress(part, what)``, see `deblur.restore`.
    **options
        For `deblur.restore`; the saturation is that of photographs unless it is given.

    Returns
    -------
    RestoredPhoto
        The photograph, and how it was made.

    Raises
    ------
    ValueError
        If the PSF does not fit the photograph, or `deblur.restore` refuses.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur.psf import disk
    >>> blurred = Photo(np.random.default_rng(0).random((64, 64, 3)), channel_axis=-1)
    >>> result = restore_photo(blurred, disk(2), method="wiener")
    >>> result.photo.pixels.shape, result.linear, len(result.pages)
    ((64, 64, 3), True, 1)
    """
    if psf is not None:
        _check_axes(blurred, psf)
    if linear is None:
        linear = psf is not None and _is_encoded(blurred)
    scale = 1.0 if psf is None else float(psf.sum())  # a measured PSF has any; it would change the brightness
    if psf is not None:
        psf = psf / scale
        options.setdefault("saturation", _saturation(blurred, linear) if psf.ndim == 2 else None)
    pixels = photo.to_linear(blurred.pixels) if linear else blurred.pixels

    def one(page: np.ndarray, told: Progress) -> Restoration:
        return restore(page, psf, channel_axis=blurred.channel_axis, progress=told, **options)

    ndim = (2 if psf is None else psf.ndim) + (blurred.channel_axis is not None)
    restored, pages = _page_by_page(one, pixels, ndim, progress or (lambda part, what: None))
    sharp = replace(blurred, pixels=photo.from_linear(restored) if linear else restored)
    return RestoredPhoto(sharp, pages, linear, scale)


def count_pages(blurred: Photo) -> int:
    """Return the number of pages of a stack, and 1 for a picture."""
    return len(blurred.pixels) if blurred.pixels.ndim - (blurred.channel_axis is not None) == 3 else 1


def clipped_from(linear: bool) -> float:
    """Return from which value on a photograph is clipped, in linear light or as the file has it."""
    return float(photo.to_linear(np.array(CLIPPED))) if linear else CLIPPED


def _page_by_page(
    restore: Callable[[np.ndarray, Progress], Restoration], pixels: np.ndarray, ndim: int, progress: Progress
) -> tuple[np.ndarray, list[Restoration]]:
    """Restore arrays of `ndim` axes, of which there are several if there is one axis more."""
    pages = pixels if pixels.ndim > ndim else pixels[np.newaxis]
    restorations = []
    for number, page in enumerate(pages):

        def told(part: float, what: str, number: int = number) -> None:
            progress((number + part) / len(pages), what)

        restorations.append(restore(page, told))
    restored = np.stack([each.image for each in restorations])
    return restored if pixels.ndim > ndim else restored[0], restorations


def _check_axes(blurred: Photo, psf: np.ndarray) -> None:
    shape = blurred.pixels.shape if blurred.channel_axis is None else blurred.pixels.shape[:-1]
    if psf.ndim > len(shape):
        raise ValueError("it has one page, and a PSF of 3 axes is for stacks; give one of 2 axes")
    shape = shape[len(shape) - psf.ndim :]
    check_fit(psf, shape)


def check_fit(psf: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise `ValueError` if a PSF is larger than what it blurred, of as many axes."""
    if any(taps > size for taps, size in zip(psf.shape, shape, strict=True)):
        taps, size = (" x ".join(map(str, each)) for each in (psf.shape, shape))
        raise ValueError(f"the PSF is larger than the picture: {taps} against {size} pixels")


def _is_encoded(blurred: Photo) -> bool:
    """Guess whether the values follow the sRGB curve: those of photographs do, those of instruments do not."""
    is_stack = blurred.pixels.ndim - (blurred.channel_axis is not None) == 3
    return blurred.dtype.name in LINEAR_DTYPES and not is_stack


def _saturation(blurred: Photo, linear: bool) -> float | None:
    """Return from which value on a photograph is clipped; None for what instruments measured."""
    return clipped_from(linear) if _is_encoded(blurred) else None
