"""Progress within a restoration by an unrolled network, of which one call takes many seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from deblur._core.progress import Progress

SHARPENING = "sharpening"
"""The stage that every method reports."""


@contextmanager
def per_stage(network: nn.Module, progress: Progress, calls: int = 1) -> Iterator[None]:
    """Report the end of each stage of an unrolled network that is called `calls` times; other networks report none."""
    unet = getattr(network, "unet", None)
    if not isinstance(unet, nn.Module):
        yield
        return
    done, total = 0, calls * int(getattr(network, "stages", 1))

    def report(*_: Any) -> None:
        nonlocal done
        done += 1
        if done < total:  # the caller reports the end
            progress(done / total, SHARPENING)

    hook = unet.register_forward_hook(report)
    try:
        yield
    finally:
        hook.remove()
