"""Extrapolation between the iterations of Richardson-Lucy."""

from __future__ import annotations

import torch

from ._measurement import sum_over
from ._row_blocks import RowFunction, row_blocks, rows_of

_SMALLEST_PART = 0.01  # of the estimate: the least value that an extrapolation may reach
_TINY = torch.finfo(torch.float32).tiny


class Momentum:
    """The estimate x, and the extrapolated point that the next step starts from."""

    def __init__(self, x: torch.Tensor, axes: tuple[int, ...]) -> None:
        self.x = self.point = x
        self.is_ahead = False
        self._axes, self._blocks = axes, row_blocks(x, len(axes))
        self._step: torch.Tensor | None = None
        self._step_energy = torch.zeros(())

    def fall_back(self, where: torch.Tensor) -> None:
        """Start the next step from the estimate itself, in the images that `where` selects."""
        self.point = torch.where(where, self.x, self.point)
        if self._step is not None:
            self._step = torch.where(where, 0, self._step)

    def advance(
        self,
        new: torch.Tensor,
        new_rows: RowFunction,
        done: torch.Tensor,
        *,
        extrapolate: bool,
        gain: float | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Take the step, then extrapolate as far as two steps agree (Biggs and Andrews, eqs. 5 to 8), staying positive.

        `gain` replaces their factor where it is given. Images that are done stay. The estimate is written into `new`.
        Returns the energy of the change and of the old estimate.
        """
        n, frozen, self.is_ahead = len(self._axes), bool(done.any()), extrapolate and self._step is not None
        if extrapolate and self._step is None:
            self._step = torch.empty_like(self.x)
        change = size = agreement = energy = torch.zeros_like(done, dtype=self.x.dtype)
        for rows in self._blocks:
            x, block = rows_of(self.x, rows, n), new_rows(rows)
            if frozen:
                block = torch.where(done, x, block)
            rows_of(new, rows, n).copy_(block)
            change, size = change + self._energy(block - x), size + self._energy(x)
            if self._step is not None:
                block, last = block - rows_of(self.point, rows, n), rows_of(self._step, rows, n)
                energy = energy + self._energy(block)
                if self.is_ahead:
                    agreement = agreement + sum_over(block * last, self._axes)
                last.copy_(block)
        if self.is_ahead:
            agreed = (agreement / self._step_energy.clamp_min(_TINY)).clamp(0, 1)
            self._extrapolate(new, agreed if gain is None else torch.full_like(agreed, gain))
        else:
            self.point = new
        self.x, self._step_energy = new, energy
        return change, size

    def _extrapolate(self, new: torch.Tensor, factor: torch.Tensor) -> None:
        """Move the point beyond the new estimate, in the direction from the old one."""
        n = len(self._axes)
        self.point = torch.empty_like(new) if self.point is self.x else self.point
        for rows in self._blocks:
            x, block = rows_of(self.x, rows, n), rows_of(new, rows, n)
            ahead = torch.addcmul(block, factor, block - x)
            # What is 0 stays 0 in every later step, and where counts then have no source the objective rises.
            rows_of(self.point, rows, n).copy_(torch.maximum(ahead, _SMALLEST_PART * block))

    def _energy(self, x: torch.Tensor) -> torch.Tensor:
        return sum_over(x.square(), self._axes)
