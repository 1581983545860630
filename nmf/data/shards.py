"""Data whose columns are spread over several processes: the sums that have to be taken over all of them.

The templates depend on all columns: the two halves of their slope are sums over the processes, and so is the
objective. The activations of a column depend on that column alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Shards:
    """The processes that hold columns of V; without a group, this process alone.

    Parameters
    ----------
    group : torch.distributed.ProcessGroup, optional
        Group of processes that all call the same methods in the same order.
    """

    def __init__(self, group: Any = None) -> None:
        self._group = group

    def __bool__(self) -> bool:
        return self._group is not None

    def sum(self, x: Tensor) -> Tensor:
        """Return the sum over the processes: the same bits in all of them, so that they decide alike."""
        if not self:
            return x
        x = x.clone(memory_format=torch.contiguous_format)  # it may be an expanded view
        torch.distributed.all_reduce(x, group=self._group)
        return x

    def first(self, x: Tensor) -> Tensor:
        """Return the value in the first process."""
        if not self:
            return x
        x = x.clone(memory_format=torch.contiguous_format)
        torch.distributed.broadcast(x, torch.distributed.get_global_rank(self._group, 0), group=self._group)
        return x

    def check_same(self, **settings: Any) -> None:
        """Raise `ValueError` in all processes unless they agree: else they would wait for each other for ever."""
        if not self:
            return
        everywhere: list[dict[str, Any]] = [{} for _ in range(torch.distributed.get_world_size(self._group))]
        torch.distributed.all_gather_object(everywhere, settings, group=self._group)
        for name in settings:
            values = [each.get(name) for each in everywhere]
            if any(value != values[0] for value in values):
                raise ValueError(f"{name} must be the same in all processes, got {', '.join(map(str, values))}")


SINGLE_PROCESS = Shards()
"""One process holds all columns."""
