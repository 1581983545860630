"""How far a method is with a picture that it restores window by window, when a window takes many seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


class Windows:
    """Makes of the part of a window that is done the part of the picture.

    Parameters
    ----------
    progress : callable, optional
        ``progress(part)``.
    """

    def __init__(self, progress: Callable[[float], None] | None) -> None:
        self._progress = progress
        self._done, self._count = 0, 1

    def begin(self, done: int, count: int) -> None:
        """Note that so many windows are done; for `by_tiles`."""
        self._done, self._count = done, count
        self.within(0.0)

    def within(self, part: float) -> None:
        """Tell how far the next window is."""
        if self._progress is not None:
            self._progress((self._done + part) / self._count)


@contextmanager
def stage_by_stage(network: nn.Module, windows: Windows, calls: int = 1) -> Iterator[None]:
    """Tell of every stage of an unrolled network, which is called `calls` times a window; other networks have none."""
    unet = getattr(network, "unet", None)
    if not isinstance(unet, nn.Module):
        yield
        return
    ticks, most = 0, calls * int(getattr(network, "stages", 1))

    def stage(*_: Any) -> None:
        nonlocal ticks
        ticks = ticks % most + 1
        if ticks < most:  # the last belongs to the window
            windows.within(ticks / most)

    hook = unet.register_forward_hook(stage)
    try:
        yield
    finally:
        hook.remove()
