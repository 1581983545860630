"""Which device a computation runs on."""

from __future__ import annotations

import warnings

import torch

from deblur._core.memory import available_bytes

_HEADROOM = 0.9  # of the free memory: allocators round up, and FFT plans need scratch space


def resolve_device(device: str | torch.device | None = None, *, needed_bytes: int = 0) -> torch.device:
    """Return the device to compute on, falling back to the CPU where an accelerator is short of memory.

    Parameters
    ----------
    device : str or torch.device, optional
        ``"auto"`` or None takes the accelerator of this machine if there is one and the work fits, and the CPU
        otherwise. ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` name one.
    needed_bytes : int
        Peak memory of the computation, estimated; 0 skips the check.

    Returns
    -------
    torch.device
        The CPU, after a one-line `RuntimeWarning`, where the named accelerator has too little free memory.

    Raises
    ------
    ValueError
        If the device is unknown or not on this machine.

    Examples
    --------
    >>> resolve_device("cpu")
    device(type='cpu')
    """
    if device is None or str(device) == "auto":
        found = accelerator()
        return found if found is not None and _fits(found, needed_bytes) else torch.device("cpu")
    chosen = _on_this_machine(device)
    if _fits(chosen, needed_bytes):
        return chosen
    warnings.warn(
        f"{chosen} has {_gigabytes(free_bytes(chosen))} free and about {_gigabytes(needed_bytes)} are needed: "
        "computing on the CPU",
        RuntimeWarning,
        stacklevel=2,
    )
    return torch.device("cpu")


def accelerator() -> torch.device | None:
    """Return the accelerator of this machine (CUDA, MPS, XPU ...), or None."""
    return torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None


def free_bytes(device: torch.device) -> int | None:
    """Return the free memory of a device in bytes, or None where it cannot be known."""
    if device.type == "cpu":
        return available_bytes()
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return None


def _fits(device: torch.device, needed_bytes: int) -> bool:
    if device.type == "cpu" or not needed_bytes:
        return True
    free = free_bytes(device)
    return free is None or needed_bytes <= _HEADROOM * free


def _on_this_machine(device: str | torch.device) -> torch.device:
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch raises each of them
        found = accelerator()
        here = "cpu" if found is None else f"cpu, {found.type}"
        reason = str(error).splitlines()[0]
        if "device string" in reason:  # torch then lists every kind it has ever known
            reason = "no such kind"
        raise ValueError(f"device {str(device)!r} is not on this machine (here: auto, {here}): {reason}") from None
    return chosen


def _gigabytes(count: int | None) -> str:
    return "unknown memory" if count is None else f"{count / 2**30:.1f} GB"
