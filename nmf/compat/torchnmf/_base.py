"""The base of modules in torchnmf's layout: W is (C, R, ...), H is (N, R, ...)."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import TypeAlias

import torch
from torch import Tensor, nn

Factor: TypeAlias = Iterable[int] | Tensor | None
"""A shape, of a factor that is drawn at random, or where to start."""

Size: TypeAlias = int | Iterable[int]
"""The size of a template: one number for all axes, or one per axis."""


def factor(given: Factor, name: str, trainable: bool) -> nn.Parameter | None:
    """Return a parameter: a copy of a tensor, random numbers of a shape, or None."""
    if given is None:
        return None
    if isinstance(given, Tensor):
        if bool((given < 0).any()):
            raise ValueError(f"{name} must not be negative, got a smallest value of {float(given.min()):.3g}")
        return nn.Parameter(given.detach().clone(), requires_grad=trainable)
    return nn.Parameter(torch.randn(*given).abs())


def common_rank(rank: int | None, *found: int | None) -> int:
    """Return the rank on which all factors agree, or `rank` if there are none."""
    ranks: set[int | None] = {r for r in found if r is not None} or {rank}
    if len(ranks) > 1 or not all(ranks):
        raise ValueError(f"W, H and Z must have one rank, got {sorted(map(str, ranks))}; without them, give one")
    return int(ranks.pop() or 0)


def sizes(shape: Iterable[int], axes: int, kernel: Size) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the shape of V, and the size of a template along the axes after the channels."""
    shape = tuple(shape)
    if len(shape) != axes + 2:
        raise ValueError(f"Vshape must have {axes + 2} axes, got {shape}")
    kernel = (kernel,) * axes if isinstance(kernel, int) else tuple(kernel)
    if len(kernel) != axes or any(not 1 <= k <= n for k, n in zip(kernel, shape[2:], strict=True)):
        raise ValueError(f"templates must have {axes} sizes that fit into V of shape {shape}, got {kernel}")
    return shape, kernel


class Stop:
    """torchnmf's stopping rule: in ten iterations ``sqrt(2 D)`` fell by less than `tol` of its first value."""

    def __init__(self, tol: float, verbose: bool) -> None:
        self._tol, self._verbose = tol, verbose
        self._start: float | None = None
        self._last = math.inf

    def __call__(self, iteration: int, factors: object, objective: float) -> bool:
        """Whether to stop."""
        loss = math.sqrt(2 * max(objective, 0.0))
        if self._verbose:
            print(f"\r{iteration:6d} {loss:.6g}", end="", file=sys.stderr, flush=True)
        done = self._start is not None and self._last - loss < self._tol * self._start
        self._start, self._last = self._start or loss, loss
        return done


class Described(nn.Module):
    """A module with factors W and H, either of which may be missing."""

    rank: int
    W: Tensor | None
    H: Tensor | None

    def extra_repr(self) -> str:
        """Describe the sizes."""
        text = f"{self.rank}"
        if self.W is not None:
            text += f", out_channels={self.W.shape[0]}"
            if self.W.ndim > 2:
                text += f", kernel_size={tuple(self.W.shape[2:])}"
        return text

    @property
    def out_channels(self) -> int | None:
        """Number of channels of V."""
        return None if self.W is None else int(self.W.shape[0])

    @property
    def kernel_size(self) -> tuple[int, ...] | None:
        """Size of a template."""
        return None if self.W is None else tuple(self.W.shape[2:])
