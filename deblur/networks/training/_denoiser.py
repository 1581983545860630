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

_NOISE = (0.2 / 255, 50 / 255)
_SMALL_CROPS = 0.6
_CHECKED = (15, 25, 50)


@dataclass(frozen=True)
class DenoiserRecipe(Recipe):
    """White noise of every level up to 50/255; many small crops first, then fewer larger ones.

    Attributes
    ----------
    steps, learning_rate, warm_up, average, seed
        As of `Recipe`, with defaults of its own.
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
    steps: int = 24_000
    learning_rate: float = 1.5e-3
    widths: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (2, 2, 4)
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
        count, size = (16, 64) if step < _SMALL_CROPS * self.steps else (8, 96)
        sharp = np.stack([photographs.crop(size, rng) for _ in range(count)])
        level = rng.uniform(*_NOISE, size=count).astype(np.float32)
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
        """Yield the middle of each photograph with noise of its own, the same at every call."""
        for index, photograph in enumerate(photographs.centers(256)):
            noise = self.rng(level, index).standard_normal(photograph.shape, np.float32)
            sharp = torch.from_numpy(photograph)[None, None]
            noisy = sharp + torch.from_numpy(noise) * level / 255
            yield {"sharp": sharp, "noisy": noisy, "noise_level": torch.tensor([level / 255])}
