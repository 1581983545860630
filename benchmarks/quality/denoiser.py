"""PSNR of a denoiser on BSD68: CBSD68 as gray, white noise, not clipped, no rounding; and of plug-and-play with it.

DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.denoiser [FILE ...] [--x8] [--count 68]
DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.denoiser [FILE ...] --protocol set14-levin circular8

FILE is a network that `deblur train` wrote; without one it is the denoiser that ships. The noise is the same for every
file, so that differences of .01 dB mean something.
"""

import argparse
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from deblur.benchmark import Estimate, Method, Sample, image, image_names, psnr, run
from deblur.networks import load, pretrained
from deblur.networks._precision import reduced_precision
from deblur.nonblind import plug_and_play

LEVELS = (15, 25, 50)


def pictures(level: int, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield truth and noisy image, gray, in [0, 1]."""
    for index, name in enumerate(image_names("cbsd68")[:count]):
        sharp = image("cbsd68", name).astype(np.float32)
        noise = np.random.default_rng((level, index)).standard_normal(sharp.shape, np.float32)
        yield sharp, sharp + level / 255 * noise


def self_ensemble(denoise: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """Average a denoiser over the eight rotations and reflections of an image (Timofte et al., CVPR 2016)."""

    def averaged(noisy: torch.Tensor) -> torch.Tensor:
        turns = itertools.product(range(4), ([], [-1]))
        return torch.stack(
            [denoise(noisy.rot90(k, (-2, -1)).flip(axes)).flip(axes).rot90(-k, (-2, -1)) for k, axes in turns]
        ).mean(0)

    return averaged


def score(network: torch.nn.Module, level: int, *, count: int, x8: bool) -> float:
    """Return the mean PSNR at a noise level in gray levels of 255, in dB."""
    sigma = torch.tensor([level / 255])

    def denoise(noisy: torch.Tensor) -> torch.Tensor:
        with reduced_precision(noisy.device):
            return network(noisy, sigma).float()

    found = []
    for sharp, noisy in pictures(level, count):
        with torch.inference_mode():
            clean = (self_ensemble(denoise) if x8 else denoise)(torch.from_numpy(noisy)[None, None])
        found.append(psnr(clean[0, 0].clamp(0, 1).numpy(), sharp))
    return float(np.mean(found))


def restoration_scores(network: torch.nn.Module, protocol: str, limit: int | None) -> dict[float, float]:
    """Return the mean PSNR of plug-and-play with this denoiser, in dB, by noise level."""

    def restore(sample: Sample) -> Estimate:
        restored = plug_and_play(sample.blurred, sample.psf, boundary=sample.boundary, denoiser=network)
        return Estimate(restored)

    results = run(protocol, [Method("plug_and_play", (restore,))], limit=limit)
    return {each.noise: each.scores["psnr"] for each in results.summary()}


def main() -> None:
    """Print a line per file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--x8", action="store_true", help="average over rotations and reflections")
    parser.add_argument("--count", type=int, default=68, help="how many of the 68 images")
    parser.add_argument("--protocol", nargs="*", default=[], help="score plug-and-play on these instead")
    parser.add_argument("--limit", type=int, help="how many images of a protocol")
    options = parser.parse_args()
    for file in options.files or [None]:
        network = pretrained("denoiser") if file is None else load(file)
        for protocol in options.protocol:
            found = restoration_scores(network, protocol, options.limit)
            line = ", ".join(f"{noise:g}: {value:.3f}" for noise, value in found.items())
            print(f"{file or 'shipped'}, {protocol}: {line} dB", flush=True)
        if options.protocol:
            continue
        scores = [score(network, level, count=options.count, x8=options.x8) for level in LEVELS]
        print(f"{file or 'shipped'}: " + " / ".join(f"{value:.3f}" for value in scores) + " dB", flush=True)


if __name__ == "__main__":
    main()
