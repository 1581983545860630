"""The settings that torch keeps for a whole program, which must not change a result."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def own_state() -> Iterator[None]:
    """Compute without autocast and without a default device; also a decorator.

    Both belong to the calling thread, so that no other notices. The default type belongs to all threads and is left
    alone: whatever makes a tensor of floating point names its type.

    Examples
    --------
    >>> @own_state()
    ... def place():
    ...     return torch.empty(0).device.type
    >>> with torch.device("meta"):
    ...     place()
    'cpu'
    """
    with ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        for kind in {"cpu", "cpu" if found is None else found.type}:
            if torch.is_autocast_enabled(kind):
                stack.enter_context(torch.autocast(kind, enabled=False))
        yield
