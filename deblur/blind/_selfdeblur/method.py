"""SelfDeblur: blind restoration by two untrained networks, fitted to one image."""

from __future__ import annotations

import math
import os

import torch

from deblur._core.arrays import Array, ArrayT, as_float_tensor, check_finite
from deblur._core.own_state import own_state
from deblur._core.progress import Callback, Progress, silent
from deblur._result import Restoration
from deblur.blind._final_step import by_network
from deblur.blind._picture import Picture, checked_shape, gray, unusable_reason
from deblur.nonblind import NoiseModel
from deblur.psf import center, estimate_support, pad_to, validate

from .fit import Iterate
from .memory import check_memory
from .run import Run, crop_to_image
from .settings import SELFDEBLUR_PRESETS, SelfDeblurSettings

_FAITHFUL = 2.0  # noise levels: residual at which the confidence begins to fall; by hand
_ROUNDING = 1 / 255
_NO_BLUR = 0.95  # of the kernel's sum in one pixel: no blur; by hand
_FITTING = "fitting two networks"


@own_state()
def selfdeblur(
    image: ArrayT,
    psf_shape: int | tuple[int, int],
    *,
    preset: str | SelfDeblurSettings = "paper",
    start: Array | None = None,
    restarts: int = 1,
    seed: int = 0,
    noise_level: float | NoiseModel | None = None,
    weights: Array | None = None,
    channel_axis: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    callback: Callback | None = None,
    progress: Progress | None = None,
) -> Restoration:
    r"""Restore a photograph blurred by an unknown point-spread function, without any training data.

    A convolutional generator of images :math:`G_x` and a small one of kernels :math:`G_k` each get fixed noise as their
    input, and their weights are fitted to the blurred image y alone,

    .. math::

        \min \; d\left(y, \; G_k(z_k) * G_x(z_x)\right)

    where d is first the mean squared error and then 1 - SSIM (Ren, Zhang, Wang, Hu and Zuo, "Neural blind deconvolution
    using deep priors", CVPR 2020). The scene is larger than the image by the kernel, so nothing is assumed about what
    lies outside the image. A tensor on a GPU is restored there.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred photograph, shape ``(height, width)`` and a channel axis where there are channels, at least 32 pixels
        per side; integers are scaled to [0, 1]. Of channels, a gray image is fitted; the color is that of
        `deblur.nonblind.unrolled` with the estimated PSF. Saturated pixels (above 0.98 of the range) are ignored.
    psf_shape : int or tuple of int
        Size of the PSF, odd, 3 to half the image; one for both axes or one per axis. Somewhat too large is better than
        too small.
    preset : {"paper", "fast"} or SelfDeblurSettings
        As published, or with a smaller generator, from coarse to fine and in bfloat16 where that is fast; see
        `deblur.blind.SELFDEBLUR_PRESETS`.
    start : numpy.ndarray or torch.Tensor, optional
        Initial PSF, not larger than `psf_shape`, for example that of a faster method. Then only the finest scale is
        fitted.
    restarts : int
        Number of fits, with consecutive seeds; the one is kept whose scene has the sparsest gradients and explains the
        image best.
    seed : int
        The same seed gives the same result on the same machine.
    noise_level : float or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated if None.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, at least 0, broadcastable to `image`: 0 for defective samples, whose values are ignored.
    channel_axis : int, optional
        Axis of the channels, if there is one. One PSF is estimated for all of them.
    checkpoint : path-like, optional
        A ``.safetensors`` file, replaced every minute. If it exists, the run resumes from it.
    callback : callable, optional
        ``callback(iteration, estimate, objective)``, where the estimate is the average scene so far, gray, on the scale
        [0, 1]; returning True stops, and the current estimate is returned.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done.

    Returns
    -------
    Restoration
        The restored image, the PSF, and the confidence in it. Flat, tiny and sharp images, and noise, come back with
        ``changed`` false, a PSF of one pixel, and the reason.

    Raises
    ------
    TypeError, ValueError
        If the image is not a real array of two axes (and a channel axis), or has NaN or infinite values; if an option
        is out of range; if the checkpoint belongs to another run; or if there is too little memory.
    OSError
        If the checkpoint cannot be written.

    Examples
    --------
    >>> import numpy as np, skimage.data
    >>> from deblur.blind import SelfDeblurSettings, selfdeblur
    >>> tiny = SelfDeblurSettings(num_iter=(3,), width=8, across=2, depth=3)
    >>> result = selfdeblur(skimage.data.camera()[::8, ::8], 5, preset=tiny)
    >>> result.image.shape, float(result.psf.sum().round(3))
    ((64, 64), 1.0)
    """
    settings = _settings(preset)
    with torch.no_grad():
        picture = Picture(image, channel_axis, noise_level, method="selfdeblur", weights=weights)
    y = picture.view.y
    shape = checked_shape(psf_shape, picture)
    if restarts < 1:
        raise ValueError(f"restarts must be at least 1, got {restarts}")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed must be 0 to 2**32 - 1, got {seed}")
    kernel = _start(start, shape, y)
    reason = unusable_reason(picture)
    if reason:
        return picture.unchanged(0.0, reason, next_steps=())
    check_memory(settings, tuple(side + size - 1 for side, size in zip(y.shape, shape, strict=True)), y.device)
    run = Run(picture.view, shape, settings, kernel, restarts, picture.noise_level, seed, checkpoint)
    report = progress or silent
    while not run.is_done:
        objective = run.step()
        report(run.fraction, _FITTING)
        if callback is not None and callback(run.iteration - 1, picture.to_input_kind(run.current()), objective):
            run.save()
            break
    found = run.result()
    if float(found.k.max()) > _NO_BLUR:
        return picture.unchanged(0.0, "the picture is sharp, or the fit took it for sharp: the kernel is no blur")
    psf = _centered(found.k)
    restored = _colored(crop_to_image(found, tuple(y.shape)), picture, psf)
    return picture.restored(restored, psf, *_confidence(found, picture), {"num_iter": run.iteration})


def _settings(preset: str | SelfDeblurSettings) -> SelfDeblurSettings:
    if isinstance(preset, SelfDeblurSettings):
        return preset
    if preset not in SELFDEBLUR_PRESETS:
        known = ", ".join(SELFDEBLUR_PRESETS)
        raise ValueError(f"preset must be {known} or a SelfDeblurSettings, got {preset!r}")
    return SELFDEBLUR_PRESETS[preset]


def _start(start: Array | None, shape: tuple[int, int], like: torch.Tensor) -> torch.Tensor | None:
    if start is None:
        return None
    kernel = as_float_tensor(start, "start")[0].detach().to(like)
    check_finite(kernel, "start")
    if kernel.ndim != 2 or any(size > most for size, most in zip(kernel.shape, shape, strict=True)):
        most = " x ".join(map(str, shape))
        raise ValueError(f"start must be a PSF of at most {most} pixels, as psf_shape says, got {tuple(kernel.shape)}")
    validate(kernel)
    kernel = pad_to(kernel, shape)
    return kernel / kernel.sum()


def _confidence(found: Iterate, picture: Picture) -> tuple[float, str]:
    """Return the confidence, and why it is not higher."""
    y, valid = picture.view.y, picture.view.valid
    error = float((found.compared_with(picture.view) - y).square().sum().div(valid.sum()).sqrt())
    allowed = _FAITHFUL * math.hypot(picture.noise_level, _ROUNDING)
    if error <= allowed:
        return 1.0, ""
    return allowed / error, f"the result explains the picture only to within {error:.3f} of its range"


def _colored(x: torch.Tensor, picture: Picture, psf: torch.Tensor) -> torch.Tensor:
    """Return channels whose gray image is x and whose differences are those of a restoration with the PSF."""
    if len(picture.y) == 1:
        return x[None]
    restored = by_network(picture.y, psf, weights=picture.weights)
    return restored + (x - gray(restored))


def _centered(kernel: torch.Tensor) -> torch.Tensor:
    """Move the centroid of a kernel to its middle, and crop the border that holds a hundredth of the sum."""
    moved = center(kernel)
    cut = moved[estimate_support(moved, energy=0.99)]
    return (cut / cut.sum()).contiguous()
