"""A protocol that needs no data, and methods that misbehave."""

from __future__ import annotations

import numpy as np
import torch

from deblur import Restoration
from deblur.benchmark._comparisons import clipped
from deblur.benchmark._methods import Method
from deblur.benchmark._protocols import Protocol
from deblur.benchmark._samples import Estimate, Sample, crossed, simulate

IMAGES, PSFS = ["im1", "im2", "im3"], ["psf1", "psf2"]


def pairs() -> list[tuple[str, str]]:
    return crossed(IMAGES, PSFS)


def observe(image: str, psf: str, noise: float) -> Sample:
    scene = np.random.default_rng(IMAGES.index(image)).random((32, 36))
    return simulate(scene, np.ones((3, 1 + 2 * PSFS.index(psf))), noise, seed=f"{image} {psf}")


TOY = Protocol("toy", 1, "Random pictures.", pairs, observe, clipped, noises=(0.01, 0.1))


def fail_on_im2(sample: Sample) -> Estimate:
    if any(np.array_equal(sample.truth, observe("im2", psf, 0.0).truth) for psf in PSFS):
        raise ArithmeticError("no solution\nat all")
    return Estimate(sample.blurred)


def give_nan(sample: Sample) -> Estimate:
    return Estimate(sample.blurred * np.nan)


def estimate_box(image: torch.Tensor, *, size: int = 3) -> Restoration:
    """A blind method that leaves the image as it is."""
    return Restoration(image, torch.ones(size, size), None, "toy-blind", 0.0)


def half(sample: Sample) -> Estimate:
    return Estimate(sample.blurred / 2)


def whole(sample: Sample) -> Estimate:
    return Estimate(sample.blurred)


FAILING = Method("failing", (fail_on_im2,))
NAN = Method("nan", (give_nan,))
ORACLE = Method("oracle", (half, whole, half))
