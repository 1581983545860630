"""Training of the unrolled networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from deblur.networks._denoiser import Denoiser
from deblur.networks._udn import UDN
from deblur.networks._unrolled import UnrolledHQS
from deblur.networks._weights import pretrained

from ._images import Photographs
from ._pairs import blurred_batch, observe, random_psf
from ._recipe import Batch, Recipe, decibel, device_of, moved, psnr

_COUNT = 8
_STAGE_WEIGHT = 0.25
_STEP_PARAMETERS = ("level", "weight", "gain")
_CHECKED = (1, 5)
_CHECKED_SIZES = (13, 17, 21, 25, 29)


@dataclass(frozen=True)
class _PairsRecipe(Recipe):
    """Every kind of blur and noise; earlier stages enter the loss with a weight that falls to zero."""

    steps: int = 4000
    warm_up: int = 50
    average: float = 0.998

    def groups(self, model: nn.Module) -> list[dict[str, object]]:
        steps = [p for name, p in model.named_parameters() if name in _STEP_PARAMETERS]
        others = [p for name, p in model.named_parameters() if name not in _STEP_PARAMETERS]
        return [{"params": others, "factor": 1.0}, {"params": steps, "factor": 5.0, "weight_decay": 0.0}]

    def batch(self, photographs: Photographs, step: int) -> Batch:
        return blurred_batch(photographs, _COUNT, self.rng(step))

    def loss(self, model: nn.Module, batch: Batch, progress: float) -> torch.Tensor:
        boundary = "circular" if batch["is_circular"] else "unknown"
        assert isinstance(model, UnrolledHQS | UDN)
        estimates = model.estimates(batch["blurred"], batch["psf"], batch["noise_level"], boundary)
        losses = [decibel(estimate, batch["sharp"], 1e-5) for estimate in estimates]
        early = _STAGE_WEIGHT * (1 - progress) / len(losses)
        return losses[-1] + early * sum((stage + 1) * loss for stage, loss in enumerate(losses[:-1]))

    def validate(self, model: nn.Module, photographs: Photographs) -> dict[str, float]:
        scores = {}
        for percent in _CHECKED:
            for boundary in ("unknown", "circular"):
                batches = (moved(b, device_of(model)) for b in self._held_out(photographs, percent / 100, boundary))
                found = [
                    psnr(model(batch["blurred"], batch["psf"], batch["noise_level"], boundary), batch["sharp"])
                    for batch in batches
                ]
                scores[f"{boundary} {percent} %"] = float(np.mean(found))
        return scores

    def _held_out(self, photographs: Photographs, level: float, boundary: str) -> Iterator[Batch]:
        """Yield the center of each photograph with its own PSF, the same at every call."""
        for index, photograph in enumerate(photographs.centers(256)):
            rng = self.rng(index)
            psf = torch.from_numpy(random_psf(_CHECKED_SIZES[index % len(_CHECKED_SIZES)], rng)).float()[None]
            sharp, blurred = observe(torch.from_numpy(photograph)[None], psf, is_circular=boundary == "circular")
            noisy = blurred + level * torch.from_numpy(rng.standard_normal(blurred.shape, np.float32))
            yield {"sharp": sharp[:, None], "blurred": noisy[:, None], "psf": psf, "noise_level": torch.tensor([level])}


@dataclass(frozen=True)
class UnrolledRecipe(_PairsRecipe):
    """The unrolled network, initialized from the denoiser.

    Attributes
    ----------
    steps, learning_rate, warm_up, cool_down, average, seed, first_step
        As of `Recipe`, with defaults of its own.
    stages, widths, depths, decoder_depth
        See `deblur.networks.UnrolledHQS`.
    from_denoiser : bool
        Whether to start from the shipped denoiser; widths and depths must then equal its own.

    Raises
    ------
    ValueError
        If a number of `Recipe` is out of range.

    Examples
    --------
    >>> from deblur.networks.training import UnrolledRecipe
    >>> net = UnrolledRecipe(stages=2, widths=(8, 16), depths=(1, 1), from_denoiser=False).model()
    >>> net.stages
    2
    """

    kind: ClassVar[str] = "unrolled"
    learning_rate: float = 7e-4
    stages: int = 5
    widths: tuple[int, ...] = (32, 64, 128)
    depths: tuple[int, ...] = (2, 2, 4)
    decoder_depth: int = 2
    from_denoiser: bool = True

    @property
    def settings(self) -> dict[str, Any]:
        """Keyword arguments that rebuild the network."""
        return {name: getattr(self, name) for name in ("stages", "widths", "depths", "decoder_depth")}

    def model(self) -> nn.Module:
        torch.manual_seed(self.seed)
        model = UnrolledHQS(**self.settings)
        if self.from_denoiser:
            denoiser = pretrained("denoiser")
            assert isinstance(denoiser, Denoiser)
            try:
                model.start_from(denoiser)
            except ValueError as error:
                raise ValueError(f"{error}; or set from_denoiser = false") from None
        return model


@dataclass(frozen=True)
class UDNRecipe(_PairsRecipe):
    """The seed system's network, 8 layers deep, on the same data; one network for all noise levels.

    Attributes
    ----------
    steps, learning_rate, warm_up, cool_down, average, seed, first_step
        As of `Recipe`, with defaults of its own.
    depth, width : int
        See `deblur.networks.UDN`.

    Raises
    ------
    ValueError
        If a number of `Recipe` is out of range.

    Examples
    --------
    >>> from deblur.networks.training import UDNRecipe
    >>> sum(parameter.numel() for parameter in UDNRecipe().model().parameters())
    1491976
    """

    kind: ClassVar[str] = "udn"
    learning_rate: float = 1e-3
    depth: int = 8
    width: int = 64

    @property
    def settings(self) -> dict[str, Any]:
        """Keyword arguments that rebuild the network."""
        return {"depth": self.depth, "width": self.width}

    def model(self) -> nn.Module:
        torch.manual_seed(self.seed)
        return UDN(**self.settings)
