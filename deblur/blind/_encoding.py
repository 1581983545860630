"""A photograph in the two encodings in which it may have been blurred: as stored, and in linear light."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from deblur._core.progress import Progress
from deblur._core.samples import CLIPPED
from deblur._core.srgb import from_linear, to_linear

from ._crop import Window
from ._final_step import by_network
from ._judge import harm_of
from ._picture import Picture


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
        """
        picture = self._blurred(is_linear)
        saturation = self._clipped(picture) if has_lights else None
        noise = picture.noise_with(error)
        return self._stored(step(picture.y, psf, noise, progress, picture.weights, saturation=saturation), picture)

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
        picture = self._blurred(is_linear)
        part = (slice(None), *window)
        blurred = picture.y[part].mean(0, keepdim=True)
        weights = None if picture.weights is None else picture.weights[part][:1]
        saturation = self._clipped(picture) if has_lights else None
        restored = step(blurred, psf, picture.noise_with(error, of_mean=True), None, weights, saturation=saturation)
        return self._stored(blurred, picture), self._stored(restored, picture)

    def _blurred(self, is_linear: bool) -> Picture:
        return self.light if is_linear and self.light is not None else self.stored

    def _clipped(self, picture: Picture) -> float:
        return CLIPPED if picture is self.stored else float(to_linear(torch.tensor(CLIPPED)))

    def _stored(self, channels: torch.Tensor, picture: Picture) -> torch.Tensor:
        """Return channels of a picture on the scale of the stored one."""
        return channels if picture is self.stored else from_linear(channels * picture.scale) / self.stored.scale


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
