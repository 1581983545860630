"""The public door: an image, and what blurred it if that is known, in; a sharper image, out."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from deblur._result import Restoration
from deblur.blind import SELFDEBLUR_PRESETS, BlindResult, fast, selfdeblur
from deblur.blind._fast import Progress
from deblur.nonblind import (
    adm,
    estimate_noise,
    fused,
    hyper_laplacian,
    part_highlights,
    plug_and_play,
    richardson_lucy,
    total_variation,
    unrolled,
    unsupervised_wiener,
    wiener,
)
from deblur.nonblind._highlights import highlights_share

METHODS: dict[str, Callable[..., Any]] = {
    "wiener": wiener,
    "unsupervised-wiener": unsupervised_wiener,
    "richardson-lucy": richardson_lucy,
    "total-variation": total_variation,
    "hyper-laplacian": hyper_laplacian,
    "plug-and-play": plug_and_play,
    "adm": adm,
    "unrolled": unrolled,
    "fused": fused,
}
"""The methods by the names that `restore` and the command line give them."""

BEST = {1: "wiener", 2: "unrolled", 3: "richardson-lucy"}
"""By the number of axes of the PSF: the best in `deblur bench set14-levin` and `deblur bench bars3d`."""

SMALLEST = 48
"""A network sees too little of pictures with fewer pixels a side; they go to `wiener`."""

BLIND = "blind"
"""What `Restoration` calls `deblur.blind.fast`."""

SELFDEBLUR = "selfdeblur"
"""The method that takes no PSF."""

_FAST_SHARE = 0.8  # of the time that `fast` takes with a method of choice after it
_SEARCH_SHARE = 0.1  # of the time that `selfdeblur` and the search for a kernel to start it from take together


def restore(
    image: Any,
    psf: Any = None,
    *,
    method: str = "auto",
    noise_level: float | None = None,
    saturation: float | None = None,
    channel_axis: int | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Restoration:
    """Restore a blurred image, with the point-spread function of the blur or without.

    Parameters
    ----------
    image : numpy.ndarray or torch.Tensor
        Blurred image: its last axes, the channel axis aside, are those of the PSF; axes before them are a batch.
    psf : numpy.ndarray or torch.Tensor, optional
        Point-spread function, one to three axes. If None, it is estimated by `deblur.blind.fast`, from one photograph
        (two axes, and channels).
    method : str
        How: ``"auto"``, ``"wiener"``, ``"unsupervised-wiener"``, ``"richardson-lucy"``, ``"total-variation"``,
        ``"hyper-laplacian"``, ``"plug-and-play"``, ``"adm"``, ``"unrolled"`` or ``"fused"``; `auto` takes the one that
        measures best for a PSF of so many axes: `unrolled` for pictures. Without a PSF, `auto` is `deblur.blind.fast`
        all through, and another method takes over when the PSF has been estimated; then there is ``"selfdeblur"`` too,
        `deblur.blind.selfdeblur` with its fast preset, in minutes.
    noise_level : float, optional
        Standard deviation of the noise, in the unit of the image; estimated if None, by the method and for
        each image of a batch.
    saturation : float, optional
        Value from which on samples are clipped, in the unit of the image. The light that they lost is then found
        first, so that lamps do not ring; see `deblur.nonblind.part_highlights`. None if no sample is clipped.
        `deblur.blind.fast` sees by itself what is clipped.
    channel_axis : int, optional
        Axis of the channels, if there is one.
    progress : callable, optional
        ``progress(part, what)`` is told the part of the work that is done, 0 to 1, and what is being done, by the
        methods that can tell; what it raises ends the work.
    **options
        Passed to the method, see `deblur.nonblind`; without a PSF to `deblur.blind.fast`.

    Returns
    -------
    Restoration
        The image, and how it was made.

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
    name = best_method(_space(image, channel_axis), getattr(psf, "ndim", 2)) if method == "auto" else method
    if name not in (*METHODS, SELFDEBLUR):
        raise ValueError(f"method must be auto, {', '.join(METHODS)} or {SELFDEBLUR}, got {method!r}")
    if name == SELFDEBLUR and psf is not None:
        raise ValueError(f"method {SELFDEBLUR} finds the PSF itself: leave psf out")
    start = time.perf_counter()
    report = progress or (lambda part, what: None)
    if psf is None:
        blind = _fast_then_selfdeblur if name == SELFDEBLUR else fast
        ends_with_it = method in ("auto", SELFDEBLUR)
        told = report if ends_with_it else _part_of(report, 0, _FAST_SHARE)
        found = blind(image, noise_level=noise_level, channel_axis=channel_axis, progress=told, **options)
        if ends_with_it or found.image is image:
            report(1.0, "sharpening")
            name = SELFDEBLUR if method == SELFDEBLUR else BLIND
            seconds = time.perf_counter() - start
            return Restoration(found.image, found.psf, found.noise_level, name, seconds, found.confidence, found.reason)
        given = restore(
            image,
            found.psf,
            method=method,
            noise_level=noise_level,
            saturation=saturation,
            channel_axis=channel_axis,
            progress=_part_of(report, _FAST_SHARE, 1),
        )
        return replace(given, seconds=time.perf_counter() - start, confidence=found.confidence, reason=found.reason)
    beyond: Any = 0
    share = 0.0
    if saturation is not None and image.max() >= saturation:
        share = highlights_share(image, saturation, channel_axis)
        image, beyond = part_highlights(
            image,
            psf,
            saturation=saturation,
            noise_level=noise_level,
            channel_axis=channel_axis,
            progress=lambda part: report(share * part, "finding what highlights lost"),
        )
    if progress is not None:
        options |= _told(name, options, lambda part: report(share + (1 - share) * part, "sharpening"))
    if name == "unsupervised-wiener":
        if noise_level is not None:
            raise ValueError("unsupervised-wiener estimates the noise level itself: leave noise_level out")
        posterior = unsupervised_wiener(image, psf, channel_axis=channel_axis, **options)
        restored, noise_level = posterior.mean, posterior.noise_level
    else:
        restored = METHODS[name](image, psf, noise_level=noise_level, channel_axis=channel_axis, **options)
        if noise_level is None:
            noise_level = estimate_noise(image, psf, channel_axis=channel_axis)
    report(1.0, "sharpening")
    return Restoration(restored + beyond, psf, noise_level, name, time.perf_counter() - start)


def _part_of(progress: Progress, start: float, stop: float) -> Progress:
    """Tell of a piece of the work as of that part of the whole."""
    return lambda part, what: progress(start + (stop - start) * part, what)


def _told(name: str, options: dict[str, Any], progress: Callable[[float], None]) -> dict[str, Any]:
    """Return the option by which a method tells how far it is, if it does, and is not to tell somebody else."""
    parameters = inspect.signature(METHODS[name]).parameters
    if "progress" in parameters:
        return {"progress": progress}
    if "num_iter" not in parameters or "callback" not in parameters or "callback" in options:
        return {}
    most = options.get("num_iter", parameters["num_iter"].default)
    return {"callback": lambda iteration, estimate, objective: progress((iteration + 1) / most)}


def _fast_then_selfdeblur(
    image: Any,
    *,
    noise_level: float | None,
    channel_axis: int | None,
    progress: Progress,
    psf_shape: Any = "auto",
) -> BlindResult:
    """Restore by `selfdeblur`, from the PSF that `fast` finds; where that finds none, its answer stands."""
    shared: dict[str, Any] = {"noise_level": noise_level, "channel_axis": channel_axis}
    found = fast(image, psf_shape, progress=_part_of(progress, 0, _SEARCH_SHARE), **shared)
    if found.image is image:
        return found
    shape = tuple(max(3, side) for side in found.psf.shape) if psf_shape == "auto" else psf_shape
    num_iter = SELFDEBLUR_PRESETS["fast"].num_iter[-1]  # with a PSF to start from, the others are left out
    fitting = _part_of(progress, _SEARCH_SHARE, 1)

    def callback(iteration: int, estimate: Any, objective: float) -> None:
        fitting((iteration + 1) / num_iter, "fitting two networks")

    refined = selfdeblur(image, shape, preset="fast", start=found.psf, callback=callback, **shared)
    if refined.confidence <= found.confidence:
        return refined
    return replace(refined, confidence=found.confidence, reason=found.reason)  # no surer than what it began with


def best_method(shape: Sequence[int], ndim: int) -> str:
    """Say what `restore` does with an image of this shape, without channels, and a PSF of so many axes."""
    if ndim == 2 and min(shape[-2:], default=0) < SMALLEST:
        return "wiener"
    return BEST.get(ndim, "wiener")


def _space(image: Any, channel_axis: int | None) -> list[int]:
    shape = list(getattr(image, "shape", ()))
    if channel_axis is not None and -len(shape) <= channel_axis < len(shape):
        del shape[channel_axis]
    return shape
