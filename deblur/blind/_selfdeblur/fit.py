"""SelfDeblur at one scale: two generators fitted to one image."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F

from deblur.blind._view import View
from deblur.networks._deep_prior import Hourglass, KernelGenerator
from deblur.networks._precision import reduced_precision
from deblur.operators import Convolution

from .settings import SelfDeblurSettings

# Ren et al., CVPR 2020, unless they say otherwise.
_NOISE_CHANNELS, _KERNEL_INPUTS = 8, 200
_LARGEST_INPUT = 0.1
_MILESTONES = (0.4, 0.6, 0.8)  # of the iterations: where the step sizes are halved
_VARIANCE_RATE = 0.1  # Wang et al., TMLR 2023
_SETTLING = 50  # iterations after a change of the objective in which the variance is ignored; by hand
_C1, _C2 = 1e-4, 9e-4  # of SSIM: (0.01)^2 and (0.03)^2 of the range
_MOMENTS = ("exp_avg", "exp_avg_sq")


class Iterate(NamedTuple):
    """A scene, larger than the image by half a kernel on each side, and a kernel."""

    x: torch.Tensor
    k: torch.Tensor

    def copy(self) -> Iterate:
        """Return a copy."""
        return Iterate(self.x.clone(), self.k.clone())

    def blurred(self) -> torch.Tensor:
        """Return the scene blurred by the kernel, of the size of the image."""
        return Convolution(self.k, tuple(self.x.shape), "valid")(self.x)

    def compared_with(self, view: View) -> torch.Tensor:
        """Return the blurred scene, with the clipped pixels of the view in place of its own: they do not count."""
        return torch.where(view.valid, self.blurred(), view.y)


class Fit:
    """A fit of two generators, and the average of their iterates.

    Its state depends only on the arguments and the number of steps.

    Parameters
    ----------
    view : View
        The image, in single precision, on the scale [0, 1].
    kernel_shape : tuple of int
        Odd.
    settings : SelfDeblurSettings
        Settings of the method.
    num_iter : int
        Number of steps.
    noise_level : float
        On the scale of the image.
    seed : int
        Seed of the weights and of all noise.
    start : torch.Tensor, optional
        Initial kernel; nearly constant if None.
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
        """Whether all steps have been made, or the variance of the iterates has stopped falling."""
        patience = self.settings.patience
        waited = self.iteration - max(self._least_at, self._watched_from)
        return self.iteration >= self.num_iter or (patience is not None and waited >= patience)

    @property
    def best(self) -> Iterate:
        """The average where the variance of the iterates was least, or the last one."""
        return self.mean.copy() if self._best is None else self._best

    def step(self) -> float:
        """Update both generators; return the objective before the update."""
        with reduced_precision(self.z.device, wanted=self.settings.reduced_precision):
            x = self.nets["image"](self.z + self._jitter())
        iterate = Iterate(x[0, 0].float(), self.nets["kernel"](self.z_kernel))
        y, v = self.view.y, iterate.compared_with(self.view)
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
        self._track(Iterate(iterate.x.detach(), iterate.k.detach()))
        return float(loss.detach())

    def _jitter(self) -> torch.Tensor:
        generator = torch.Generator().manual_seed((self.seed << 24) + self.iteration + 1)
        noise = torch.empty(self.z.shape, memory_format=torch.channels_last)
        return noise.normal_(0, self.settings.jitter, generator=generator).to(self.z.device)

    @torch.no_grad()
    def _track(self, iterate: Iterate) -> None:
        self.iteration += 1
        decay = min(self.settings.average, self.iteration / (self.iteration + 10))  # the first iterates count for less
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
        """Return the state from which a fit with the same arguments resumes."""
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
        """Resume from a state."""
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
    """Return the mean SSIM of two images under a Gaussian window of 11 pixels, zero-padded."""
    window = torch.exp(-torch.arange(-5, 6, dtype=a.dtype, device=a.device).square() / (2 * 1.5**2))
    window = window / window.sum()
    moments = torch.stack([a, b, a * a, b * b, a * b])[:, None]
    moments = F.conv2d(
        F.conv2d(moments, window.reshape(1, 1, 1, -1), padding=(0, 5)), window.reshape(1, 1, -1, 1), padding=(5, 0)
    )
    mean_a, mean_b, square_a, square_b, product = moments[:, 0]
    means, powers = mean_a * mean_b, mean_a.square() + mean_b.square()
    map_ = (2 * means + _C1) * (2 * (product - means) + _C2) / ((powers + _C1) * (square_a + square_b - powers + _C2))
    return map_.mean()
