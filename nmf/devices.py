"""Moving data to the device of a computation."""

from __future__ import annotations

import torch
from torch import Tensor

from deblur._core.devices import resolve_device


def to_device(x: Tensor, device: str | torch.device | None, *, needed_bytes: int = 0) -> Tensor:
    """Return `x` on a device, in float32 on MPS, which has no float64.

    Parameters
    ----------
    x : torch.Tensor
        Any shape; strided or sparse.
    device : str or torch.device, optional
        As of `deblur._core.devices.resolve_device`.
    needed_bytes : int
        Estimated peak memory of the computation; 0 skips the check.

    Raises
    ------
    ValueError
        If the device is not on this machine.
    """
    chosen = resolve_device(device, needed_bytes=needed_bytes)
    return x.to(chosen, torch.float32 if chosen.type == "mps" else x.dtype)
