"""SelfDeblur at one scale: two generators fitted to one picture."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from deblur.networks._deep_prior import Hourglass, KernelGenerator
from deblur.networks._precision import reduced_precision
from deblur.operators import Convolution

from ._selfdeblur_settings import SelfDeblurSettings
from ._view import View

_NOISE_CHANNELS, _KERNEL_INPUTS = 8, 200
_LARGEST_INPUT = 0.1
_MILESTONES = (0.4, 0.6, 0.8)  # of the iterations: where the step sizes are halved
_VARIANCE_RATE = 0.1
_SETTLING = 50  # iterations with one objective before the variance means anything
_C1, _C2 = 1e-4, 9e-4
_MOMENTS = ("exp_avg", "exp_avg_sq")


class Iterate(NamedTuple):
    """A scene, which reaches half a kernel further than the picture at each side, and a kernel."""

    x: torch.Tensor
    k: torch.Tensor

    def copy(self) -> Iterate:
        """Return one with memory of its own."""
        return Iterate(self.x.clone(), self.k.clone())

    def blurred(self) -> torch.Tensor:
        """Return the picture that these would make."""
        return Convolution(self.k, tuple(self.x.shape), "valid")(self.x)

    def beside(self, view: View) -> torch.Tensor:
        """Return that picture where the view is not clipped, and the view where it is: there it says nothing."""
        return torch.where(view.seen, self.blurred(), view.y)


class Fit:
    """Two generators on their way, and the average of what they have made.

    All is a function of the arguments and of the number of steps.

    Parameters
    ----------
    view : View
        The picture, in single precision, on the scale [0, 1].
    kernel_shape : tuple of int
        Odd.
    settings : SelfDeblurSettings
        See there.
    num_iter : int
        How many steps there will be.
    noise_level : float
        On that scale.
    seed : int
        Of the weights and of all noise.
    start : torch.Tensor, optional
        Kernel to start from; about constant if None.
    """

    def __init__(
        self,
        view: View,
        kernel_shape: tuple[int, int],
        settings: SelfDeblurSettings,
        num_iter: int,
        noise_level: float,
        seed: int,
        start: torch.Tensor | None = None,
    ) -> None:
        self.view, self.settings, self.num_iter, self.seed = view, settings, num_iter, seed
        y = view.y
        self._tv = settings.total_variation * noise_level
        grid = [side + size - 1 for side, size in zip(y.shape, kernel_shape, strict=True)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            image_net = Hourglass(_NOISE_CHANNELS, width=settings.width, across=settings.across, scales=settings.depth)
            kernel_net = KernelGenerator(kernel_shape, inputs=_KERNEL_INPUTS)
            z = _LARGEST_INPUT * torch.rand(1, _NOISE_CHANNELS, *grid)
            z_kernel = _LARGEST_INPUT * torch.rand(_KERNEL_INPUTS)
        if start is not None:
            kernel_net.start_from(start.cpu())
        self.z = z.to(y.device, memory_format=torch.channels_last)
        self.z_kernel = z_kernel.to(y.device)
        self.nets = torch.nn.ModuleDict({"image": image_net, "kernel": kernel_net})
        self.nets = self.nets.to(y.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rates = {"image": settings.image_rate, "kernel": settings.kernel_rate}
        self.optimizer = torch.optim.Adam([{"params": self.nets[n].parameters(), "lr": rates[n]} for n in rates])
        self._rates = list(rates.values())
        self._last_of_squares = math.ceil(settings.squares * num_iter)
        self._watched_from = _SETTLING + (self._last_of_squares if settings.squares < 1 else 0)
        self.iteration = 0
        self.mean = Iterate(y.new_zeros(grid), y.new_zeros(kernel_shape))
        self._best: Iterate | None = None
        self._fast_mean = y.new_zeros(grid)
        self._variance, self._least, self._least_at = y.new_zeros(()), math.inf, 0

    @property
    def is_done(self) -> bool:
        """Whether all steps have been made, or the iterates have stopped settling."""
        patience = self.settings.patience
        waited = self.iteration - max(self._least_at, self._watched_from)
        return self.iteration >= self.num_iter or (patience is not None and waited >= patience)

    @property
    def best(self) -> Iterate:
        """The average where the iterates had settled most, or the last one."""
        return self.mean.copy() if self._best is None else self._best

    def step(self) -> float:
        """Update both generators; return what was minimized, before the update."""
        with reduced_precision(self.z.device, wanted=self.settings.reduced_precision):
            x = self.nets["image"](self.z + self._jitter())
        iterate = Iterate(x[0, 0].float(), self.nets["kernel"](self.z_kernel))
        y, v = self.view.y, iterate.beside(self.view)
        squares = self.iteration < self._last_of_squares
        loss = F.mse_loss(v, y) if squares else 1 - structural_similarity(v, y)
        if self._tv:
            loss = loss + self._tv * sum(iterate.x.diff(dim=axis).abs().mean() for axis in (-1, -2))
        self.optimizer.zero_grad()
        loss.backward()
        halvings = sum(self.iteration >= part * self.num_iter for part in _MILESTONES)
        for group, rate in zip(self.optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * 0.5**halvings
        self.optimizer.step()
        self._follow(Iterate(iterate.x.detach(), iterate.k.detach()))
        return float(loss.detach())

    def _jitter(self) -> torch.Tensor:
        generator = torch.Generator().manual_seed((self.seed << 24) + self.iteration + 1)
        noise = torch.empty(self.z.shape, memory_format=torch.channels_last)
        return noise.normal_(0, self.settings.jitter, generator=generator).to(self.z.device)

    @torch.no_grad()
    def _follow(self, iterate: Iterate) -> None:
        self.iteration += 1
        decay = min(self.settings.average, self.iteration / (self.iteration + 10))  # the first ones count for less
        for mean, new in zip(self.mean, iterate, strict=True):
            mean.lerp_(new, 1 - decay if self.iteration > 1 else 1.0)
        change = iterate.x - self._fast_mean
        self._fast_mean += _VARIANCE_RATE * change
        # The exponentially weighted variance, as in the paper on early stopping.
        self._variance = (1 - _VARIANCE_RATE) * (self._variance + _VARIANCE_RATE * change.square().mean())
        if self.settings.patience is None or self.iteration < self._watched_from:
            return
        if float(self._variance) < self._least:
            self._least, self._least_at = float(self._variance), self.iteration
            self._best = self.mean.copy()

    def state(self) -> dict[str, torch.Tensor]:
        """Return all that a fit with the same arguments needs to go on from here."""
        tensors = {f"nets/{name}": value for name, value in self.nets.state_dict().items()}
        for name, parameter in self.nets.named_parameters():
            for moment in _MOMENTS if parameter in self.optimizer.state else ():
                tensors[f"{moment}/{name}"] = self.optimizer.state[parameter][moment]
        numbers = torch.tensor([self.iteration, self._least, self._least_at], dtype=torch.float64)
        tensors |= {"mean/x": self.mean.x, "mean/k": self.mean.k}
        if self._best is not None:
            tensors |= {"best/x": self._best.x.clone(), "best/k": self._best.k.clone()}
        return tensors | {"fast_mean": self._fast_mean, "variance": self._variance, "numbers": numbers}

    def load_state(self, tensors: dict[str, torch.Tensor]) -> None:
        """Go on from a state."""
        to = self.z.device
        self.nets.load_state_dict(
            {name.removeprefix("nets/"): t for name, t in tensors.items() if name.startswith("nets/")}
        )
        iteration, self._least, least_at = tensors["numbers"].tolist()
        self.iteration, self._least_at = int(iteration), int(least_at)
        for name, parameter in self.nets.named_parameters():
            if f"{_MOMENTS[0]}/{name}" in tensors:
                # Copied into the layout that the optimizer would choose: sums in another order are not the same.
                moments = {m: torch.empty_like(parameter).copy_(tensors[f"{m}/{name}"]) for m in _MOMENTS}
                self.optimizer.state[parameter] = {"step": torch.tensor(float(iteration)), **moments}
        self.mean = Iterate(tensors["mean/x"].to(to), tensors["mean/k"].to(to))
        if "best/x" in tensors:
            self._best = Iterate(tensors["best/x"].to(to), tensors["best/k"].to(to))
        self._fast_mean, self._variance = tensors["fast_mean"].to(to), tensors["variance"].to(to)


def structural_similarity(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the mean SSIM of two pictures, under a Gaussian window of 11 pixels; beyond the border both are black."""
    taps = torch.exp(-torch.arange(-5, 6, dtype=a.dtype, device=a.device).square() / (2 * 1.5**2))
    taps = taps / taps.sum()
    moments = torch.stack([a, b, a * a, b * b, a * b])[:, None]
    moments = F.conv2d(
        F.conv2d(moments, taps.reshape(1, 1, 1, -1), padding=(0, 5)), taps.reshape(1, 1, -1, 1), padding=(5, 0)
    )
    mean_a, mean_b, square_a, square_b, product = moments[:, 0]
    means, powers = mean_a * mean_b, mean_a.square() + mean_b.square()
    map_ = (2 * means + _C1) * (2 * (product - means) + _C2) / ((powers + _C1) * (square_a + square_b - powers + _C2))
    return map_.mean()
