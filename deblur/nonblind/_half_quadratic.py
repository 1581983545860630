"""Half-quadratic splitting with a denoiser as the prior, behind `plug_and_play` and `adm`."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from deblur._core.progress import Callback, Progress, per_iteration, span
from deblur.networks import pretrained
from deblur.networks._padding import SeamlessView, grid_for
from deblur.networks._precision import reduced_precision
from deblur.solvers.fourier import continue_smoothly, corner, fourier, inverse_fourier
from deblur.solvers.framed import FILLING, FramedBlur

from ._measurement import PsfMeasurement
from ._planes import Planes
from ._progress import SHARPENING

_FIRST, _LAST = 49 / 255, 0.7  # noise levels of the denoiser: of the range, and of the noise level of the image
_QUIETEST = 1e-3  # of the range: lower noise levels count as this, so that the prior keeps a weight


class HalfQuadratic:
    """Alternating data steps and denoising steps on the planes of an image."""

    def __init__(self, measurement: PsfMeasurement, planes: Planes, boundary: str, denoiser: nn.Module | None) -> None:
        self._measurement, self._planes = measurement, planes
        grid = grid_for(planes.y, planes.psf, boundary)
        self._blur = FramedBlur(planes.y, planes.psf[:, None], grid, planes.weights)
        self._view = SeamlessView(self._blur.frame, grid)
        self._denoiser = (pretrained("denoiser") if denoiser is None else denoiser).to(planes.y.device)
        self.start = continue_smoothly(planes.y, grid)

    def run(
        self,
        num_iter: int,
        strength: float,
        progress: Progress | None,
        callback: Callback | None,
        at_edges: tuple[float, torch.Tensor] | None = None,
    ) -> Any:
        """Return the restored image; `at_edges` is a factor of the prior's weight, and where it applies."""
        if num_iter < 1:
            raise ValueError(f"num_iter must be at least 1, got {num_iter}")
        if not strength > 0:
            raise ValueError(f"strength must be positive, got {strength}")
        noise, z = self._planes.noise_level.clamp_min(_QUIETEST), self.start
        report = per_iteration(progress, num_iter, SHARPENING)
        for iteration in range(num_iter):
            part = iteration / max(num_iter - 1, 1)
            level = _FIRST ** (1 - part) * (_LAST * noise) ** part
            weight = strength * (noise / level).square()[:, None, None, None]
            x = self._data_step(weight, z, iteration)
            if at_edges is not None:
                ratio, edges = at_edges
                x = torch.lerp(x, self._data_step(ratio * weight, z, iteration), edges)
            z = self._denoise(x, level, iteration)
            report(iteration)
            if callback is not None and callback(iteration, self._finish(z), self._misfit(z)):
                break
        span(progress, 0, 1)(1.0, SHARPENING)
        return self._finish(z)

    def _data_step(self, weight: torch.Tensor, z: torch.Tensor, iteration: int) -> torch.Tensor:
        blur, towards = self._blur, fourier(z, self._blur.grid)
        filled = blur.fill(weight, towards, num_iter=FILLING[iteration > 0])
        return inverse_fourier(blur.filtered(filled, weight, towards), blur.grid)

    def _denoise(self, x: torch.Tensor, level: torch.Tensor, iteration: int) -> torch.Tensor:
        flip = [-1] if iteration // 4 % 2 else []
        rotated = self._view.pad(x).rot90(iteration % 4, (-2, -1)).flip(flip)
        with reduced_precision(x.device):
            planes = [self._denoiser(plane[None], s[None]) for plane, s in zip(rotated, level, strict=True)]
        return self._view.crop(torch.cat(planes).flip(flip).rot90(-iteration % 4, (-2, -1)))

    def _finish(self, z: torch.Tensor) -> Any:
        return self._measurement.finish(self._planes.merge(corner(z, self._blur.frame)))

    def _misfit(self, z: torch.Tensor) -> float:
        return float((self._blur.shown(z) - self._blur.y).square().mean())
