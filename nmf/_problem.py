"""One factorization to be solved: the objective, and the multiplicative update of either factor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from deblur.operators import multiplicative_step

from ._maps import FactorMap, Model
from ._penalties import Penalty, Slope
from ._shards import ALL_HERE, Shards


class Data(Protocol):
    """What knows V."""

    beta: float
    problem_axes: int

    def slope(self, A: FactorMap, x: Tensor) -> Slope:
        """Return the slope of the divergence's majorizer in the factor `x` of the product ``A(x)``."""

    def divergence(self, A: FactorMap, x: Tensor) -> Tensor:
        """Return the divergence of each problem."""


@dataclass
class Problem:
    """The penalized divergence as a function of the two factors."""

    data: Data
    model: Model
    penalty_W: Penalty
    penalty_H: Penalty
    component_axis: int  # of W, counted from the end
    train_W: bool = True
    train_H: bool = True
    freeze_W: Tensor | None = None  # True for components of W that stay, broadcastable to W
    shards: Shards = ALL_HERE  # who has the other columns of V and H; W is the same everywhere

    def objective(self, W: Tensor, H: Tensor) -> Tensor:
        """Return the penalized objective of each problem."""
        axes, component = self.data.problem_axes, self.component_axis
        value = self.data.divergence(self.model.of_H(W), H) + self.penalty_H.value(H, axes, component)
        return self.shards.sum(value) + self.penalty_W.value(W, axes, component)

    def updated_W(self, W: Tensor, H: Tensor, gamma: float | None) -> Tensor:
        """Return the templates after one step."""
        slope = self.data.slope(self.model.of_W(H), W)
        slope = slope._replace(down=self.shards.sum(slope.down), up=self.shards.sum(slope.up))
        return self.keep(W, majorizer_step(self.penalty_W.add_to(slope, W, self.component_axis), W, gamma))

    def updated_H(self, W: Tensor, H: Tensor, gamma: float | None) -> Tensor:
        """Return the activations after one step."""
        slope = self.data.slope(self.model.of_H(W), H)
        return majorizer_step(self.penalty_H.add_to(slope, H, self.component_axis), H, gamma)

    def keep(self, old: Tensor, new: Tensor) -> Tensor:
        """Return `new` with the frozen components of `old`."""
        return new if self.freeze_W is None else torch.where(self.freeze_W, old, new)


def majorizer_step(slope: Slope, x: Tensor, gamma: float | None) -> Tensor:
    """Return the minimum of the majorizer, or the step with another exponent `gamma`."""
    exponent = slope.exponent if gamma is None else gamma
    margin = 8 * torch.finfo(x.dtype).tiny  # entries that the data do not see stay; nothing else is changed by it
    if exponent == 1:
        new = multiplicative_step(x, slope.down, slope.up, margin=margin)
    else:
        new = multiplicative_step(torch.ones_like(x), slope.down, slope.up, margin=margin)
        new = new.log_().mul_(exponent).exp_().mul_(x)
    # What fades for ever ends as 0, and not as denormal numbers, on which processors are a hundred times slower.
    return torch.nn.functional.threshold(new, 1e6 * margin, 0.0, inplace=True)
