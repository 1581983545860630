"""How far a network is with a picture: it is asked once a window, which takes seconds, and works in stages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def stage_by_stage(
    network: nn.Module, progress: Callable[[float], None] | None, calls: int = 1
) -> Iterator[Callable[[int, int], None] | None]:
    """Tell `progress` the part done after every stage of an unrolled network, every window of another.

    Yields what `by_tiles` is to tell of its windows, on each of which the network is called `calls` times.
    """
    if progress is None:
        yield None
        return
    stages, unet = getattr(network, "stages", 1), getattr(network, "unet", None)
    windows, count, ticks = 0, 1, 0

    def window(done: int, of: int) -> None:
        nonlocal windows, count, ticks
        windows, count, ticks = done, of, 0
        progress(done / of)

    def stage(*_: Any) -> None:
        nonlocal ticks
        ticks += 1
        progress((windows + ticks / (calls * stages)) / count)

    hook = unet.register_forward_hook(stage) if isinstance(unet, nn.Module) else None
    try:
        yield window
    finally:
        if hook is not None:
            hook.remove()
