"""Pictures and volumes larger than memory: restored window by window, so that no seam shows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from deblur._core.memory import parse_bytes, resident_bytes
from deblur._core.samples import quantized, scaled
from deblur._core.tiling import evened, tiles
from deblur.psf import estimate_support, normalize
from deblur.restoration._array import METHODS, best_method, restore
from deblur.restoration._calibration import ArrayLike, Parts
from deblur.restoration._cost import largest_window, window_bytes

_HALO = 2.0
"""In widths of the PSF; for Richardson-Lucy the square root of the iterations, if more:
python -m benchmarks.quality.tiles."""


@dataclass(frozen=True)
class Tiling:
    """How `restore_large` did it.

    Attributes
    ----------
    method : str
        Name of the method used.
    noise_level : float or None
        Given or estimated, in the unit of the image; None where the method estimates its own.
    window, halo : tuple of int
        Size of the windows, and how far what is kept of each is from its inner edges.
    count : int
        How many windows there were.
    num_iter : int or None
        Iterations of each, where one part decided for all.
    seconds : float
        How long it took.
    """

    method: str
    noise_level: float | None
    window: tuple[int, ...]
    halo: tuple[int, ...]
    count: int
    num_iter: int | None
    seconds: float


def restore_large(
    image: ArrayLike,
    psf: np.ndarray,
    out: Any,
    *,
    memory: int | str = "4G",
    method: str = "auto",
    noise_level: float | None = None,
    saturation: float | None = None,
    channel_axis: int | None = None,
    halo: float | None = None,
    window: tuple[int, ...] | None = None,
    progress: Callable[[float], None] = lambda part: None,
    **options: Any,
) -> Tiling:
    """Restore an image part by part, in a bounded amount of memory.

    Windows overlap, and of each the middle is written. What is estimated from a picture is estimated once and holds
    for all windows: the noise level, the balance of `wiener`, and the iterations of `richardson_lucy`, which the part
    with the most contrast decides and all extrapolate alike (``accelerate="steady"``). The other methods still adapt to
    the contrast of each window. An image that fits into memory is one window, and then this is `deblur.restore`.

    Parameters
    ----------
    image : array-like
        Anything with a shape, a dtype and slicing: NumPy arrays and memory maps, zarr and HDF5 arrays. Its axes are
        those of `psf`, and a channel axis after them. Integers are divided by the largest of their type.
    psf : numpy.ndarray
        Point-spread function of two or three axes.
    out : array-like
        Where the result goes, by ``out[box] = values``; of the shape of `image`. Integers are rounded and clipped.
    memory : int or str
        Most bytes that the process may hold, or a text such as ``"4G"``.
    method : str
        As `deblur.restore` takes it, but for ``"selfdeblur"``.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; if None, the median of estimates over it.
    saturation : float, optional
        Value from which on samples are clipped, see `deblur.restore`.
    channel_axis : None or -1
        Whether the last axis has channels.
    halo : float, optional
        How far what is kept of a window stays from its inner edges, in widths of the PSF (of the box with 99.9 % of
        its light). If None 2, and for more than 4 iterations of `richardson_lucy` the square root of their number, as
        far as `memory` allows.
    window : tuple of int, optional
        Size of the windows, instead of one chosen for `memory`.
    progress : callable, optional
        Called with the part that is done, 0 to 1.
    **options
        Passed to the method.

    Returns
    -------
    Tiling
        What was done.

    Raises
    ------
    ValueError
        If `memory` is too small for this PSF, or an argument does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> import deblur
    >>> picture = np.random.default_rng(0).random((120, 130), dtype=np.float32)
    >>> sharp = np.empty_like(picture)
    >>> blur = deblur.psf.disk(2)
    >>> done = deblur.restore_large(picture, blur, sharp, method="wiener", window=(80, 80))
    >>> done.count, done.halo
    (4, (10, 10))
    """
    if channel_axis not in (None, -1):
        raise ValueError(f"channel_axis must be None or -1, got {channel_axis!r}")
    space = image.shape if channel_axis is None else image.shape[:-1]
    if len(space) != psf.ndim:
        raise ValueError(f"image must have the {psf.ndim} axes of the psf, got shape {tuple(space)}")
    if tuple(out.shape) != tuple(image.shape):
        raise ValueError(f"out must have the shape of the image, {tuple(image.shape)}, got {tuple(out.shape)}")
    start = time.perf_counter()
    name = best_method(space, psf.ndim) if method == "auto" else method
    if name not in METHODS:
        raise ValueError(f"method must be auto, {', '.join(METHODS)}, got {method!r}")
    psf = normalize(np.asarray(psf, np.float64)).astype(np.float32)
    support = [part.stop - part.start for part in estimate_support(psf)]
    if halo is not None and not 0 <= halo < np.inf:
        raise ValueError(f"halo must be finite and not negative, got {halo!r}")
    limit = parse_bytes(memory) if isinstance(memory, str) else memory
    copies = 1 if channel_axis is None else image.shape[-1]
    lamps = saturation is not None

    def available() -> int:
        return (limit - resident_bytes()) // copies

    parts = Parts(image, psf, space, channel_axis)
    fixed: dict[str, Any] = {}
    if name != "unsupervised-wiener":
        if noise_level is None:
            noise_level = parts.noise_level()
        fixed["noise_level"] = noise_level
    if window is None:
        is_whole = window_bytes(name, space, psf.shape, lamps=lamps) <= available()
    else:
        is_whole = all(size >= extent for size, extent in zip(window, space, strict=True))
    if not is_whole:
        if options.get("holdout"):
            raise ValueError("holdout decides for an image that fits into memory; give num_iter for one that does not")
        fixed |= parts.decide_once(name, fixed, options)
    widths = max(_HALO, math.sqrt(fixed.get("num_iter", 0))) if halo is None else halo
    if is_whole:
        window = space
    elif window is None:
        least = _HALO if halo is None else halo
        widths, window = _fitting(space, psf.shape, support, name, widths, least, available(), lamps)
    halos = tuple(math.ceil(widths * width) for width in support)
    if any(2 * edge >= size < extent for edge, size, extent in zip(halos, window, space, strict=True)):
        raise ValueError(f"a window of {tuple(window)} keeps nothing beyond a halo of {halos} at both ends")
    plan = list(tiles(space, window, halos))
    keywords: dict[str, Any] = {**options, **fixed, "saturation": saturation, "channel_axis": channel_axis}
    for number, tile in enumerate(plan):
        restored = restore(scaled(np.asarray(image[tile.window])), psf, method=name, **keywords).image
        kept = restored[tile.inner]
        del restored
        out[tile.kept] = quantized(kept, np.dtype(out.dtype))
        progress((number + 1) / len(plan))
    sizes = tuple(min(size, extent) for size, extent in zip(window, space, strict=True))
    seconds = time.perf_counter() - start
    return Tiling(name, noise_level, sizes, halos, len(plan), fixed.get("num_iter"), seconds)


def _fitting(
    space: tuple[int, ...],
    taps: tuple[int, ...],
    support: list[int],
    name: str,
    widths: float,
    least: float,
    available: int,
    lamps: bool,
) -> tuple[float, tuple[int, ...]]:
    """Return a halo of as many `widths` as leave room for a window, but not fewer than `least`, and the window."""
    while True:
        halos = [math.ceil(widths * width) for width in support]
        try:
            window = evened(space, largest_window(space, taps, halos, name, available, lamps=lamps), halos)
        except ValueError:
            if widths <= least:
                raise
            widths = max(least, 0.8 * widths)
        else:
            return widths, tuple(max(size, k) for size, k in zip(window, taps, strict=True))
