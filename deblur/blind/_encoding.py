"""A photograph in the two encodings in which it may have been blurred: as stored, and in linear light."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from deblur._core.progress import Progress, span
from deblur._core.samples import CLIPPED
from deblur._core.srgb import from_linear, to_linear

from ._crop import Window
from ._final_step import by_network
from ._judge import harm_of
from ._picture import Picture, gray
from ._view import smooth

# By hand, on photographs of a building at night, and of flowers in the sun: half as much leaves ripples beside petals.
_IN_DARK = 0.35  # of the error that is assumed in the light
_BRIGHT, _SAMPLES, _DIMMEST = 0.9, 10_000, 0.01  # quantile of the brightness, from so many pixels, and its least value
_GRAIN = 1.5  # pixels, of the smoothing against noise
_FINE = 10  # samples of the extent of a PSF, at which it is computed: at full size, large pictures would take long


class Encodings:
    """A photograph as it is stored and, where its values follow the sRGB curve, in linear light.

    A camera blurs light. Pictures are blurred as stored too: by programs, and for data sets.

    Parameters
    ----------
    image, channel_axis, noise_level, **facts
        See `Picture`.
    encoded : bool
        Whether the values follow the sRGB curve.

    Attributes
    ----------
    stored : Picture
        As given.
    light : Picture or None
        In linear light; None where the values do not follow the curve.
    """

    def __init__(self, image: Any, channel_axis: int | None, noise_level: Any, *, encoded: bool, **facts: Any) -> None:
        self.stored = Picture(image, channel_axis, noise_level, **facts)
        self.light = Picture(to_linear(image), channel_axis, noise_level, **facts) if encoded else None

    def pictures(self) -> list[tuple[Picture, bool]]:
        """Return the picture in each encoding, the likelier first, and whether it is in linear light."""
        return [*([] if self.light is None else [(self.light, True)]), (self.stored, False)]

    def restored(
        self,
        psf: torch.Tensor,
        error: float,
        is_linear: bool,
        progress: Progress | None,
        step: Callable[..., torch.Tensor] = by_network,
        has_lights: bool = True,
        least_error: float = math.inf,
    ) -> torch.Tensor:
        """Return the channels of the stored picture, restored.

        Parameters
        ----------
        psf : torch.Tensor
            Of the blur.
        error : float
            Noise level that stands for the error of the PSF, see `Picture.noise_with`.
        is_linear : bool
            Whether the blur was in linear light.
        progress : callable, optional
            See `deblur._core.progress`.
        step : callable
            `by_network` or `by_sparsity`.
        has_lights : bool
            Whether what is clipped may have been brighter.
        least_error : float
            The error where a picture in linear light is dark: a wrong PSF leaves less there, and as much error as in
            its bright parts would wipe out all details.
        """
        picture = self.blurred(is_linear)
        saturation = self._clipped(picture) if has_lights else None

        def restored(error: float, part: Progress | None) -> torch.Tensor:
            noise = picture.noise_with(error)
            return step(picture.y, psf, noise, part, picture.weights, saturation=saturation)

        in_dark = max(least_error, _IN_DARK * error)
        if picture is self.stored or in_dark >= error:
            return self._stored(restored(error, progress), picture)
        both = restored(in_dark, span(progress, 0, 0.5)), restored(error, span(progress, 0.5, 1))
        return self._stored(torch.lerp(*both, _brightness(gray(picture.y), max(psf.shape))), picture)

    def trial(
        self,
        psf: torch.Tensor,
        error: float,
        is_linear: bool,
        window: Window,
        step: Callable[..., torch.Tensor] = by_network,
        has_lights: bool = True,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mean of a window's channels, and the same restored: a third of the work, and tells as much.

        Parameters
        ----------
        window : tuple of slice
            Rows and columns.
        psf, error, is_linear, step, has_lights
            See `restored`.
        """
        picture = self.blurred(is_linear)
        part = (slice(None), *window)
        blurred = picture.y[part].mean(0, keepdim=True)
        weights = None if picture.weights is None else picture.weights[part][:1]
        saturation = self._clipped(picture) if has_lights else None
        restored = step(blurred, psf, picture.noise_with(error, of_mean=True), None, weights, saturation=saturation)
        return self._stored(blurred, picture), self._stored(restored, picture)

    def blurred(self, is_linear: bool) -> Picture:
        """Return the picture in the encoding in which it was blurred."""
        return self.light if is_linear and self.light is not None else self.stored

    def _clipped(self, picture: Picture) -> float:
        return CLIPPED if picture is self.stored else float(to_linear(torch.tensor(CLIPPED, dtype=torch.float32)))

    def _stored(self, channels: torch.Tensor, picture: Picture) -> torch.Tensor:
        """Return channels of a picture on the scale of the stored one."""
        return channels if picture is self.stored else from_linear(channels * picture.scale) / self.stored.scale


def _brightness(y: torch.Tensor, extent: int) -> torch.Tensor:
    """Return how bright a gray image is as far as a blur reaches: 0 in the dark, to 1."""
    factor = max(1, extent // _FINE)
    small = F.max_pool2d(smooth(y, _GRAIN)[None, None], factor, ceil_mode=True)
    reach = max(1, round(extent / factor / 2))
    near = F.max_pool2d(small, 2 * reach + 1, 1, reach)[0, 0]
    bright = float(near.flatten()[:: max(1, near.numel() // _SAMPLES)].quantile(_BRIGHT))
    # The error is taken for one that rises with the root of the light, between two that were restored with.
    light = smooth(near, reach / 2).clamp_min(0).div(max(bright, _DIMMEST)).sqrt()
    part = ((light - _IN_DARK) / (1 - _IN_DARK)).clamp(0, 1)
    return F.interpolate(part[None, None], y.shape[-2:], mode="bilinear", align_corners=False)[0, 0]


def harms(photograph: Encodings, psf: torch.Tensor, error: float, window: Window) -> tuple[float, float]:
    """Return what is wrong with a window that is restored in linear light, and as stored, see `harm_of`.

    Parameters
    ----------
    photograph : Encodings
        The picture. Without `light` there is nothing to compare: infinite harm, and none.
    psf : torch.Tensor
        Of the blur.
    error : float
        See `Encodings.restored`.
    window : tuple of slice
        Rows and columns that are restored to tell.
    """
    if photograph.light is None:
        return math.inf, 0.0
    in_light, as_stored = (harm_of(*photograph.trial(psf, error, is_linear, window)) for is_linear in (True, False))
    return in_light, as_stored
