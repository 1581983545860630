"""Windows of an image larger than memory: their shape, their halo, and the loop over them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from deblur._core.memory import resident_bytes
from deblur._core.progress import Progress, span
from deblur._core.samples import quantized
from deblur._core.tiling import evened, tiles
from deblur._result import Restoration
from deblur.nonblind import NoiseModel
from deblur.psf import estimate_support
from deblur.restoration._calibration import ArrayLike, Patches
from deblur.restoration._cost import largest_window, window_bytes
from deblur.restoration._masks import unmasked
from deblur.restoration._plan import Plan, with_windows
from deblur.restoration._run import restore_window

_SHRINK = 0.8  # of a halo that memory has no room for, at each try


def plan_windows(
    plan: Plan,
    image: ArrayLike,
    *,
    memory: int,
    window: Sequence[int] | None = None,
    halo: int | Sequence[int] | None = None,
    weights: Any = None,
) -> Plan:
    """Choose the windows, and calibrate the method once for all of them.

    An image that fits into memory is one window, and the method then decides for itself, as in `deblur.restore`.

    Parameters
    ----------
    plan : Plan
        For the whole image; its PSF has the spatial axes of `image`.
    image : array-like
        The axes of the PSF, and a last axis of channels if there is a channel axis.
    memory : int
        Most bytes that the process may hold.
    window : sequence of int, optional
        Shape of the windows, instead of one chosen for `memory`.
    halo : int or sequence of int, optional
        Pixels, instead of what the method's row says.
    weights : array, optional
        0 where a sample is left out, of the shape of the image without its channels.

    Raises
    ------
    ValueError
        If memory is too small, or a window keeps nothing beyond its halo.
    """
    space = image.shape if plan.channel_axis is None else image.shape[:-1]
    copies = 1 if plan.channel_axis is None else image.shape[-1]
    kernel, saturated = plan.policy.psf.shape, plan.policy.saturation is not None

    if window is not None:
        window = _checked_window(window, space)

    def available() -> int:
        return (memory - resident_bytes()) // copies

    if window is None:
        is_whole = window_bytes(plan.method, space, kernel, saturated=saturated) <= available()
    else:
        is_whole = all(size >= extent for size, extent in zip(window, space, strict=True))
    if is_whole:
        return with_windows(plan, tuple(space), halo_of(plan, halo))
    plan = calibrated(plan, image, weights)
    halos = halo_of(plan, halo)
    if window is None:
        window, halos = _fitting(plan, space, halos, available(), least=halos if halo is not None else _least(plan))
    if any(2 * edge >= size < extent for edge, size, extent in zip(halos, window, space, strict=True)):
        raise ValueError(f"a window of {tuple(window)} keeps nothing beyond a halo of {halos} at both ends")
    return with_windows(plan, tuple(min(size, extent) for size, extent in zip(window, space, strict=True)), halos)


def calibrated(plan: Plan, image: ArrayLike, weights: Any = None) -> Plan:
    """Return a plan with the options that its method fixes for all windows of an image."""
    patches = Patches(image, plan.policy, plan.channel_axis, weights)
    options = dict(plan.options)
    level = given = options.get("noise_level")
    if plan.method.calibration != "nothing" and (given is None or isinstance(given, NoiseModel)):
        level = patches.noise_level(given)
        white = level if given is None else patches.noise_level() if given.white is None else given.white
        options["noise_level"] = replace(given or NoiseModel(), white=white)
    if options.get("background") == "auto":
        options["background"] = patches.background()
    background = {"background": options["background"]} if "background" in options else {}
    fixed = plan.method.calibrate(patches, plan.method.function, options)
    return with_windows(replace(plan, noise_level=level), plan.window, plan.halo, **background, **fixed)


def halo_of(plan: Plan, halo: int | Sequence[int] | None = None) -> tuple[int, ...]:
    """Return the halo in pixels along each axis of the PSF: as given, or by the rule of the method.

    Raises
    ------
    ValueError
        If a given one is negative or has the wrong number of axes.
    """
    ndim = plan.policy.psf.ndim
    if halo is None:
        widths = plan.method.halo(plan.options)
        return tuple(math.ceil(widths * width) for width in _support(plan))
    given = tuple(halo) if isinstance(halo, Sequence) else (halo,) * ndim
    if len(given) != ndim or any(not _is_whole_number(edge) or edge < 0 for edge in given):
        raise ValueError(f"halo must be pixels, at least 0, one number or one per axis of the psf, got {halo!r}")
    return tuple(map(int, given))


def run_windows(
    plan: Plan, image: ArrayLike, out: Any, progress: Progress | None = None, weights: Any = None
) -> list[Restoration]:
    """Restore window by window, write the kept part of each into `out`, and return what is known of each.

    Parameters
    ----------
    plan : Plan
        With windows.
    image : array-like
        Read by slicing along its spatial axes.
    out : array-like
        Written by slicing; integers are rounded and clipped.
    progress : callable, optional
        See `deblur._core.progress`.
    weights : array, optional
        0 where a sample is left out, of the shape of the image without its channels.
    """
    space = image.shape if plan.channel_axis is None else image.shape[:-1]
    places = list(tiles(space, plan.window, plan.halo))
    done = []
    for number, tile in enumerate(places):
        part = span(progress, number / len(places), (number + 1) / len(places))
        seen = None if weights is None else np.asarray(weights[tile.window])
        pixels, seen = unmasked(np.asanyarray(image[tile.window]), seen, plan.channel_axis)
        made = restore_window(plan, pixels, part, seen)
        out[tile.kept] = quantized(made.image[tile.inner], np.dtype(out.dtype))
        done.append(_without_image(made))
    return done


def _checked_window(window: Any, space: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(window) if isinstance(window, Sequence) else ()
    if len(sizes) != len(space) or any(not _is_whole_number(size) or size < 1 for size in sizes):
        raise ValueError(f"window must be pixels, at least 1, for each of the {len(space)} axes, got {window!r}")
    return tuple(map(int, sizes))


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _without_image(made: Restoration) -> Restoration:
    """Drop the pixels, so that no more than one window is held."""
    return replace(made, image=None)


def _support(plan: Plan) -> list[int]:
    return [part.stop - part.start for part in estimate_support(plan.policy.psf)]


def _least(plan: Plan) -> tuple[int, ...]:
    """Return the halo that a window must have even where memory is short."""
    return tuple(math.ceil(plan.method.halo({}) * width) for width in _support(plan))


def _fitting(
    plan: Plan, space: Sequence[int], halos: tuple[int, ...], available: int, least: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the largest window, and a halo that leaves room for it but is not smaller than `least`."""
    kernel, saturated = plan.policy.psf.shape, plan.policy.saturation is not None
    while True:
        try:
            window = largest_window(space, kernel, halos, plan.method, available, saturated=saturated)
        except ValueError:
            if all(edge <= small for edge, small in zip(halos, least, strict=True)):
                raise
            halos = tuple(max(small, int(_SHRINK * edge)) for edge, small in zip(halos, least, strict=True))
        else:
            window = evened(space, window, halos)
            return tuple(max(size, k) for size, k in zip(window, kernel, strict=True)), halos
