"""Reduced precision where it is fast."""

from __future__ import annotations

import torch


def fast_in_bfloat16(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 in hardware; elsewhere it is emulated and slow."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        if not hasattr(torch.cpu, "get_capabilities"):  # torch 2.7 to 2.10
            return bool(torch.cpu._is_avx512_bf16_supported())
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
    return False


def reduced_precision(device: torch.device, *, wanted: bool = True) -> torch.autocast:
    """Return a context in which convolutions run in bfloat16 where that is fast."""
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and fast_in_bfloat16(device))
