"""The arrays that public functions take, and their conversion to tensors and back."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, cast

import numpy as np
import torch
from torch import Tensor

from deblur._core.arrays import ArrayT as ArrayT

Array: TypeAlias = np.ndarray | Tensor
"""A NumPy array or a torch tensor."""


class StoredArray(Protocol):
    """An array on disk that is read by slices, as those of zarr, h5py and Dask."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its shape."""

    @property
    def dtype(self) -> Any:
        """Its NumPy dtype."""

    @property
    def chunks(self) -> Any:
        """Shape of the chunks in which it is stored."""

    def __getitem__(self, index: Any, /) -> Any:
        """Read a part."""


def as_tensor(array: object, name: str) -> Tensor:
    """Return a real, floating tensor with the values of `array`; integers are counts, and are not scaled.

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


def in_kind_of(original: ArrayT | StoredArray, tensor: Tensor) -> ArrayT:
    """Return `tensor` as the kind of array that `original` is: NumPy for arrays on disk."""
    result = tensor if isinstance(original, Tensor) else tensor.detach().cpu().numpy()
    return cast(ArrayT, result)  # each kind for its own
