"""Input conversion: NumPy array or torch tensor in, torch inside, the same kind out."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, overload

import numpy as np
import torch

from deblur._core.samples import scaled

Shape: TypeAlias = tuple[int, ...]

ArrayT = TypeVar("ArrayT", np.ndarray, torch.Tensor)
"""A NumPy array or a torch tensor: public functions take either, and return the same kind."""

Array: TypeAlias = np.ndarray | torch.Tensor
"""An array of either kind, which need not be that of the image: a point-spread function, weights."""

FAINTEST = 1e-15
"""The least that the largest value of an array may be: methods multiply up to three values, in single precision too."""

_HEADROOM = 10.0
"""By how much intermediate results may exceed the largest modulus of the spectrum."""


@overload
def as_float_tensor(
    array: np.ndarray, name: str = ...
) -> tuple[torch.Tensor, Callable[[torch.Tensor], np.ndarray]]: ...
@overload
def as_float_tensor(
    array: torch.Tensor, name: str = ...
) -> tuple[torch.Tensor, Callable[[torch.Tensor], torch.Tensor]]: ...
def as_float_tensor(array: Array, name: str = "image") -> tuple[torch.Tensor, Callable[[torch.Tensor], Any]]:
    """Convert to a float tensor; also return a function that converts results back to the caller's array type.

    float32 and float64 are kept, float16 and bfloat16 become float32. Integers are scaled to [0, 1], 8 and 16 bits in
    float32, wider ones in float64, as `deblur._core.samples.scaled` does for files. The tensor may share memory with
    `array`: never write into it.

    Parameters
    ----------
    array : numpy.ndarray or torch.Tensor
        Any shape, real, not empty.
    name : str
        Name of the argument in error messages.

    Returns
    -------
    tensor : torch.Tensor
        float32 or float64, on the device of `array`.
    to_input_kind : callable
        Converts a result tensor to NumPy or torch, as `array` is.

    Raises
    ------
    TypeError
        If `array` is neither NumPy nor torch, or is complex or not numeric.
    ValueError
        If it has no elements, or masked ones: every method uses all of them.

    Examples
    --------
    >>> import numpy as np
    >>> tensor, to_input_kind = as_float_tensor(np.array([0, 255], dtype=np.uint8))
    >>> tensor
    tensor([0., 1.])
    >>> to_input_kind(tensor / 2)
    array([0. , 0.5], dtype=float32)
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
    return scaled(tensor), to_input_kind


def check_finite(tensor: torch.Tensor, name: str) -> None:
    """Raise `ValueError` if `tensor` holds NaN or infinity, or numbers whose squares would leave the range."""
    largest = math.sqrt(torch.finfo(tensor.dtype).max / tensor.numel()) / _HEADROOM
    norm = torch.linalg.vector_norm(tensor)  # one cheap pass: NaN and overflow fail both comparisons
    if bool((norm > FAINTEST * math.sqrt(tensor.numel())) & (norm < largest)):
        return
    bad = tensor.numel() - int(torch.isfinite(tensor).sum())
    if bad:
        raise ValueError(f"{name} has {bad} values that are NaN or infinite; give finite numbers")
    kind, most = str(tensor.dtype).removeprefix("torch."), float(tensor.abs().max())
    if not bool(norm < largest):
        raise ValueError(f"{name} has values up to {most:.3g}, too large to compute with in {kind}; divide it by them")
    if 0 < most < FAINTEST:
        raise ValueError(
            f"{name} has values up to {most:.3g}, too small to compute with; divide it by them"
            " (integers are divided by the largest of their type: give 8-bit values as uint8)"
        )


def _identity(tensor: torch.Tensor) -> torch.Tensor:
    return tensor


def _to_numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def check_unmasked(array: Any, name: str = "image") -> None:
    """Raise `ValueError` if an array has masked elements, whose values would be taken for measured ones."""
    masked = np.ma.count_masked(array) if isinstance(array, np.ma.MaskedArray) else 0
    if masked:
        raise ValueError(f"{name} has {masked} masked values, which would be used; {name}.filled(value) replaces them")


def _from_numpy(array: np.ndarray, name: str) -> torch.Tensor:
    check_unmasked(array, name)
    if array.dtype.kind not in "buif":
        what = "real" if array.dtype.kind == "c" else "numeric"
        raise TypeError(f"{name} must be {what}, got dtype {array.dtype}")
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if any(stride < 0 for stride in array.strides) or not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)
