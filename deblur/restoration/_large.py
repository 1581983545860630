"""`deblur.restore_large`: an image that is read and written window by window."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from deblur._core.memory import parse_bytes
from deblur._core.own_state import own_state
from deblur._core.progress import Progress
from deblur._result import Restoration
from deblur.restoration._calibration import ArrayLike
from deblur.restoration._plan import make_plan
from deblur.restoration._policy import Policy, check_psf_array
from deblur.restoration._sources import array_policy
from deblur.restoration._windows import plan_windows, run_windows


@own_state()
def restore_large(
    image: ArrayLike,
    psf: np.ndarray,
    out: Any,
    *,
    memory: int | str = "4G",
    method: str = "auto",
    noise_level: Any = None,
    weights: Any = None,
    bad_pixels: Any = None,
    saturation: float | None = None,
    linear: bool = False,
    channel_axis: int | None = None,
    halo: int | tuple[int, ...] | None = None,
    window: tuple[int, ...] | None = None,
    device: str | torch.device | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Restoration:
    """Restore an image window by window, in a bounded amount of memory.

    Windows overlap, and the middle of each is written. What a method estimates from a picture is estimated once and
    holds for all windows: the noise level, the balance of `wiener`, and the iterations of `richardson_lucy`, which the
    patch of most contrast decides and all extrapolate alike (``accelerate="steady"``). The other methods still adapt to
    the contrast of each window. An image that fits into memory is one window, and then this is `deblur.restore`.

    Parameters
    ----------
    image : array-like
        Anything with a shape, a dtype and slicing: NumPy arrays and memory maps, zarr and HDF5 arrays. Its axes are
        those of `psf`, and a channel axis after them. Integers are scaled to [0, 1].
    psf : numpy.ndarray
        Point-spread function of two or three axes, scaled to sum 1.
    out : array-like
        Where the result goes, by ``out[box] = values``; of the shape of `image`, and in other memory. Integers are
        rounded and clipped.
    memory : int or str
        Most bytes that the process may hold, or a text such as ``"4G"``.
    method : str
        A name of `deblur.methods` that takes a PSF, or ``"auto"``.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image, see `deblur.restore`; if None, the median of
        estimates over it.
    weights : array-like, optional
        Weight of each sample, 0 where it is left out and kept, of the shape of the image without its channels. Samples
        that are not finite are left out too.
    bad_pixels : array or "auto", optional
        See `deblur.restore`.
    saturation : float, optional
        Value from which on samples are clipped, see `deblur.restore`.
    linear : bool
        Whether samples follow the sRGB curve, see `deblur.restore`.
    channel_axis : None or -1
        Whether the last axis has channels.
    halo : int or tuple of int, optional
        Distance in pixels that the kept part of a window has from its inner edges, one number or one per axis of the
        PSF. By default twice the PSF's width (of the box with 99.9 % of its light), and for more than 4 iterations of
        `richardson_lucy` that width times the square root of their number, as far as `memory` allows.
    window : tuple of int, optional
        Shape of the windows, instead of one chosen for `memory`.
    device : str or torch.device, optional
        Where to compute, see `deblur.restore`.
    progress : callable, optional
        ``progress(fraction, stage)``, see `deblur.restore`.
    **options
        Passed to the method.

    Returns
    -------
    Restoration
        Its `image` is `out`; its `details` have ``"windows"`` (their number), ``"window"`` and ``"halo"`` (pixels),
        and in ``"options"`` what was fixed for all windows.

    Raises
    ------
    TypeError, ValueError
        If `memory` is too small for this PSF, `out` shares memory with `image`, or an argument does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import deblur
    >>> picture = np.random.default_rng(0).random((120, 130), dtype=np.float32)
    >>> sharp = np.empty_like(picture)
    >>> done = deblur.restore_large(picture, deblur.psf.disk(2), sharp, method="wiener", window=(80, 80))
    >>> done.details["windows"], done.details["halo"]
    (4, [10, 10])
    """
    _check_arrays(image, out)
    if channel_axis not in (None, -1):
        raise ValueError(f"channel_axis must be None or -1, got {channel_axis!r}")
    space = tuple(image.shape if channel_axis is None else image.shape[:-1])
    policy = array_policy(
        image,
        psf,
        channel_axis=channel_axis,
        noise_level=noise_level,
        linear=linear,
        saturation=saturation,
        space=space if len(space) == getattr(psf, "ndim", 0) else None,
        bad_pixels=bad_pixels,
    )
    settings: dict[str, Any] = {"method": method, "channel_axis": channel_axis, "device": device, **options}
    return restore_sliced(
        image,
        out,
        policy,
        settings,
        memory=parse_bytes(memory),
        window=window,
        halo=halo,
        weights=weights,
        progress=progress,
    )


def _check_arrays(image: Any, out: Any) -> None:
    """Raise an error unless `image` can be read, and `out` written, window by window."""
    for name, array in (("image", image), ("out", out)):
        if not hasattr(array, "dtype") or not hasattr(array, "shape"):
            raise TypeError(f"{name} must be an array with a shape and a dtype, got {type(array).__name__}")
    if getattr(image.dtype, "kind", "f") not in ("b", "u", "i", "f"):
        raise TypeError(f"image must be real numbers, got dtype {image.dtype}")
    if getattr(out.dtype, "kind", "") not in ("i", "u", "f"):
        raise TypeError(f"out must hold integers or floating-point numbers, got dtype {out.dtype}")
    if _overlap(image, out):
        raise ValueError("out shares memory with image: a window would be read after it is overwritten; give another")


def _overlap(image: Any, out: Any) -> bool:
    """Return whether two arrays are known to have samples in common, in memory or in a file that is mapped."""
    if not (isinstance(image, np.ndarray) and isinstance(out, np.ndarray)):
        return image is out
    if np.may_share_memory(image, out):
        return True
    mapped = [array.filename for array in (image, out) if isinstance(array, np.memmap) and array.filename is not None]
    return len(mapped) == 2 and os.path.realpath(mapped[0]) == os.path.realpath(mapped[1])


def restore_sliced(
    image: ArrayLike,
    out: Any,
    policy: Policy,
    settings: dict[str, Any],
    *,
    memory: int,
    window: tuple[int, ...] | None = None,
    halo: int | tuple[int, ...] | None = None,
    weights: Any = None,
    progress: Progress | None = None,
) -> Restoration:
    """Plan the windows of a sliced source, restore them into `out`, and return what was done.

    Parameters
    ----------
    image, out, memory, window, halo, weights, progress
        See `restore_large`.
    policy : Policy
        What restoring the source means.
    settings : dict
        Keywords for `make_plan`.
    """
    start = time.perf_counter()
    channel_axis = settings.get("channel_axis")
    space = tuple(image.shape if channel_axis is None else image.shape[:-1])
    check_psf_array(policy.psf)
    if len(space) != policy.psf.ndim:
        raise ValueError(f"image must have the {policy.psf.ndim} axes of the psf, got shape {space}")
    if tuple(out.shape) != tuple(image.shape):
        raise ValueError(f"out must have the shape of the image, {tuple(image.shape)}, got {tuple(out.shape)}")
    planned = make_plan(policy, space, **settings)
    plan = plan_windows(planned, image, memory=memory, window=window, halo=halo, weights=weights)
    done = run_windows(plan, image, out, progress, weights)
    levels = [each.noise_level for each in done if each.noise_level is not None]
    level = plan.noise_level
    if level is None and levels:
        level = levels[0] if len(levels) == 1 else float(np.median(levels))
    details = {**done[0].details, **plan.describe(), "windows": len(done)}
    return replace(
        done[0], image=out, noise_level=level, seconds=time.perf_counter() - start, details=details, changed=True
    )
