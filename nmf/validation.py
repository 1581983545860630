"""Input validation: which values data, weights and factors may have."""

from __future__ import annotations

import math
from numbers import Real

import torch
from torch import Tensor

from .arrays import Array, as_tensor


def check_values(values: Tensor, name: str) -> None:
    """Raise `ValueError` unless all values are finite, not negative, and of a computable scale."""
    if values.numel() == 0:
        return
    low, high = (float(x) for x in values.aminmax())  # in one pass; a NaN becomes both
    tiny = torch.finfo(values.dtype).tiny
    if low >= 0 and high < float("inf") and not 0 < high < tiny:
        return
    if 0 < high < tiny:
        raise ValueError(f"{name} has no value above {high:.3g}, too small to compute with in its precision; scale it")
    bad = int((~torch.isfinite(values)).sum())
    if bad:
        raise ValueError(
            f"{name} has {bad} values that are NaN or infinite; pass mask=torch.isfinite({name}) to leave them out"
        )
    raise ValueError(f"{name} must not be negative, got a smallest value of {low:.3g}")


def check_beta(beta: float, values: Tensor) -> None:
    """Check that beta is a finite number, and that the divergence from the values is finite.

    Raises
    ------
    TypeError, ValueError
        If not.
    """
    if not isinstance(beta, Real):
        raise TypeError(f"beta must be a number, got {beta!r}")
    if not math.isfinite(beta):
        raise ValueError(f"beta must be finite, got {beta}")
    if beta <= 0 and bool((values == 0).any()):
        raise ValueError(
            f"V has zeros, from which the divergence with beta={beta:g} is infinite; "
            "pass mask=V > 0, add a small number to V, or take beta > 0"
        )


def combine_weights(V: Tensor, mask: Array | None, weights: Array | None) -> Tensor | None:
    """Return the weight of each entry of V, or None if all are 1.

    Raises
    ------
    ValueError
        If a shape does not fit, a weight is negative or not finite, or no entry of V is left.
    """
    combined: Tensor | None = None
    for name, array in (("mask", mask), ("weights", weights)):
        if array is None:
            continue
        tensor = as_tensor(array, name).to(V.device, V.dtype)
        try:
            tensor = tensor.expand(V.shape)
        except RuntimeError:
            raise ValueError(f"{name} must have the shape of V, {tuple(V.shape)}, got {tuple(tensor.shape)}") from None
        check_values(tensor, name)
        if name == "mask":
            tensor = (tensor > 0).to(V.dtype)
        combined = tensor if combined is None else combined * tensor
    if combined is not None and not bool((combined > 0).any()):
        raise ValueError("mask and weights leave no entry of V")
    return combined


def validate_data(
    V: object, beta: float, mask: Array | None, weights: Array | None, factor: Tensor
) -> tuple[Tensor, Tensor | None]:
    """Return dense data, 0 where their weight is, and the weights, in the precision of data and factor.

    Raises
    ------
    ValueError
        If the data are not on the device of `factor`, negative, not finite, or zero where the divergence from zero is
        infinite.
    """
    data = as_tensor(V, "V")
    if data.device != factor.device:
        raise ValueError(f"V is on {data.device} and the module on {factor.device}: move one of them with .to()")
    data = data.detach().to(torch.promote_types(data.dtype, factor.dtype))
    combined = combine_weights(data, mask, weights)
    if combined is not None:
        data = torch.where(combined > 0, data, 0.0)
    check_values(data, "V")
    check_beta(beta, data if combined is None else data[combined > 0])
    return data, combined
