"""The one adapter at the door: NumPy array or torch tensor in, torch inside, the same kind out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch

ArrayT = TypeVar("ArrayT", np.ndarray, torch.Tensor)
"""A NumPy array or a torch tensor: what public functions take, and return in the same kind."""

FAINTEST = 1e-15
"""What the largest value must reach, as products of three and squares are formed, in single precision too."""

_HEADROOM = 10.0
"""By how much what is computed on the way may exceed the modulus of a spectrum."""


def as_float_tensor(array: Any, name: str = "image") -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
    """Turn `array` into a floating tensor, and return the function that brings results back.

    float32 and float64 are kept, float16 and bfloat16 are computed in float32, booleans become 0 and 1, and integers
    are scaled to [0, 1] (signed ones to [-1, 1]) in float64, as `skimage.util.img_as_float` does. The tensor may share
    memory with `array`: never write into it.

    Parameters
    ----------
    array : numpy.ndarray or torch.Tensor
        Any shape, real, not empty.
    name : str
        What error messages call it.

    Returns
    -------
    tensor : torch.Tensor
        float32 or float64, on the device of `array`.
    to_input_kind : callable
        Maps a result tensor to the kind of `array` (NumPy, or torch on the same device).

    Raises
    ------
    TypeError
        If `array` is neither NumPy nor torch, or is complex or not numeric.
    ValueError
        If it has no elements.

    Examples
    --------
    >>> import numpy as np
    >>> tensor, to_input_kind = as_float_tensor(np.array([0, 255], dtype=np.uint8))
    >>> tensor
    tensor([0., 1.], dtype=torch.float64)
    >>> to_input_kind(tensor / 2)
    array([0. , 0.5])
    """
    if isinstance(array, torch.Tensor):
        tensor: torch.Tensor = array
        to_input_kind: Callable[[torch.Tensor], Any] = _identity
    elif isinstance(array, np.ndarray):
        tensor, to_input_kind = _from_numpy(array, name), _to_numpy
    else:
        raise TypeError(f"{name} must be a NumPy array or a torch tensor, got {type(array).__name__}")
    if tensor.is_complex():
        raise TypeError(f"{name} must be real, got {tensor.dtype}")
    if tensor.numel() == 0:
        raise ValueError(f"{name} is empty: shape {tuple(tensor.shape)}")
    return _floating(tensor), to_input_kind


def check_finite(tensor: torch.Tensor, name: str) -> None:
    """Raise `ValueError` if `tensor` holds NaN or infinity, or numbers whose squares would leave the range."""
    largest = math.sqrt(torch.finfo(tensor.dtype).max / tensor.numel()) / _HEADROOM
    norm = torch.linalg.vector_norm(tensor)  # one cheap pass; what is NaN or overflows is in no interval
    if bool((norm > FAINTEST * math.sqrt(tensor.numel())) & (norm < largest)):
        return
    bad = tensor.numel() - int(torch.isfinite(tensor).sum())
    if bad:
        raise ValueError(f"{name} has {bad} values that are NaN or infinite; give finite numbers")
    kind, most = str(tensor.dtype).removeprefix("torch."), float(tensor.abs().max())
    if not bool(norm < largest):
        raise ValueError(f"{name} has values up to {most:.3g}, too large to compute with in {kind}; divide it by them")
    if 0 < most < FAINTEST:
        raise ValueError(f"{name} has values up to {most:.3g}, too small to compute with; divide it by them")


def _identity(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _from_numpy(array: np.ndarray, name: str) -> torch.Tensor:
    if array.dtype.kind not in "buif":
        what = "real" if array.dtype.kind == "c" else "numeric"
        raise TypeError(f"{name} must be {what}, got dtype {array.dtype}")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)


def _floating(tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype in (torch.float32, torch.float64):
        return tensor
    if tensor.is_floating_point():
        return tensor.to(torch.float32)
    if tensor.dtype is torch.bool:
        return tensor.to(torch.float64)
    scaled = tensor.to(torch.float64) / torch.iinfo(tensor.dtype).max
    return scaled.clamp_min(-1.0)
