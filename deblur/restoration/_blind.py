"""SelfDeblur as the registry offers it: started from the PSF that sparse edges give, and confirmed by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from deblur._core.progress import Progress, span
from deblur._result import Restoration
from deblur.blind import SELFDEBLUR_PRESETS, sparse_edges
from deblur.blind import selfdeblur as fit_two_networks
from deblur.nonblind import NoiseModel

_SEARCH_SHARE = 0.1  # of the time that `selfdeblur` and the search for its first PSF take together


def selfdeblur(
    image: Any,
    *,
    noise_level: float | NoiseModel | None = None,
    weights: Any = None,
    psf_shape: Any = "auto",
    channel_axis: int | None = None,
    progress: Progress | None = None,
) -> Restoration:
    """Restore by `deblur.blind.selfdeblur`, starting from the PSF of `sparse_edges`, if that finds one."""
    shared: dict[str, Any] = {"noise_level": noise_level, "weights": weights, "channel_axis": channel_axis}
    found = sparse_edges(image, psf_shape, progress=span(progress, 0, _SEARCH_SHARE), **shared)
    if not found.changed:
        return found
    shape = tuple(max(3, side) for side in found.psf.shape) if psf_shape == "auto" else psf_shape
    refined = fit_two_networks(
        image,
        shape,
        preset=SELFDEBLUR_PRESETS["fast"],
        start=found.psf,
        progress=span(progress, _SEARCH_SHARE, 1),
        **shared,
    )
    if (refined.confidence or 0.0) <= (found.confidence or 0.0):
        return refined
    return replace(refined, confidence=found.confidence, reason=found.reason)  # no surer than what it began with
