"""Pictures and volumes larger than memory: restored window by window, so that no seam shows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from deblur._depth import quantized, scaled
from deblur._memory import largest_window, parse_bytes, resident_bytes
from deblur._restore import METHODS, best_method, restore
from deblur._tiles import Tile, tiles
from deblur.nonblind import estimate_noise, wiener_balance
from deblur.psf import estimate_support, normalize

HALO = 2.0
HALO_OF_STEPS = 4.0
"""In widths of the PSF; each step of Richardson-Lucy reaches one further: python -m benchmarks.tiles."""

_PROBES = 9
"""Windows that are looked at to find the noise level, and the one to try the method on."""

_PROBE_SIDE = 512


class ArrayLike(Protocol):
    """What is read and written by parts: a NumPy array or memory map, a zarr or HDF5 array."""

    shape: tuple[int, ...]
    dtype: Any

    def __getitem__(self, box: Any, /) -> Any: ...


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
        Iterations of each, where the first window decided for all.
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
    for all windows: the noise level, the balance of `wiener`, and the iterations of `richardson_lucy`, which the window
    with the most contrast decides and all extrapolate alike (``accelerate="steady"``). The other methods still adapt
    to the contrast of each window. An image that fits into memory is one window, and then this is `deblur.restore`.

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
        Standard deviation of the noise; if None, the median of estimates over the image.
    saturation : float, optional
        Value from which on samples are clipped, see `deblur.restore`.
    channel_axis : None or -1
        Whether the last axis has channels.
    halo : float, optional
        How far what is kept of a window stays from its inner edges, in widths of the PSF (of the box with 99.9 % of
        its light); 4 for `richardson_lucy`, 2 for the others if None.
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
    widths = (HALO_OF_STEPS if name == "richardson-lucy" else HALO) if halo is None else halo
    if not 0 <= widths < np.inf:
        raise ValueError(f"halo must be finite and not negative, got {halo!r}")
    halos = tuple(math.ceil(widths * width) for width in support)
    if window is None:
        limit = parse_bytes(memory) if isinstance(memory, str) else memory
        channels = 1 if channel_axis is None else image.shape[-1]
        window = largest_window(space, psf.shape, halos, name, (limit - resident_bytes()) // channels)
    plan = list(tiles(space, window, halos))
    if len(plan) > 1 and options.get("holdout"):
        raise ValueError("holdout decides for an image that fits into memory; give num_iter for one that does not")

    def read(tile: Tile) -> np.ndarray:
        return scaled(np.asarray(image[tile.window]))

    fixed: dict[str, Any] = {}
    if name != "unsupervised-wiener":
        if noise_level is None:
            noise_level = _noise_level(image, psf, space, channel_axis)
        fixed["noise_level"] = noise_level
    if len(plan) > 1:
        fixed |= _decide_once(name, read, plan, psf, channel_axis, fixed, options)
    keywords: dict[str, Any] = {**options, **fixed, "saturation": saturation, "channel_axis": channel_axis}
    for number, tile in enumerate(plan):
        restored = restore(read(tile), psf, method=name, **keywords).image
        kept = restored[tile.inner]
        del restored
        out[tile.kept] = quantized(kept, np.dtype(out.dtype))
        progress((number + 1) / len(plan))
    sizes = tuple(min(size, extent) for size, extent in zip(window, space, strict=True))
    seconds = time.perf_counter() - start
    return Tiling(name, noise_level, sizes, halos, len(plan), fixed.get("num_iter"), seconds)


def _noise_level(image: ArrayLike, psf: np.ndarray, space: tuple[int, ...], channel_axis: int | None) -> float:
    """Return the median over parts of the image, spread evenly over it."""
    sides = [max(k, _PROBE_SIDE if psf.ndim == 2 else _PROBE_SIDE // 8) for k in psf.shape]
    parts = list(tiles(space, sides, [0] * psf.ndim))
    chosen = parts[:: -(-len(parts) // _PROBES)]
    levels = [estimate_noise(scaled(np.asarray(image[each.window])), psf, channel_axis=channel_axis) for each in chosen]
    return float(np.median(levels))


def _decide_once(
    name: str,
    read: Callable[[Tile], np.ndarray],
    plan: list[Tile],
    psf: np.ndarray,
    channel_axis: int | None,
    fixed: dict[str, Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    """Find in one window what each window would decide for itself."""
    if name not in ("wiener", "richardson-lucy"):
        return {}
    pilot = max(plan[:: -(-len(plan) // _PROBES)], key=lambda tile: float(read(tile).std()))
    y = read(pilot)
    if name == "wiener":
        if "balance" in options:
            return {}
        return {"balance": wiener_balance(y, psf, noise_level=fixed["noise_level"], channel_axis=channel_axis)}
    count = 0

    def callback(iteration: int, estimate: Any, objective: float) -> None:
        nonlocal count
        count = iteration + 1

    fixed = {"accelerate": "steady"} | fixed
    METHODS[name](y, psf, channel_axis=channel_axis, **{**options, **fixed, "callback": callback})
    level = fixed["noise_level"] if options.get("damping") else 0.0  # 0: no window stops before the others
    return {"num_iter": count, "noise_level": level, "tolerance": 0.0, "accelerate": "steady"}
