"""Running a plan on one window: the single path from blurred samples to restored ones."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from deblur import photo
from deblur._core.arrays import as_float_tensor
from deblur._core.progress import Progress, silent, span
from deblur._result import Restoration
from deblur.nonblind import NoiseModel, estimate_noise, highlights_share, split_highlights
from deblur.operators import LinearOperator
from deblur.restoration._masks import estimate_background, masked_image, unmasked
from deblur.restoration._next_steps import next_steps
from deblur.restoration._plan import Plan
from deblur.restoration._registry import AUTO, BLURS, Method
from deblur.solvers.filling import fill_smoothly

_UNDONE = {method: blur for blur, method in BLURS.items() if blur != AUTO}
"""The kind of blur that a blind method undoes, if it is for one."""
_ESTIMATION_SHARE = 0.8  # of the time that blind estimation takes when another method restores after it


def restore_window(plan: Plan, pixels: Any, progress: Progress | None = None, weights: Any = None) -> Restoration:
    """Restore one window, or a whole image, as planned.

    Parameters
    ----------
    plan : Plan
        What was decided for the whole image.
    pixels : numpy.ndarray or torch.Tensor
        Samples as the source has them; integers are scaled to [0, 1]. Those that are masked or not finite are left out.
    progress : callable, optional
        See `deblur._core.progress`.
    weights : array, optional
        Weight of each sample, 0 where it is left out, of the shape of the image, or of its shape without the channels.

    Returns
    -------
    Restoration
        In the array type of `pixels`, floating, encoded as they are. Samples that were left out are as they were, but
        for defective ones, which are restored.
    """
    start = time.perf_counter()
    report = progress or silent
    samples, weights = unmasked(pixels, weights, plan.channel_axis)
    values = as_float_tensor(samples, "image")[0]
    policy = plan.policy
    part = masked_image(
        values,
        weights,
        channel_axis=plan.channel_axis,
        saturated_from=policy.saturated_from,
        bad_pixels=policy.bad_pixels,
        psf=None if isinstance(policy.psf, LinearOperator) else policy.psf,
    )
    known = _Image(part.values, part.weights).on(plan.device)
    made = _restore(plan, known._replace(values=photo.to_linear(known.values)) if policy.linear else known, report)
    restored = photo.from_linear(made.image) if policy.linear else made.image
    report(1.0, "sharpening")
    image = part.put_back(restored.to(values.device)) if made.changed else values.clone()
    details: dict[str, Any] = {**plan.describe(), **made.details}
    blind = plan.estimator or plan.method
    if not made.changed and policy.psf is None:
        is_sized = "psf_shape" not in blind.parameters or plan.options.get("psf_shape", "auto") != "auto"
        details.setdefault("next_steps", next_steps(made, plan.channel_axis, is_sized=is_sized))
    if made.changed and blind.name in _UNDONE:
        details.setdefault("blur", _UNDONE[blind.name])
    if part.shares:
        details["mask"] = part.shares
    return replace(
        made,
        image=_like(image, pixels),
        psf=_like(made.psf, samples) if policy.psf is None else policy.psf,
        seconds=time.perf_counter() - start,
        channel_axis=plan.channel_axis,
        details=details,
    )


class _Image(NamedTuple):
    """An image on its way to a method, and the weights of its samples; None if all count alike."""

    values: torch.Tensor
    weights: torch.Tensor | None

    def on(self, device: torch.device) -> _Image:
        """Return it on another device."""
        return _Image(self.values.to(device), None if self.weights is None else self.weights.to(device))

    def for_method(self, method: Method, ndim: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Return the values and the option `weights`; for a method without it, what is not seen is filled in."""
        if self.weights is None:
            return self.values, {}
        if "weights" in method.parameters:
            return self.values, {"weights": self.weights}
        return fill_smoothly(self.values, self.weights > 0, ndim), {}


def _like(array: Any, pixels: Any) -> Any:
    """Return a tensor in the kind and on the device of the pixels that were given, with their mask."""
    if not isinstance(array, torch.Tensor):
        return array
    if isinstance(pixels, torch.Tensor):
        return array.to(pixels.device)
    image = array.cpu().numpy()
    is_masked = isinstance(pixels, np.ma.MaskedArray) and image.shape == pixels.shape
    return np.ma.MaskedArray(image, np.ma.getmask(pixels)) if is_masked else image


def _restore(plan: Plan, image: _Image, report: Progress) -> Restoration:
    if plan.policy.psf is not None:
        return _with_psf(plan, image, plan.policy.psf, report)
    blind = plan.estimator or plan.method
    estimating = span(report, 0, _ESTIMATION_SHARE) if plan.estimator else report
    shared = {"channel_axis": plan.channel_axis, "encoded": plan.policy.encoded, "progress": estimating}
    values, weights = image.for_method(blind, 2)
    estimate: Restoration = blind.function(values, **_known(blind, {**shared, **plan.options}), **weights)
    if plan.estimator is None or not estimate.changed:
        return replace(estimate, method=blind.name)
    options = _known(plan.method, dict(plan.options))
    known = replace(plan, policy=replace(plan.policy, psf=estimate.psf), estimator=None, options=options)
    is_decoded = bool(estimate.details.get("linear"))
    light = image._replace(values=photo.to_linear(image.values)) if is_decoded else image
    made = _with_psf(known, light, estimate.psf, span(report, _ESTIMATION_SHARE, 1))
    restored = photo.from_linear(made.image) if is_decoded else made.image
    details = {**estimate.details, **made.details}
    return replace(made, image=restored, confidence=estimate.confidence, reason=estimate.reason, details=details)


def _with_psf(plan: Plan, image: _Image, psf: Any, report: Progress) -> Restoration:
    if not isinstance(psf, LinearOperator):
        psf = torch.as_tensor(psf, device=image.values.device)
    options = dict(plan.options)
    shared = {"noise_level": options.get("noise_level"), "channel_axis": plan.channel_axis}
    saturation, share = plan.policy.saturation, 0.0
    excess: Any = 0
    if saturation is not None and image.values.max() >= saturation:
        share = highlights_share(image.values, saturation, channel_axis=plan.channel_axis)
        parts = split_highlights(
            image.values,
            psf,
            saturation=saturation,
            weights=image.weights,
            progress=span(report, 0, share),
            **shared,
        )
        image, excess = image._replace(values=parts.remainder), parts.excess
    if options.get("background") == "auto":
        options["background"] = estimate_background(image.values, image.weights)
    elif options.get("background") and float(image.values.max()) <= options["background"]:
        raise ValueError("the background is above the brightest sample: nothing is left to restore")
    shared["progress"] = span(report, share, 1)
    ndim = 2 if isinstance(psf, LinearOperator) else psf.ndim
    values, weights = image.for_method(plan.method, plan.options.get("ndim") or ndim)
    restored = plan.method.function(values, psf, **_known(plan.method, {**shared, **options}), **weights)
    details = {"background": options["background"]} if options.get("background") else {}
    return Restoration(restored + excess, psf, _level(image, psf, plan), plan.method.name, 0.0, details=details)


def _level(image: _Image, psf: Any, plan: Plan) -> Any:
    """Return the noise level that is reported: as given, or estimated."""
    given, ndim = plan.options.get("noise_level"), plan.options.get("ndim")
    if given is not None and not isinstance(given, NoiseModel):
        return given
    if isinstance(psf, LinearOperator):
        psf, given, ndim = None, None, len(psf.range_shape)
    return estimate_noise(
        image.values, psf, model=given, weights=image.weights, channel_axis=plan.channel_axis, ndim=ndim
    )


def _known(method: Method, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that a method has."""
    return {name: value for name, value in options.items() if name in method.parameters}
