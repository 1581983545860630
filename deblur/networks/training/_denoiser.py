"""Training of the denoiser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from deblur.networks._denoiser import Denoiser

from ._images import Photographs
from ._recipe import Batch, Recipe, decibel, device_of, moved, psnr

_NOISE = (0.2 / 255, 50 / 255)  # the range that plug-and-play restoration passes through
_CHECKED = (15, 25, 50)  # gray levels of 255, as in the literature


@dataclass(frozen=True)
class DenoiserRecipe(Recipe):
    """White noise of every level up to 50/255.

    Attributes
    ----------
    steps, learning_rate, warm_up, cool_down, average, seed, first_step
        As of `Recipe`, with defaults of its own.
    crops, crop_size : int
        Crops per step, and their pixels per side.
    widths, depths, decoder_depth
        See `deblur.networks.UNet`.

    Raises
    ------
    ValueError
        If a number of `Recipe` is out of range.

    Examples
    --------
    >>> from deblur.networks.training import DenoiserRecipe
    >>> DenoiserRecipe(steps=100, widths=(8, 16), depths=(1, 1)).settings
    {'widths': (8, 16), 'depths': (1, 1), 'decoder_depth': 2}
    """

    kind: ClassVar[str] = "denoiser"
    steps: int = 200_000
    learning_rate: float = 8e-4
    warm_up: int = 200
    average: float = 0.9998
    crops: int = 8
    crop_size: int = 96
    widths: tuple[int, ...] = (64, 96, 128)
    depths: tuple[int, ...] = (3, 2, 4)
    decoder_depth: int = 2

    @property
    def settings(self) -> dict[str, Any]:
        """Keyword arguments that rebuild the network."""
        return {name: getattr(self, name) for name in ("widths", "depths", "decoder_depth")}

    def model(self) -> nn.Module:
        torch.manual_seed(self.seed)
        return Denoiser(**self.settings)

    def batch(self, photographs: Photographs, step: int) -> Batch:
        rng = self.rng(step)
        sharp = np.stack([photographs.crop(self.crop_size, rng) for _ in range(self.crops)])
        level = rng.uniform(*_NOISE, size=self.crops).astype(np.float32)
        noisy = sharp + level[:, None, None] * rng.standard_normal(sharp.shape, np.float32)
        return {
            "sharp": torch.from_numpy(sharp)[:, None],
            "noisy": torch.from_numpy(noisy)[:, None],
            "noise_level": torch.from_numpy(level),
        }

    def loss(self, model: nn.Module, batch: Batch, progress: float) -> torch.Tensor:
        return decibel(model(batch["noisy"], batch["noise_level"]), batch["sharp"], 1e-7)

    def validate(self, model: nn.Module, photographs: Photographs) -> dict[str, float]:
        scores = {}
        for level in _CHECKED:
            batches = [moved(batch, device_of(model)) for batch in self._held_out(photographs, level)]
            found = [psnr(model(batch["noisy"], batch["noise_level"]), batch["sharp"]) for batch in batches]
            scores[f"noise {level}"] = float(np.mean(found))
        return scores

    def _held_out(self, photographs: Photographs, level: int) -> Iterator[Batch]:
        """Yield the center of each photograph with its own noise, the same at every call."""
        for index, photograph in enumerate(photographs.centers(256)):
            noise = self.rng(level, index).standard_normal(photograph.shape, np.float32)
            sharp = torch.from_numpy(photograph)[None, None]
            noisy = sharp + torch.from_numpy(noise) * level / 255
            yield {"sharp": sharp, "noisy": noisy, "noise_level": torch.tensor([level / 255])}
