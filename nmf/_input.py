"""The door: what may be passed as data, weights and factors, and what is said about the rest."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor


def as_tensor(array: Any, name: str) -> Tensor:
    """Return a real, floating tensor with the values of `array`; integers are counts and stay what they are.

    Raises
    ------
    TypeError
        If `array` is neither NumPy nor torch, not real, or sparse.
    ValueError
        If it is empty.
    """
    if isinstance(array, np.ndarray):
        if array.dtype.kind not in "buif":
            raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
        tensor = torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("="), order="C"))
    elif isinstance(array, Tensor):
        tensor = array
    else:
        raise TypeError(f"{name} must be a NumPy array or a torch tensor, got {type(array).__name__}")
    if tensor.is_complex():
        raise TypeError(f"{name} must be real, got {tensor.dtype}: take the magnitude of a complex spectrogram")
    if tensor.layout != torch.strided:
        raise TypeError(f"{name} must be dense, got {tensor.layout}: only nmf.NMF takes sparse data")
    if tensor.numel() == 0:
        raise ValueError(f"{name} is empty: shape {tuple(tensor.shape)}")
    if tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.to(torch.float32 if tensor.is_floating_point() else torch.get_default_dtype())
    return tensor


def like(tensor: Tensor, original: Any) -> Any:
    """Return `tensor` as the kind of array that `original` is."""
    return tensor if isinstance(original, Tensor) else tensor.detach().cpu().numpy()


def check_values(values: Tensor, name: str) -> None:
    """Raise `ValueError` unless all are finite and not negative."""
    if values.numel() == 0:
        return
    low, high = (float(x) for x in values.aminmax())  # in one pass; a NaN is both
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
    """Raise unless beta is a finite number, and the divergence from the values is finite.

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


def combine_weights(V: Tensor, mask: Any, weights: Any) -> Tensor | None:
    """Return the weight of each entry of V, or None if all are 1.

    Raises
    ------
    ValueError
        If a shape does not fit, a weight is negative or not finite, or nothing is left.
    """
    total: Tensor | None = None
    for name, given in (("mask", mask), ("weights", weights)):
        if given is None:
            continue
        tensor = as_tensor(given, name).to(V.device, V.dtype)
        try:
            tensor = tensor.expand(V.shape)
        except RuntimeError:
            raise ValueError(f"{name} must have the shape of V, {tuple(V.shape)}, got {tuple(tensor.shape)}") from None
        check_values(tensor, name)
        if name == "mask":
            tensor = (tensor > 0).to(V.dtype)
        total = tensor if total is None else total * tensor
    if total is not None and not bool((total > 0).any()):
        raise ValueError("mask and weights leave no entry of V")
    return total


def check_numbers(**numbers: float) -> None:
    """Raise `ValueError` unless every number is finite and at least 0."""
    for name, value in numbers.items():
        if not 0 <= value < float("inf"):
            raise ValueError(f"{name} must be finite and not negative, got {value}")


def enter(V: Any, beta: float, mask: Any, weights: Any, factor: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return valid data, 0 where they do not count, and their weights, in the precision of data and factor.

    Raises
    ------
    ValueError
        If the data are not on the device of `factor`, negative, not finite, or zero where that is infinitely far.
    """
    data = as_tensor(V, "V")
    if data.device != factor.device:
        raise ValueError(f"V is on {data.device} and the module on {factor.device}: move one of them with .to()")
    data = data.detach().to(torch.promote_types(data.dtype, factor.dtype))
    total = combine_weights(data, mask, weights)
    if total is not None:
        data = torch.where(total > 0, data, 0.0)
    check_values(data, "V")
    check_beta(beta, data if total is None else data[total > 0])
    return data, total
