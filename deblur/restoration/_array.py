"""`deblur.restore`: an image in memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from deblur._core.arrays import as_float_tensor
from deblur._core.own_state import own_state
from deblur._core.progress import Progress
from deblur._result import Restoration
from deblur.operators import LinearOperator
from deblur.restoration._plan import check_channel_axis, make_plan
from deblur.restoration._run import restore_window
from deblur.restoration._sources import array_policy


@own_state()
def restore(
    image: Any,
    psf: Any = None,
    *,
    method: str = "auto",
    blur: str = "auto",
    noise_level: Any = None,
    weights: Any = None,
    bad_pixels: Any = None,
    saturation: float | None = None,
    linear: bool = False,
    channel_axis: int | None = None,
    psf_per_image: bool | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Restoration:
    """Restore a blurred image, with or without the point-spread function of the blur.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image, shape ``(*batch, *space)`` and a channel axis; space has the axes of the PSF. Integers are scaled
        to [0, 1]; values are taken as proportional to light unless `linear`.
    psf : numpy.ndarray, torch.Tensor or LinearOperator, optional
        Point-spread function of one to three axes, scaled to sum 1 so that it keeps the brightness; or any operator,
        for methods that take one (``"richardson-lucy"``). If None, it is estimated from one photograph (two axes, and
        channels).
    method : str
        A name of `deblur.methods`, or ``"auto"``: the method that measures best for this number of PSF axes (`unrolled`
        for pictures), and without a PSF ``"blind"``, or that for the `blur`. Without a PSF, a method that needs one
        restores with the estimate of that.
    blur : {"auto", "shake", "motion", "focus", "soft"}
        The kind of the blur, where there is no PSF: a shake of the camera, straight motion, a lens out of focus, a
        little softness. By default it is found out, and ``details["blur"]`` says it.
    noise_level : float, str, mapping or NoiseModel, optional
        Standard deviation of the noise, in the unit of the image; estimated per image if None or ``"auto"``. Also
        ``"5%"``, ``"iso:800"`` (of a typical camera, in linear light), a JSON file or its content (see
        `deblur.nonblind.NoiseModel`): ``{"white": 0.002, "shot": 0.0001}``, or measured ``{"levels": [[mean, std],
        ...]}``. Where pictures of 8 bits show the block grid of JPEG, the estimate includes the compression.
    weights : numpy.ndarray or torch.Tensor, optional
        Weight of each sample, of the shape of the image, or of its shape without the channels: 0 for samples that are
        left out; the image is restored around them, and they stay as they are. Samples that are masked
        (`numpy.ma.MaskedArray`), NaN or infinite are left out too.
    bad_pixels : array or "auto", optional
        True at defective samples, of the shape of the image, or of its shape without the channels; they are left out
        and restored. ``"auto"`` finds hot and dead pixels.
    saturation : float, optional
        Value from which on samples are clipped, in the unit of the image. The light that they lost is estimated first,
        so that saturated regions do not ring, see `deblur.nonblind.split_highlights`. None if no sample is clipped, and
        for blind methods.
    linear : bool
        Whether `image` holds sRGB values as picture files do, to be decoded before and encoded again after.
    channel_axis : int, optional
        Axis of the channels, if there is one.
    psf_per_image : bool, optional
        Whether the first axis of `psf` counts the images of a batch, each with a PSF of its own. Has to be given where
        a volume could be meant as well.
    device : str or torch.device, optional
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"`` ...; where to compute. If None, where `image` is.
    progress : callable, optional
        ``progress(fraction, stage)``, called with the completed fraction, 0 to 1, and what is being done. An exception
        that it raises cancels the work.
    **options
        Further options of the method, see `deblur.nonblind` and `deblur.blind`; where the PSF is estimated for it, also
        those of the method that estimates it.

    Returns
    -------
    Restoration
        The image, and how it was restored.

    Raises
    ------
    ValueError, TypeError
        If an argument does not fit; one line that says what does.

    Examples
    --------
    >>> import numpy as np
    >>> import deblur
    >>> picture = np.random.default_rng(0).random((64, 64, 3))
    >>> result = deblur.restore(picture, deblur.psf.motion(7, angle=30), channel_axis=-1)
    >>> result.method, result.image.shape
    ('unrolled', (64, 64, 3))
    """
    if not isinstance(image, np.ndarray | torch.Tensor) or 0 in image.shape:
        as_float_tensor(image, "image")  # raises
    space = _space(image, channel_axis)
    is_plane = getattr(psf, "ndim", 0) == 2 and not isinstance(psf, LinearOperator)
    if is_plane and len(space) == 3 and space[-1] in (3, 4) and psf_per_image is None:
        raise ValueError(f"image of shape {space} looks like color: give channel_axis=-1")
    batch = _psf_batch(space, psf, psf_per_image, options)
    if batch:
        options["ndim"] = psf.ndim - batch
    policy = array_policy(
        image,
        psf,
        channel_axis=channel_axis,
        noise_level=noise_level,
        linear=linear,
        saturation=saturation,
        psf_batch=batch,
        space=space,
        bad_pixels=bad_pixels,
    )
    here = image.device if isinstance(image, torch.Tensor) else None
    plan = make_plan(
        policy, space, method=method, blur=blur, channel_axis=channel_axis, device=device, here=here, **options
    )
    return restore_window(plan, image, progress, weights)


def _psf_batch(space: tuple[int, ...], psf: Any, per_image: bool | None, options: dict[str, Any]) -> int:
    """Return the number of leading axes of `psf` that count images."""
    if psf is None or isinstance(psf, LinearOperator):
        return 0
    shape = tuple(getattr(psf, "shape", ()))
    if per_image is None:
        if options.get("ndim") is not None:
            return max(0, len(shape) - int(options["ndim"]))
        if len(shape) >= 3 and len(shape) == len(space) and shape[0] == space[0] > 1:
            raise ValueError(
                f"psf of shape {shape} for an image of shape {space} can be one volume or one PSF per image: "
                "give psf_per_image=True or psf_per_image=False"
            )
        return 0
    if not per_image:
        return 0
    if len(shape) < 2 or len(shape) != len(space) or shape[0] != space[0]:
        raise ValueError(f"psf_per_image needs one PSF per image: psf has shape {shape}, the images {space}")
    return 1


def _space(image: Any, channel_axis: int | None) -> tuple[int, ...]:
    """Return the shape of an image without its channels."""
    check_channel_axis(channel_axis, tuple(image.shape))
    shape = list(image.shape)
    if channel_axis is not None:
        del shape[channel_axis]
    return tuple(shape)
