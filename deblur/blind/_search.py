"""The size of the kernel, found by trying: which makes the sharpest picture that still explains the blurred one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch

from ._estimate import DETAILED, SENSITIVE, Shape, estimate_psf, odd, refined, rough_psf
from ._kernel_step import delta, trimmed
from ._sharpen import sharpen
from ._view import View, smooth

LADDER = (19, 25, 35, 49, 65, 91)
_LARGE = 30  # pixels: a strong start wipes out what kernels larger than this have left
_VERY_LARGE = 40
_LOOK = 49  # pixels, of the first rough estimate
_SPARE, _NEARLY = 0.65, 0.9  # of its extent: too small to try, and large enough to hold the blur
_RIM, _RIM_LIGHT = 0.075, 0.01  # of the size at each side, and of the light
_SURELY_WORSE = 1.4  # times the least energy: a kernel full of noise
_DARKEST = -0.2  # of the range: kernels full of noise make pictures that ring far below black, true ones -0.05
_GAIN = 0.008  # in the score: what a larger kernel has to be better by
_ENERGY_WEIGHT = 0.2


class Settings(NamedTuple):
    """What the noise asks for.

    Attributes
    ----------
    smoothing : float
        Standard deviation of the Gaussian that smooths what the PSF is estimated from, in pixels.
    prior : float
        Weight of the gradients in the pictures that candidates are judged by.
    told : float
        Noise level that the final step is told: more than it is, as no estimate of a kernel is exact.
    softening : float
        Standard deviation of the Gaussian that smooths the restored picture: the scene that the kernel was estimated
        with has ideal edges, so the kernel holds the sharpness that photographs lack too.
    """

    smoothing: float
    prior: float
    told: float
    softening: float

    @classmethod
    def for_noise(cls, level: float) -> Settings:
        """Return the settings for a noise level on the scale [0, 1]."""
        smoothing = 0.0 if level < 0.0025 else min(0.7 * (level / 0.01) ** 0.4, 1.3)
        softening = math.sqrt(0.25 + 0.36 * min(smoothing, 0.7) ** 2)
        return cls(smoothing, max(3e-4, 0.1 * level), max(0.005, 1.2 * level), softening)


class Candidate(NamedTuple):
    """An estimate.

    Attributes
    ----------
    psf, image : torch.Tensor
        The kernel, and what it makes of the view.
    energy : float
        What `sharpen` minimized: large where the picture cannot be explained.
    score : float
        Small for pictures of few strong edges that explain the view. Alone, the energy prefers too little blur, and
        sparsity some kernels full of noise.
    """

    psf: torch.Tensor
    image: torch.Tensor
    energy: float
    score: float


def judged(psf: torch.Tensor, view: View, settings: Settings) -> Candidate:
    """Return the candidate that a PSF is."""
    x, energy = sharpen(view.y, view.seen, psf, settings.prior)
    x = smooth(x, settings.softening)
    score = math.log(sparsity(x)) + _ENERGY_WEIGHT * math.log(max(energy, 1e-12))
    return Candidate(psf, x, energy, score)


def sparsity(x: torch.Tensor) -> float:
    """Return the mean absolute difference of neighbors by their root mean square: small for few strong edges."""
    slopes = torch.cat([x.diff(dim=0).flatten(), x.diff(dim=1).flatten()])
    return float(slopes.abs().mean() / slopes.square().mean().sqrt().clamp_min(1e-12))


class Found(NamedTuple):
    """What the search ends with.

    Attributes
    ----------
    best : Candidate
        The best candidate.
    others : list of Candidate
        Those of other sizes whose pictures do not ring.
    gain : float
        How much sparser the best makes the picture than no blur does, as a logarithm.
    """

    best: Candidate
    others: list[Candidate]
    gain: float


def search(view: View, settings: Settings, shape: Shape | None, progress: Callable[[float], None]) -> Found:
    """Try kernels of several sizes up to half the view, or near the shape if there is one."""
    softer = View(smooth(view.y, settings.smoothing), view.seen)
    if shape is None:
        sizes, needed = _sizes_from_a_look(softer)
    else:
        sizes, needed = [tuple(odd(0.8 * side) for side in shape), shape], math.inf  # type: ignore[list-item]
    candidates: list[Candidate] = []
    best = in_vain = 0
    for number, size in enumerate(sizes):

        def report(part: float, number: int = number) -> None:
            progress((number + part) / len(sizes))

        candidates.append(judged(_estimated(softer, size, report), view, settings))
        previous, best = best, choose(candidates)
        in_vain = in_vain + 1 if number and best == previous else 0
        settled = in_vain > 1 or (number > 0 and not is_cramped(candidates[best].psf))
        if settled and max(size) >= needed:
            break
    others = [each for number, each in enumerate(candidates) if number != best and not rings(each.image)]
    unblurred = judged(delta(view.y.new_zeros(3, 3)), view, settings)
    gain = math.log(sparsity(unblurred.image) / sparsity(candidates[best].image))
    return Found(candidates[best], others, gain)


def _sizes_from_a_look(view: View) -> tuple[list[Shape], float]:
    """Return the sizes to try, and the one not to stop before, from a rough estimate at half the size."""
    largest = min(view.y.shape) // 2
    sizes = [(side, side) for side in LADDER if side <= largest] or [(odd(largest), odd(largest))]
    if largest < _LOOK:
        return sizes, 0
    rough = rough_psf(view, (_LOOK, _LOOK))
    extent = 2 * max(trimmed(rough).shape)
    if is_cramped(rough):  # by a larger blur, or by noise
        return sizes, _LOOK
    return [size for size in sizes if size[0] >= _SPARE * extent], _NEARLY * extent


def _estimated(view: View, size: Shape, progress: Callable[[float], None]) -> torch.Tensor:
    if max(size) >= _VERY_LARGE:
        return refined(view, rough_psf(view, size), size, progress)
    return estimate_psf(view, size, DETAILED if max(size) < _LARGE else SENSITIVE, progress)


def is_cramped(psf: torch.Tensor) -> bool:
    """Whether there is light near the rim: then the blur may be larger."""
    rim = psf.clone()
    rim[tuple(slice(round(_RIM * size), round((1 - _RIM) * size)) for size in psf.shape)] = 0
    return float(rim.sum()) > _RIM_LIGHT


def rings(x: torch.Tensor) -> bool:
    """Whether one pixel in a thousand is far darker than black."""
    return float(x.flatten().kthvalue(max(1, x.numel() // 1000)).values) < _DARKEST


def choose(candidates: list[Candidate]) -> int:
    """Return the index of the smallest candidate that is nearly the best, and not cramped if one is not."""
    sound = [number for number, each in enumerate(candidates) if not rings(each.image)] or range(len(candidates))
    least = min(candidates[number].energy for number in sound)
    plausible = [number for number in sound if candidates[number].energy <= _SURELY_WORSE * least]
    enough = min(candidates[number].score for number in plausible) + _GAIN
    good = [number for number in plausible if candidates[number].score <= enough]
    return next((number for number in good if not is_cramped(candidates[number].psf)), good[0])
