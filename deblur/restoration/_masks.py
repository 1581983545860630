"""Samples that are not measurements: transparent, masked, not finite, saturated, defective. Weights for all methods."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from deblur.photo import Photo
from deblur.solvers.noise import noise_of

_NEIGHBORS = 5  # samples on a side, around a sample that may be defective
_MARGIN = 1.5  # on how far the image of a point stands out
_NOISY = 6.0  # noise levels
_LEAST_DEFECT = 0.02  # of the range of the image: smaller defects do no harm, and rounding makes such steps
_LEAST_BORDER = 0.01  # of the side: fewer lines of one color are no border
_SAME_COLOR = 4 / 255  # of the range: codecs do not keep a color exactly
_RIPPLES = 17  # lines
_NOTHING_LEFT = "the mask leaves no pixel to restore: white pixels of a mask are used, black ones left out"
_STEP = 0.04  # of the range: what follows a border differs from it by this much,
_SUDDEN, _BLURRED = 0.5, 8  # at once, and so much of what it differs by within these lines; by hand


@dataclass(frozen=True)
class Masked:
    """An image in floating point, and which of its samples are measurements.

    Attributes
    ----------
    values : torch.Tensor
        The image, 0 where it is not seen.
    weights : torch.Tensor or None
        Weight of each sample, 0 where it is not seen, of the shape of `values`; None where all count alike.
    kept : torch.Tensor or None
        Where the result keeps the original sample: not seen, and not defective.
    original : torch.Tensor
        The image as it was.
    shares : dict of str to float
        Fraction of the samples that is left out, by the reason.
    """

    values: torch.Tensor
    weights: torch.Tensor | None
    kept: torch.Tensor | None
    original: torch.Tensor
    shares: dict[str, float] = field(default_factory=dict)

    def put_back(self, restored: torch.Tensor) -> torch.Tensor:
        """Return the restored image with the original samples where it has to keep them."""
        return restored if self.kept is None else torch.where(self.kept, self.original.to(restored), restored)


def masked_image(
    values: torch.Tensor,
    weights: Any = None,
    *,
    channel_axis: int | None = None,
    saturated_from: float | None = None,
    bad_pixels: Any = None,
    psf: Any = None,
) -> Masked:
    """Find the samples of an image that are not measurements.

    Parameters
    ----------
    values : torch.Tensor
        Floating.
    weights : array, optional
        0 where a sample is to be left out, of the shape of the image, or of its shape without the channels.
    channel_axis : int, optional
        Axis of the channels.
    saturated_from : float, optional
        Value from which on samples say no more than that the scene was brighter.
    bad_pixels : array or "auto", optional
        True at defective samples, whose values are replaced by restored ones; "auto" finds them, in images of two axes
        and a channel axis.
    psf : array, optional
        Point-spread function, for finding them.

    Raises
    ------
    ValueError
        If a mask has another shape, or no sample is left.
    """
    hidden: dict[str, torch.Tensor] = {}
    finite = torch.isfinite(values)
    if not bool(finite.all()):
        hidden["not finite"] = ~finite
    given = None if weights is None else _like_image(weights, values, channel_axis, "weights").to(values)
    if given is not None:
        if not bool(torch.isfinite(given).all()) or bool((given < 0).any()):
            raise ValueError("weights must be finite, and at least 0")
        hidden["masked"] = given == 0
    if saturated_from is not None:
        hidden["saturated"] = values >= saturated_from
    bad = torch.zeros((), dtype=torch.bool, device=values.device)
    if isinstance(bad_pixels, str):
        bad = defects(values, channel_axis, psf)
    elif bad_pixels is not None:
        bad = _like_image(bad_pixels, values, channel_axis, "bad_pixels") > 0
    unseen = torch.zeros_like(finite)
    for each in hidden.values():
        unseen |= each
    kept = unseen
    if bad.ndim:
        hidden["defective"], unseen, kept = bad, unseen | bad, unseen & ~(bad & finite)
    if not bool(unseen.any()):
        return Masked(values, given, None, values)
    if bool(unseen.all()):
        raise ValueError("the mask leaves no sample to restore")
    shares = {reason: float(each.float().mean()) for reason, each in hidden.items() if bool(each.any())}
    zero = torch.zeros((), dtype=values.dtype, device=values.device)
    weighted = torch.where(unseen, zero, torch.ones_like(values) if given is None else given)
    return Masked(torch.where(unseen, zero, values), weighted, kept if bool(kept.any()) else None, values, shares)


def defects(values: torch.Tensor, channel_axis: int | None, psf: Any = None) -> torch.Tensor:
    """Return where single samples stand out from all their neighbors, which no blurred scene does: hot and dead pixels.

    A defect lies beyond the brightest or the darkest of its eight neighbors by more than the noise, and by a larger
    share of the range of the 24 around it than the image of a point does; by all of it, if the PSF is not known.

    Parameters
    ----------
    values : torch.Tensor
        Image of two axes, and a channel axis.
    channel_axis : int, optional
        Axis of the channels.
    psf : array, optional
        Point-spread function.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    image = values.detach().cpu().numpy()
    image = image if channel_axis is None else np.moveaxis(image, channel_axis, -1)
    if image.ndim != 2 + (channel_axis is not None):
        raise ValueError("bad_pixels='auto' needs an image of two axes; give the places of the defective samples")
    image = np.where(np.isfinite(image), image, np.nanmedian(image))
    around = _footprint(_NEIGHBORS, image.ndim), _footprint(3, image.ndim)
    lowest, low = (minimum_filter(image, footprint=each, mode="mirror") for each in around)
    highest, high = (maximum_filter(image, footprint=each, mode="mirror") for each in around)
    contrast = np.quantile(image, 0.999) - np.quantile(image, 0.001)
    noise = float(noise_of(torch.from_numpy(np.moveaxis(image, -1, 0) if image.ndim > 2 else image), 2).max())
    apart = _share(psf) * (highest - lowest) + max(_LEAST_DEFECT * contrast, _NOISY * noise)
    found = (image > high + apart) | (image < low - apart)
    found = found if channel_axis is None else np.moveaxis(found, -1, channel_axis)
    return torch.from_numpy(np.ascontiguousarray(found)).to(values.device)


def _share(psf: Any) -> float:
    """Return by how much of the range around it a sample may stand out: as the image of a point does, with a margin."""
    if psf is None or psf.ndim != 2:
        return 1.0
    kernel = np.pad(psf.detach().cpu().numpy() if isinstance(psf, torch.Tensor) else np.asarray(psf), 2)
    row, column = np.unravel_index(kernel.argmax(), kernel.shape)
    top = kernel[row, column]
    around = np.delete(kernel[row - 2 : row + 3, column - 2 : column + 3].ravel(), 12)
    closest = np.delete(kernel[row - 1 : row + 2, column - 1 : column + 2].ravel(), 4)
    return float(np.clip(_MARGIN * (top - closest.max()) / max(np.ptp(around), np.finfo(float).tiny), 0, 1))


def _footprint(side: int, ndim: int) -> np.ndarray:
    """Return the neighbors of a pixel in its channel, without itself."""
    near = np.ones((side, side) + (1,) * (ndim - 2), bool)
    near[side // 2, side // 2] = False
    return near


def photo_weights(photo: Photo, mask: Any = None, *, kind: str = "photo") -> tuple[np.ndarray | None, list[str]]:
    """Return the weights that a photograph and a mask give, of its shape without the channels, and remarks.

    Transparent pixels have no weight, nor has the border of a photograph that has one.

    Raises
    ------
    ValueError
        If the mask has another shape, or no pixel is left.
    """
    space = photo.pixels.shape if photo.channel_axis is None else photo.pixels.shape[:-1]
    weights, notes = np.ones(space, bool), []
    if photo.alpha is not None:
        weights &= photo.alpha > 0
    if mask is not None:
        weights &= checked_mask(mask, space, "the picture")
    if len(space) == 2 and photo.dtype.kind == "u" and kind == "photo":
        inside = border(photo.pixels)
        if inside is not None:
            weights &= inside
            notes.append("its border of one color is ignored")
    if weights.all():
        return None, notes
    if not weights.any():
        raise ValueError(
            "all its pixels are transparent: there is nothing to restore" if mask is None else _NOTHING_LEFT
        )
    return weights, notes


def checked_mask(mask: Any, space: tuple[int, ...], what: str) -> np.ndarray:
    """Return where a mask is positive, for an image of this shape or for each of its pages.

    Raises
    ------
    ValueError
        If it has another shape, or is positive nowhere.
    """
    given = np.asarray(mask)
    if given.shape not in (space, space[-2:]):
        sizes = " x ".join(map(str, space)), " x ".join(map(str, given.shape))
        raise ValueError(f"the mask must have the size of {what}, {sizes[0]}, got {sizes[1]}")
    if not (given > 0).any():
        raise ValueError(_NOTHING_LEFT)
    return np.broadcast_to(given > 0, space)


def unmasked(pixels: Any, weights: Any, channel_axis: int | None) -> tuple[Any, Any]:
    """Return the data of a masked array, and the weights that its mask leaves; another array as it is."""
    if not isinstance(pixels, np.ma.MaskedArray):
        return pixels, weights
    seen: Any = ~np.ma.getmaskarray(pixels)
    if not seen.all():
        if weights is not None and channel_axis is not None and np.ndim(weights) == seen.ndim - 1:
            weights = np.expand_dims(weights, channel_axis)
        weights = seen if weights is None else seen * np.asarray(weights)
    return np.ma.getdata(pixels), weights


def border(pixels: np.ndarray) -> np.ndarray | None:
    """Return False in the borders of one color around a picture, or on some of its sides; None if it has none.

    Letterbox bars, passe-partouts and the margins of scans are such borders; there may be one inside another.

    Parameters
    ----------
    pixels : numpy.ndarray
        Shape (height, width) or (height, width, channels), black at 0 and white at 1.

    Returns
    -------
    numpy.ndarray or None
        Shape (height, width), True inside.
    """
    height, width, *_ = pixels.shape
    inside = np.zeros((height, width), bool)
    rows, columns = slice(0, height), slice(0, width)
    while True:
        picture = pixels[rows, columns]
        top, bottom = _border_lines(picture), _border_lines(picture[::-1])
        across = picture.swapaxes(0, 1)
        left, right = _border_lines(across), _border_lines(across[::-1])
        if not top + bottom + left + right:
            break
        rows = slice(rows.start + top, rows.stop - bottom)
        columns = slice(columns.start + left, columns.stop - right)
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
    inside[rows, columns] = True
    return None if inside.all() else inside


def _border_lines(lines: np.ndarray) -> int:
    """Return how many of the first lines are a border: of one color, up to a step.

    A blurred edge, as of a sky or of the first letters of a page, is no step: the blur of the picture goes on there.
    """
    color = np.median(lines[0], axis=0)
    if (np.abs(lines[0] - color) > _SAME_COLOR).any():
        return 0  # as in most pictures
    apart = np.abs(lines - color)
    apart = apart if apart.ndim == 2 else apart.max(-1)
    count = int(np.argmax(apart.max(1) > _SAME_COLOR))
    if count < max(3, _LEAST_BORDER * len(lines)):
        return 0
    # A codec leaves ripples in the last lines of a border, as far as its blocks reach.
    levels = apart[count - 1 : count + _RIPPLES].mean(1)
    steps = np.diff(levels)
    step = int(np.argmax(steps))
    reached = float(levels[step + 1 : step + 1 + _BLURRED].max())
    is_border = steps[step] >= _STEP and steps[step] > _SUDDEN * reached
    return count + step if is_border else 0


def estimate_background(values: torch.Tensor, weights: torch.Tensor | None) -> float:
    """Return the level of the sky or of the medium: the mode of the samples, after clipping what is bright.

    That is ``2.5 median - 1.5 mean`` of the samples within three standard deviations of the median (Bertin and Arnouts,
    A&AS 117, 1996), the median where the two are far apart.
    """
    samples = (values if weights is None else values[weights > 0]).detach().cpu().double().numpy().ravel()
    for _ in range(10):
        median, spread = np.median(samples), samples.std()
        near = np.abs(samples - median) <= 3 * spread
        if near.all() or not near.any():
            break
        samples = samples[near]
    mean, median, spread = samples.mean(), np.median(samples), samples.std()
    mode = median if spread == 0 or abs(mean - median) > 0.3 * spread else 2.5 * median - 1.5 * mean
    return float(max(mode, 0.0))


def _like_image(mask: Any, values: torch.Tensor, channel_axis: int | None, name: str) -> torch.Tensor:
    """Return a mask with the shape of an image, whose channels it may lack."""
    given = torch.as_tensor(mask if isinstance(mask, torch.Tensor) else np.array(mask), device=values.device)
    if channel_axis is not None and given.ndim == values.ndim - 1:
        given = given.unsqueeze(channel_axis if channel_axis >= 0 else channel_axis + values.ndim)
    try:
        return given.expand(values.shape)
    except RuntimeError:
        shapes = tuple(given.shape), tuple(values.shape)
        raise ValueError(f"{name} of shape {shapes[0]} does not fit the image, {shapes[1]}") from None
