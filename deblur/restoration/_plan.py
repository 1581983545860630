"""Decisions that hold for all of a restoration: the method, its options, the device, and the windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from deblur._core.devices import resolve_device
from deblur.operators import LinearOperator
from deblur.restoration._cost import window_bytes
from deblur.restoration._policy import Policy
from deblur.restoration._registry import AUTO, ROWS, Method, default_method, find_method, method_of_blur


@dataclass(frozen=True)
class Plan:
    """How an image is restored, decided once for all its windows.

    Attributes
    ----------
    policy : Policy
        What restoring it means.
    method : Method
        The row of the registry.
    estimator : Method or None
        The blind method that finds the PSF first, where `method` needs one and none was given.
    options : dict
        Keywords for the method, those calibrated for all windows included.
    device : torch.device
        Where it is computed.
    channel_axis : int or None
        Axis of the channels.
    window, halo : tuple of int
        Spatial shape of the windows, and how far their kept part stays from inner edges; empty for the whole image.
    noise_level : float or None
        Estimated once for all windows; a method may be given another, as 0 to stop no window before the others.
    """

    policy: Policy
    method: Method
    estimator: Method | None
    options: Mapping[str, Any]
    device: torch.device
    channel_axis: int | None
    window: tuple[int, ...] = ()
    halo: tuple[int, ...] = ()
    noise_level: float | None = None

    def describe(self) -> dict[str, Any]:
        """Return the decisions for JSON and --verbose."""
        numbers = {name: value for name, value in self.options.items() if isinstance(value, (int, float, str, bool))}
        return {
            **self.policy.describe(),
            "method": self.method.name,
            "options": numbers,
            "device": str(self.device),
            "window": list(self.window),
            "halo": list(self.halo),
        }


def make_plan(
    policy: Policy,
    space: tuple[int, ...],
    *,
    method: str = AUTO,
    blur: str = AUTO,
    channel_axis: int | None = None,
    device: str | torch.device | None = None,
    here: torch.device | None = None,
    **options: Any,
) -> Plan:
    """Choose the method and the device, and check the options.

    Parameters
    ----------
    policy : Policy
        What restoring the image means.
    space : tuple of int
        Shape of the image without its channels.
    method : str
        Name of a method, or "auto".
    blur : str
        The kind of the blur, where its PSF is to be estimated.
    channel_axis : int, optional
        Axis of the channels.
    device : str or torch.device, optional
        See `deblur._core.devices.resolve_device`; None keeps the device the image is on.
    here : torch.device, optional
        The device the image is on; the CPU for a NumPy array.
    **options
        For the method, and for the one that estimates its PSF.

    Raises
    ------
    ValueError, TypeError
        If the method, the device or an option is unknown, or does not go with the PSF.
    """
    psf = policy.psf
    is_operator = isinstance(psf, LinearOperator)
    ndim = None if psf is None else len(psf.range_shape) if is_operator else options.get("ndim") or psf.ndim
    if method == AUTO:
        row = find_method("richardson-lucy") if is_operator else default_method(space, ndim, policy.kind, blur)
    else:
        row = find_method(method)
    _check_blur(row, policy, blur)
    _check_method(row, policy, ndim, channel_axis)
    estimator = method_of_blur(blur) if psf is None and not row.blind else None
    noise = policy.noise
    known = {**row.parameters, **(estimator.parameters if estimator else {})}
    if noise.level is not None and ("noise_level" in known or noise.source == "as given"):
        options["noise_level"] = noise.level
    row.check_options(options, estimator)
    chosen = here or torch.device("cpu")
    if device is not None:
        needed = 0 if ndim is None or is_operator else _needed_bytes(row, space, policy, ndim)
        chosen = resolve_device(device, needed_bytes=needed)
    return Plan(policy, row, estimator, options, chosen, channel_axis)


def _check_blur(row: Method, policy: Policy, blur: str) -> None:
    """Raise an error where a kind of blur is named for a PSF that is known, or for a method of another kind."""
    estimator = method_of_blur(blur)
    if blur != AUTO and policy.psf is not None:
        raise ValueError("blur is for a PSF that is estimated: leave blur or psf out")
    if blur != AUTO and row.blind and row is not estimator:
        raise ValueError(f"blur {blur!r} is for method {estimator.name!r}, not for {row.name!r}: leave out one of them")


def _check_method(row: Method, policy: Policy, ndim: int | None, channel_axis: int | None) -> None:
    """Raise an error where a method does not go with the PSF, the channels or the saturation."""
    psf, saturation = policy.psf, policy.saturation
    is_operator = isinstance(psf, LinearOperator)
    if row.blind and psf is not None:
        raise ValueError(f"method {row.name} estimates the PSF itself: leave psf out")
    if is_operator and not row.operator:
        takers = ", ".join(each.name for each in ROWS if each.operator)
        raise TypeError(f"method {row.name} needs a point-spread function; {takers} takes any operator")
    if ndim is not None and ndim not in row.axes:
        takers = ", ".join(each.name for each in ROWS if not each.blind and ndim in each.axes)
        raise ValueError(f"method {row.name} takes no PSF of {ndim} axes" + (f"; {takers} do" if takers else ""))
    if channel_axis is not None and "channel_axis" not in row.parameters:
        raise ValueError(f"method {row.name} takes images without channels: give one channel")
    if saturation is not None and row.blind:
        raise ValueError(f"method {row.name} finds clipped samples itself: leave saturation out")
    if saturation is not None and psf is not None and (is_operator or psf.ndim != 2):
        raise ValueError("saturation goes with one point-spread function of two axes: leave it out")


def check_channel_axis(channel_axis: int | None, shape: tuple[int, ...]) -> None:
    """Raise an error unless `channel_axis` is an axis of an image of this shape, or None."""
    if channel_axis is None:
        return
    if isinstance(channel_axis, bool) or not isinstance(channel_axis, int | np.integer):
        raise TypeError(f"channel_axis must be a whole number or None, got {channel_axis!r}")
    if not -len(shape) <= channel_axis < len(shape):
        raise ValueError(f"channel_axis {channel_axis} is not an axis of an image of shape {tuple(shape)}")


def _needed_bytes(row: Method, space: tuple[int, ...], policy: Policy, ndim: int) -> int:
    shape, kernel = space[len(space) - ndim :], tuple(policy.psf.shape[-ndim:])
    images = 1
    for size in space[: len(space) - ndim]:
        images *= size
    return images * window_bytes(row, shape, kernel, saturated=policy.saturation is not None)


def with_windows(plan: Plan, window: tuple[int, ...], halo: tuple[int, ...], **fixed: Any) -> Plan:
    """Return a plan whose windows are set and whose options are fixed for all of them."""
    return replace(plan, window=window, halo=halo, options={**plan.options, **fixed})
