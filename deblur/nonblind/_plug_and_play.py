"""Plug-and-play restoration: a denoiser as the prior, in half-quadratic splitting."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from deblur._core.arrays import Array, ArrayT
from deblur._core.progress import Callback, Progress, per_iteration, span
from deblur.networks import pretrained
from deblur.networks._precision import reduced_precision
from deblur.networks._torus import Surroundings, torus_for
from deblur.operators import Convolution
from deblur.solvers.fourier import continue_smoothly, corner, fourier, inverse_fourier
from deblur.solvers.framed import FILLING, FramedBlur

from ._measurement import Measurement
from ._planes import Planes
from ._progress import SHARPENING

_FIRST, _LAST = 49 / 255, 0.7
_QUIETEST = 1e-3
_EDGE_SIGMAS = (0.71, 1.58, 3.16, 7.07)


@torch.inference_mode()
def plug_and_play(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | None = None,
    num_iter: int = 8,
    strength: float = 0.25,
    boundary: str = "unknown",
    weights: Array | None = None,
    denoiser: nn.Module | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    r"""Restore an image with a denoiser as the prior.

    Half-quadratic splitting: :math:`\|Ax - y\|^2 + w_t \|x - z\|^2` is minimized over x, exactly, and z is x denoised
    at a level :math:`s_t` that falls geometrically from 49/255 to 0.7 of the noise level s. The weights are
    :math:`w_t = \lambda s^2 / s_t^2` (DPIR, Zhang et al., PAMI 2021, eq. 6). The picture is turned and reflected from
    one iteration to the next, so that no habit of the denoiser adds up.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, height, width)``; integers are scaled to [0, 1].
    psf : numpy.ndarray or torch.Tensor
        Point-spread function, shape ``(rows, columns)``; axes before them are a batch, one PSF for each image.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    num_iter : int
        Number of iterations. The levels are spread over it: more is slower, not always better.
    strength : float
        The factor λ of the prior.
    boundary : {"unknown", "circular"}
        What lies past the frame: an unknown scene, or the image's other side.
    weights : numpy.ndarray or torch.Tensor, optional
        What each sample counts, broadcastable to `image`: 0 for one that is dead, and is not looked at.
    denoiser : torch.nn.Module, optional
        Maps planes ``(batch, 1, height, width)`` and noise levels ``(batch,)`` to denoised planes, all on the scale
        [0, 1]; the one that ships if None.
    channel_axis : int, optional
        Axis of the channels, if there is one. Three are restored as light and two color differences.
    ndim : int, optional
        Number of spatial axes, which must be 2.
    progress : callable, optional
        ``progress(fraction, stage)`` is called with the completed fraction of the work, 0 to 1, and what is being done;
        an exception that it raises cancels the work.
    callback : callable, optional
        Called as ``callback(iteration, estimate, objective)`` after each iteration, the objective being the mean of
        ``|Ax - y|^2`` over the picture; returning True stops.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of `image`. Not clipped.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite or out of range, the PSF is none, or has not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import plug_and_play
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(plug_and_play(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    solver = _HalfQuadratic("plug_and_play", image, psf, noise_level, boundary, weights, denoiser, channel_axis, ndim)
    return solver.run(num_iter, strength, progress, callback)


@torch.inference_mode()
def adm(
    image: ArrayT,
    psf: Array,
    *,
    noise_level: float | None = None,
    num_iter: int = 8,
    strength: float = 0.25,
    ratio: float = 0.9,
    threshold: float = 0.0143,
    boundary: str = "unknown",
    weights: Array | None = None,
    denoiser: nn.Module | None = None,
    channel_axis: int | None = None,
    ndim: int | None = None,
    progress: Progress | None = None,
    callback: Callback | None = None,
) -> ArrayT:
    """Restore an image by plug-and-play with a weaker prior at edges: the adaptive deconvolution model.

    As `plug_and_play`, but every data step is solved with two weights of the prior, and the solution with the smaller
    one is taken where the blurred picture has edges ("Deep Prior inside an Unrolled and Adaptive Deconvolution Model",
    2020). Edges are where the greatest of four gradients, from fine to coarse, exceeds a threshold.

    Parameters
    ----------
    image, psf, noise_level, num_iter, strength, boundary, weights, denoiser, channel_axis, ndim, progress, callback
        See `plug_and_play`.
    ratio : float
        What the weight is multiplied by at edges, above 0; 1 is `plug_and_play`.
    threshold : float
        Gradient of an edge, as a fraction of the range per pixel.

    Returns
    -------
    numpy.ndarray or torch.Tensor
        Restored image, of the shape and kind of `image`. Not clipped.

    Raises
    ------
    ValueError
        If shapes do not fit, a value is not finite or out of range, the PSF is none, or has not two axes.

    Examples
    --------
    >>> import numpy as np
    >>> from deblur import psf
    >>> from deblur.nonblind import adm
    >>> from deblur.operators import Convolution
    >>> x = np.zeros((48, 48)); x[16:40, 20:32] = 1
    >>> blur = psf.motion(9, angle=20)
    >>> y = Convolution(blur, x.shape, "reflect")(x)
    >>> bool(abs(adm(y, blur) - x).mean() < 0.5 * abs(y - x).mean())
    True
    """
    for name, value in (("ratio", ratio), ("threshold", threshold)):
        if not value > 0:
            raise ValueError(f"{name} must be positive, got {value}")
    solver = _HalfQuadratic("adm", image, psf, noise_level, boundary, weights, denoiser, channel_axis, ndim)
    return solver.run(num_iter, strength, progress, callback, at_edges=(ratio, _edges(solver.start, threshold)))


class _HalfQuadratic:
    """Data steps and a denoiser, in turns, on the planes of a picture."""

    def __init__(
        self,
        method: str,
        image: Array,
        psf: Array,
        noise_level: Any,
        boundary: str,
        weights: Array | None,
        denoiser: nn.Module | None,
        channel_axis: int | None,
        ndim: int | None,
    ) -> None:
        measurement = Measurement.from_arrays(image, psf, weights=weights, channel_axis=channel_axis, ndim=ndim)
        self._measurement = measurement.with_psf(method)
        self._planes = planes = Planes(self._measurement, noise_level, boundary, is_color=channel_axis is not None)
        grid = torus_for(planes.y, planes.psf, boundary)
        self._blur = FramedBlur(planes.y, planes.psf[:, None], grid, planes.weights)
        self._around = Surroundings(self._blur.frame, grid)
        self._denoiser = (pretrained("denoiser") if denoiser is None else denoiser).to(planes.y.device)
        self.start = continue_smoothly(planes.y, grid)

    def run(
        self,
        num_iter: int,
        strength: float,
        progress: Progress | None,
        callback: Callback | None,
        at_edges: tuple[float, torch.Tensor] | None = None,
    ) -> Any:
        if num_iter < 1:
            raise ValueError(f"num_iter must be at least 1, got {num_iter}")
        if not strength > 0:
            raise ValueError(f"strength must be positive, got {strength}")
        noise, z = self._planes.noise_level.clamp_min(_QUIETEST), self.start
        report = per_iteration(progress, num_iter, SHARPENING)
        for iteration in range(num_iter):
            part = iteration / max(num_iter - 1, 1)
            level = _FIRST ** (1 - part) * (_LAST * noise) ** part
            weight = strength * (noise / level).square()[:, None, None, None]
            x = self._data_step(weight, z, iteration)
            if at_edges is not None:
                ratio, edges = at_edges
                x = torch.lerp(x, self._data_step(ratio * weight, z, iteration), edges)
            z = self._denoise(x, level, iteration)
            report(iteration)
            if callback is not None and callback(iteration, self._finish(z), self._misfit(z)):
                break
        span(progress, 0, 1)(1.0, SHARPENING)
        return self._finish(z)

    def _data_step(self, weight: torch.Tensor, z: torch.Tensor, iteration: int) -> torch.Tensor:
        blur, towards = self._blur, fourier(z, self._blur.grid)
        filled = blur.fill(weight, towards, num_iter=FILLING[iteration > 0])
        return inverse_fourier(blur.filtered(filled, weight, towards), blur.grid)

    def _denoise(self, x: torch.Tensor, level: torch.Tensor, iteration: int) -> torch.Tensor:
        flip = [-1] if iteration // 4 % 2 else []
        turned = self._around.pad(x).rot90(iteration % 4, (-2, -1)).flip(flip)
        with reduced_precision(x.device):
            planes = [self._denoiser(plane[None], s[None]) for plane, s in zip(turned, level, strict=True)]
        return self._around.crop(torch.cat(planes).flip(flip).rot90(-iteration % 4, (-2, -1)))

    def _finish(self, z: torch.Tensor) -> Any:
        return self._measurement.finish(self._planes.merge(corner(z, self._blur.frame)))

    def _misfit(self, z: torch.Tensor) -> float:
        return float((self._blur.shown(z) - self._blur.y).square().mean())


def _edges(y: torch.Tensor, threshold: float) -> torch.Tensor:
    """Return 1 where the greatest of four gradients of y, on its torus, is an edge, and 0 elsewhere."""
    reach = torch.arange(-4.0, 5.0)
    greatest = torch.zeros_like(y)
    for sigma in _EDGE_SIGMAS:
        bell = torch.exp(-(reach[:, None].square() + reach.square()) / (2 * sigma**2))
        across = bell * reach.sign()
        across = across / across.abs().sum()
        slopes = [Convolution(each, tuple(y.shape[-2:]), "circular")(y) for each in (across, across.T)]
        greatest = torch.maximum(greatest, torch.hypot(*slopes))
    return (greatest > threshold).to(y.dtype)
