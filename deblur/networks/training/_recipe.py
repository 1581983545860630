"""The base of all recipes: schedule, model, batches, loss and validation of a training."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from ._images import Photographs

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Recipe(ABC):
    """Everything about a training except its photographs.

    Attributes
    ----------
    steps : int
        Optimizer steps in all, those that the starting weights have had included.
    learning_rate : float
        Constant after `warm_up` steps, until the cool-down.
    warm_up : int
        Steps over which the learning rate rises.
    cool_down : float
        Part of the training, at its end, over which the learning rate falls linearly to zero. Before it a training can
        be made longer at no loss (warm-up, stable, decay: Hu et al., 2024, arXiv:2404.06395).
    average : float
        Decay of the moving average of the weights, which is validated and exported; at most, see `decay`.
    seed : int
        Seed of the initial weights and of every batch.
    first_step : int
        Steps that the starting weights have had; see `read_start`.

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    A recipe of your own sets `kind` and implements the abstract methods; the built-in ones are found by name.

    >>> from deblur.networks.training import Recipe, recipe_from
    >>> recipe = recipe_from("udn", {"steps": 100, "warm_up": 10})
    >>> isinstance(recipe, Recipe), recipe.rate(0) < recipe.rate(9), recipe.rate(100)
    (True, True, 0.0)
    """

    kind: ClassVar[str]
    steps: int = 1000
    learning_rate: float = 1e-3
    warm_up: int = 100
    cool_down: float = 0.2
    average: float = 0.999
    seed: int = 0
    first_step: int = 0

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name, is_valid, requirement in (
            ("steps", self.steps >= 1, "at least 1"),
            ("learning_rate", 0 < self.learning_rate < math.inf, "positive"),
            ("warm_up", self.warm_up >= 0, "at least 0"),
            ("cool_down", 0 <= self.cool_down <= 1, "between 0 and 1"),
            ("average", 0 <= self.average < 1, "at least 0 and less than 1"),
            ("seed", self.seed >= 0, "at least 0"),
            ("first_step", self.first_step >= 0, "at least 0"),
            ("steps", self.steps > self.first_step, f"more than the {self.first_step} that the weights have had"),
        ):
            if not is_valid:
                raise ValueError(f"{name} must be {requirement}, got {getattr(self, name)}")

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Keyword arguments that rebuild the network."""

    @abstractmethod
    def model(self) -> nn.Module:
        """Return the network with its initial weights."""

    @abstractmethod
    def batch(self, photographs: Photographs, step: int) -> Batch:
        """Return the data of one `step`, drawn from `photographs`: a function of the seed and the step alone."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: Batch, progress: float) -> torch.Tensor:
        """Return the loss of `model` on a `batch` in dB; `progress` is the completed fraction of the steps."""

    @abstractmethod
    def validate(self, model: nn.Module, photographs: Photographs) -> dict[str, float]:
        """Return the mean PSNRs of `model` on held-out `photographs` in dB, by condition."""

    def rate(self, step: int) -> float:
        """Return the learning rate of a `step`: linear warm-up, constant, linear cool-down to zero."""
        done, last = step - self.first_step, self.steps - self.first_step
        risen = (done + 1) / self.warm_up if done < self.warm_up else 1.0
        return self.learning_rate * min(risen, (last - done) / (self.cool_down * last) if self.cool_down else 1.0)

    def decay(self, step: int) -> float:
        """Return the decay of the moving average after `step` steps.

        The average reaches back over a ninth of the steps so far at most, so that it forgets the initial weights, and
        in the cool-down over the steps that are left, so that it profits from the lower rate, but never over less than
        a tenth of the cool-down.
        """
        reach, left, cooling = (10 + step) / 9, self.steps - step, self.cool_down * (self.steps - self.first_step)
        if left < cooling:
            reach = min(reach, max(left, 0.1 * cooling, 1.0))
        return min(self.average, 1 - 1 / reach)

    def groups(self, model: nn.Module) -> list[dict[str, object]]:
        """Return the parameter groups of `model`, each with the factor of its learning rate."""
        return [{"params": list(model.parameters()), "factor": 1.0}]

    def rng(self, *indices: int) -> np.random.Generator:
        """Return the random generator of a step, or of another item identified by `indices`."""
        return np.random.default_rng((self.seed, *indices))


def moved(batch: Batch, device: torch.device) -> Batch:
    """Return a batch on a device."""
    return {name: tensor.to(device) for name, tensor in batch.items()}


def device_of(model: nn.Module) -> torch.device:
    """Return the device of a model."""
    return next(model.parameters()).device


def decibel(estimate: torch.Tensor, truth: torch.Tensor, floor: float) -> torch.Tensor:
    """Return the mean of ``10 log10(mse + floor)`` over images: minus the PSNR, so that noise levels weigh alike."""
    error = (estimate.float() - truth).square().flatten(1).mean(1)
    return (10 * torch.log10(error + floor)).mean()


def psnr(estimate: torch.Tensor, truth: torch.Tensor) -> float:
    """Return the mean PSNR of images in [0, 1], clipped to that range."""
    error = (estimate.float().clamp(0, 1) - truth).square().flatten(1).mean(1)
    return float((-10 * torch.log10(error)).mean())
