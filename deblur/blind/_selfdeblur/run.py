"""SelfDeblur from coarse to fine, with restarts; a run can be interrupted and resumed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import os
import time

import torch
import torch.nn.functional as F

from deblur.blind._kernels import centered
from deblur.blind._picture import FEWEST_PIXELS
from deblur.blind._view import View
from deblur.networks._tensors import read_tensors, write_tensors

from .fit import Fit, Iterate
from .settings import SelfDeblurSettings

_SAVE_EVERY = 60.0  # seconds
_PRIOR, _EXPONENT = 3e-4, 0.8  # of the energy by which restarts are compared: Levin et al., SIGGRAPH 2007


class Run:
    """The fits of one image at all scales, with all seeds.

    Parameters
    ----------
    view : View
        The image.
    kernel_shape : tuple of int
        Odd.
    settings : SelfDeblurSettings
        Settings of the method.
    start : torch.Tensor or None
        Initial kernel, of that shape.
    restarts : int
        Number of passes through the scales, with consecutive seeds.
    noise_level : float
        On the scale of the image.
    seed : int
        The first seed.
    checkpoint : path-like or None
        File to resume from, and to keep up to date.

    Attributes
    ----------
    iteration : int
        Number of steps made so far, at all scales and with all seeds.

    Raises
    ------
    ValueError
        If the checkpoint is damaged, or belongs to another run.
    """

    def __init__(
        self,
        view: View,
        kernel_shape: tuple[int, int],
        settings: SelfDeblurSettings,
        start: torch.Tensor | None,
        restarts: int,
        noise_level: float,
        seed: int,
        checkpoint: str | os.PathLike[str] | None,
    ) -> None:
        self._view, self._shape, self._settings, self._start = view, kernel_shape, settings, start
        self._restarts, self._noise_level, self._seed, self._path = restarts, noise_level, seed, checkpoint
        factors = [2.0 ** (len(settings.num_iter) - 1 - number) for number in range(len(settings.num_iter))]
        pairs = zip(factors, settings.num_iter, strict=True)
        scales = [(f, count) for f, count in pairs if f == 1 or min(view.y.shape) / f >= FEWEST_PIXELS]
        self._scales = scales if start is None else scales[-1:]  # the coarse ones only find the kernel
        self.iteration, self._turn, self._scale = 0, 0, 0
        self._kernel = start  # initial kernel of this scale
        self._kept: Iterate | None = None
        self._energy = math.inf
        self._saved = time.monotonic()
        if checkpoint is not None and os.path.exists(checkpoint):
            self._load(checkpoint)
        else:
            self._fit = self._begin()
            self.save()  # an unwritable path fails at once, not after a minute

    @property
    def is_done(self) -> bool:
        """Whether all fits are done."""
        return self._fit.is_done and self._scale + 1 == len(self._scales) and self._turn + 1 == self._restarts

    @property
    def fraction(self) -> float:
        """The completed fraction of all steps, 0 to 1; a fit that stops early counts as complete."""
        counts = [count for _, count in self._scales]
        here = counts[self._scale] if self._fit.is_done else self._fit.iteration
        done = self._turn * sum(counts) + sum(counts[: self._scale]) + here
        return done / (self._restarts * sum(counts))

    def step(self) -> float:
        """Make one step; return its objective."""
        if self._fit.is_done:
            self._advance()
        loss = self._fit.step()
        self.iteration += 1
        if self._fit.is_done and self._scale + 1 == len(self._scales):
            self._compare()
        if self._path is not None and (self.is_done or time.monotonic() > self._saved + _SAVE_EVERY):
            self.save()
        return loss

    def result(self) -> Iterate:
        """Return the best iterate, enlarged if no fit has reached the finest scale yet."""
        if self._kept is not None:
            return self._kept
        x, k = self._fit.best
        grid = [side + size - 1 for side, size in zip(self._view.y.shape, self._shape, strict=True)]
        return Iterate(_resized(x, grid), _enlarged(k, self._shape))

    def current(self) -> torch.Tensor:
        """Return the average scene of the current fit, in the image domain."""
        return _resized(crop_to_image(self._fit.mean, tuple(self._fit.view.y.shape)), list(self._view.y.shape))

    def save(self) -> None:
        """Write the checkpoint, if there is a path for it."""
        if self._path is None:
            return
        tensors = {f"fit/{name}": t for name, t in self._fit.state().items()}
        if self._kernel is not None:
            tensors["kernel"] = self._kernel
        if self._kept is not None:
            tensors |= {"kept/x": self._kept.x, "kept/k": self._kept.k}
        place = [self.iteration, self._turn, self._scale, self._energy]
        write_tensors(self._path, tensors, {"run": self._description(), "place": json.dumps(place)}, overwrite=True)
        self._saved = time.monotonic()

    def _load(self, path: str | os.PathLike[str]) -> None:
        meta, tensors = read_tensors(path)
        if not {"run", "place"} <= meta.keys():
            raise ValueError(f"{path} is not a checkpoint of selfdeblur; give another file, or remove it")
        if meta["run"] != self._description():
            raise ValueError(f"{path} belongs to another picture or other settings; give another file, or remove it")
        self.iteration, self._turn, self._scale, self._energy = json.loads(meta["place"])
        to = self._view.y.device
        self._kernel = tensors["kernel"].to(to) if "kernel" in tensors else None
        if "kept/x" in tensors:
            self._kept = Iterate(tensors["kept/x"].to(to), tensors["kept/k"].to(to))
        self._fit = self._begin()
        self._fit.load_state({n.removeprefix("fit/"): t for n, t in tensors.items() if n.startswith("fit/")})

    def _description(self) -> str:
        content = hashlib.sha256()
        for part in (self._view.y, self._view.valid):
            content.update(part.cpu().numpy().tobytes())
        if self._start is not None:
            content.update(self._start.cpu().numpy().tobytes())
        facts = (self._shape, dataclasses.asdict(self._settings), self._restarts, self._noise_level, self._seed)
        return json.dumps([content.hexdigest(), self._view.y.shape, *facts])

    def _begin(self) -> Fit:
        """Return a new fit at this scale."""
        factor, num_iter = self._scales[self._scale]
        shape = _smaller(self._shape, factor)
        kernel = None if self._kernel is None else _enlarged(self._kernel, shape)
        view = self._view.shrunk(factor)
        return Fit(view, shape, self._settings, num_iter, self._noise_level / factor, self._seed + self._turn, kernel)

    def _advance(self) -> None:
        """Begin the next scale, or the next seed."""
        if self._scale + 1 < len(self._scales):
            self._kernel, self._scale = self._fit.best.k, self._scale + 1
        else:
            self._kernel, self._scale, self._turn = self._start, 0, self._turn + 1
        self._fit = self._begin()

    def _compare(self) -> None:
        """Keep the iterate of this seed if it is better than the kept one."""
        energy = self._energy_of(self._fit.best)
        if energy < self._energy:
            self._kept, self._energy = self._fit.best, energy

    def _energy_of(self, iterate: Iterate) -> float:
        slopes = sum(float(iterate.x.diff(dim=axis).abs().pow(_EXPONENT).mean()) for axis in (-1, -2))
        return float(F.mse_loss(iterate.compared_with(self._view), self._view.y)) + _PRIOR * slopes


def crop_to_image(iterate: Iterate, frame: tuple[int, ...]) -> torch.Tensor:
    """Return the scene in the image domain, where the kernel's centroid stands for no shift."""
    corner = []
    for axis, size in enumerate(iterate.k.shape):
        weight = iterate.k.sum(1 - axis)
        centroid = float((weight * torch.arange(size, device=weight.device)).sum() / weight.sum())
        corner.append(size - 1 - round(centroid))
    return iterate.x[corner[0] : corner[0] + frame[0], corner[1] : corner[1] + frame[1]]


def _smaller(shape: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return the odd sizes of a kernel at a coarser scale."""
    rows, columns = (max(3, 2 * round((size / factor - 1) / 2) + 1) for size in shape)
    return rows, columns


def _enlarged(kernel: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bring a kernel to another scale, its centroid in the middle."""
    return centered(_resized(kernel, list(shape)).clamp_min(0))


def _resized(array: torch.Tensor, size: list[int]) -> torch.Tensor:
    if list(array.shape) == size:
        return array
    return F.interpolate(array[None, None], size, mode="bilinear", align_corners=False, antialias=True)[0, 0]
