"""Where Richardson-Lucy should stop, measured on training photographs (BSDS500 train; never on test sets).

Each photograph is blurred by a camera shake, valid border, with white noise; PSNR of the estimate at which the residual
first falls below a fraction of the (estimated) noise energy, for several fractions. The best one is the constant
`_DISCREPANCY` of `deblur.nonblind.richardson_lucy`.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.richardson_lucy_stop [--images N]
"""

import argparse

import numpy as np

from deblur import psf
from deblur.benchmark import image, image_names
from deblur.benchmark._metrics import psnr
from deblur.benchmark._samples import simulate
from deblur.nonblind import estimate_noise, richardson_lucy
from deblur.nonblind._richardson_lucy import _DISCREPANCY

FRACTIONS = (1.1, 1.0, 0.9, 0.85, 0.8, 0.7, 0.6)


def main() -> None:
    """Print the mean PSNR for every noise level and fraction."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=24)
    count = parser.parse_args().images
    names = [name for name in image_names("bsds500") if name.startswith("train/")][:: 200 // count]
    for noise in (0.005, 0.01, 0.02, 0.04):
        scores: dict[float, list[float]] = {fraction: [] for fraction in FRACTIONS}
        for i, name in enumerate(names):
            sample = simulate(image("bsds500", name), psf.camera_shake(9 + i % 4 * 6, seed=i), noise, seed=name)
            y, blur = sample.blurred.astype(np.float32), sample.psf.astype(np.float32)
            level = estimate_noise(y, blur)
            for fraction in FRACTIONS:
                estimate = richardson_lucy(y, blur, noise_level=level * (fraction / _DISCREPANCY) ** 0.5)
                scores[fraction].append(psnr(estimate.clip(0, 1), sample.truth))
        print(f"noise {noise:5.3f}: " + "  ".join(f"{f}: {np.mean(s):.3f}" for f, s in scores.items()), flush=True)


if __name__ == "__main__":
    main()
