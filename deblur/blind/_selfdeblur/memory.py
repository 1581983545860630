"""Memory that a fit needs, estimated before it starts."""

from __future__ import annotations

import torch

from deblur._core.devices import free_bytes
from deblur.networks._deep_prior import Hourglass
from deblur.networks._precision import fast_in_bfloat16

from .settings import SelfDeblurSettings

# Measured on the published settings, see tests/blind/test_selfdeblur.py.
_OVERHEAD = 1.5  # for gradients and working space of the layers, beside what the backward pass keeps
_HALVED = 1.4  # in bfloat16, where normalizations and casts keep single precision beside it


def check_memory(settings: SelfDeblurSettings, grid: tuple[int, ...], device: torch.device) -> None:
    """Raise `ValueError` if a fit needs more memory than is known to be free."""
    free = free_bytes(device)
    if free is None:
        return
    needed = needed_memory(settings, grid, device)
    if needed > free:
        size = " x ".join(map(str, grid))
        raise ValueError(
            f"image needs about {needed / 1e9:.1f} GB for a scene of {size} pixels and {free / 1e9:.1f} GB are free: "
            "give a part of it, or a preset with a smaller width"
        )


def needed_memory(settings: SelfDeblurSettings, grid: tuple[int, ...], device: torch.device) -> int:
    """Return the memory of the weights and of what the backward pass keeps of a step, in bytes, estimated.

    The step is made on torch's meta device, which computes shapes only.
    """
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage
        return tensor

    with torch.device("meta"):
        net = Hourglass(width=settings.width, across=settings.across, scales=settings.depth)
        noise = torch.empty(1, 8, *grid)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        net(noise)
    weights = sum(parameter.numel() for parameter in net.parameters())
    halved = settings.reduced_precision and fast_in_bfloat16(device)
    each = _HALVED if halved else _OVERHEAD
    return int(each * sum(storage.nbytes() for storage in kept.values())) + 16 * weights
