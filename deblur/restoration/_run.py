"""Running a plan on one window: the single path from blurred samples to restored ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from deblur import photo
from deblur._core.arrays import as_float_tensor
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.nonblind import estimate_noise, highlights_share, split_highlights
from deblur.operators import LinearOperator
from deblur.restoration._plan import Plan

_ESTIMATION_SHARE = 0.8  # of the time that blind estimation takes when another method restores after it


def restore_window(plan: Plan, pixels: Any, progress: Progress | None = None) -> Restoration:
    """Restore one window, or a whole image, as planned.

    Parameters
    ----------
    plan : Plan
        What was decided for the whole image.
    pixels : numpy.ndarray or torch.Tensor
        Samples as the source has them; integers are scaled to [0, 1].
    progress : callable, optional
        See `deblur._core.progress`.

    Returns
    -------
    Restoration
        In the array type of `pixels`, floating, encoded as they are.
    """
    start = time.perf_counter()
    report = progress or silent
    values, to_input_kind = as_float_tensor(pixels, "image")
    stays_numpy = isinstance(pixels, np.ndarray) and plan.device.type == "cpu"
    image: Any = to_input_kind(values) if stays_numpy else values.to(plan.device)
    if plan.policy.linear:
        image = photo.to_linear(image)
    made = _restore(plan, image, report)
    restored = photo.from_linear(made.image) if plan.policy.linear else made.image
    report(1.0, "sharpening")
    details: Mapping[str, Any] = {**plan.describe(), **made.details}
    return replace(
        made,
        image=_like(restored, pixels),
        psf=_like(made.psf, pixels) if plan.policy.psf is None else plan.policy.psf,
        seconds=time.perf_counter() - start,
        channel_axis=plan.channel_axis,
        details=details,
    )


def _like(array: Any, pixels: Any) -> Any:
    """Return an array in the kind and on the device of the pixels that were given."""
    if not isinstance(array, torch.Tensor):
        return array
    return array.cpu().numpy() if isinstance(pixels, np.ndarray) else array.to(pixels.device)


def _restore(plan: Plan, image: Any, report: Progress) -> Restoration:
    if plan.policy.psf is not None:
        return _with_psf(plan, image, plan.policy.psf, report)
    blind = plan.estimator or plan.method
    estimating = span(report, 0, _ESTIMATION_SHARE) if plan.estimator else report
    options = _known(blind, {"channel_axis": plan.channel_axis, "progress": estimating, **plan.options})
    estimate: Restoration = blind.function(image, **options)
    if plan.estimator is None or not estimate.changed:
        return replace(estimate, method=blind.name)
    options = _known(plan.method, dict(plan.options))
    known = replace(plan, policy=replace(plan.policy, psf=estimate.psf), estimator=None, options=options)
    made = _with_psf(known, image, estimate.psf, span(report, _ESTIMATION_SHARE, 1))
    return replace(made, confidence=estimate.confidence, reason=estimate.reason)


def _with_psf(plan: Plan, image: Any, psf: Any, report: Progress) -> Restoration:
    if isinstance(image, torch.Tensor) and not isinstance(psf, LinearOperator):
        psf = torch.as_tensor(psf, device=image.device)
    options = dict(plan.options)
    shared = {"noise_level": options.get("noise_level"), "channel_axis": plan.channel_axis}
    saturation, share = plan.policy.saturation, 0.0
    excess: Any = 0
    if saturation is not None and image.max() >= saturation:
        share = highlights_share(image, saturation, channel_axis=plan.channel_axis)
        parts = split_highlights(image, psf, saturation=saturation, progress=span(report, 0, share), **shared)
        image, excess = parts.remainder, parts.excess
    passed = _known(plan.method, {**shared, "progress": span(report, share, 1)})
    restored = plan.method.function(image, psf, **{**passed, **options})
    level = options.get("noise_level")
    if level is None:
        level = _estimated_noise(image, psf, plan)
    return Restoration(restored + excess, psf, level, plan.method.name, 0.0)


def _estimated_noise(image: Any, psf: Any, plan: Plan) -> float:
    if isinstance(psf, LinearOperator):
        return estimate_noise(image, channel_axis=plan.channel_axis, ndim=len(psf.range_shape))
    return estimate_noise(image, psf, channel_axis=plan.channel_axis, ndim=plan.options.get("ndim"))


def _known(method: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a method has."""
    return {name: value for name, value in options.items() if name in method.parameters}
