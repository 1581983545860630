"""Noise that rises with light: one level for the picture, against weights by the variance of each sample.

A picture in linear light is blurred by a disk, and gets read noise and photon noise. Each method restores it with the
estimated level, with the mean level of the true `NoiseModel`, with weights inversely proportional to the variance (of
the methods that take more than 0 and 1), and with the best of several fixed levels.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.photon_noise
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

import deblur
from benchmarks._arguments import argument_parser
from benchmarks.quality.jpeg import picture, psnr
from deblur import photo, psf
from deblur.nonblind import NoiseModel
from deblur.operators import Convolution

READ = 0.002
LEVELS = (0.01, 0.014, 0.02, 0.028, 0.04, 0.056, 0.08)


def main() -> None:
    """Print the PSNR, on sRGB values, of each way to use what is known of the noise."""
    parser = argument_parser(__doc__)
    parser.add_argument("--pictures", nargs="*", default=["astronaut", "monarch"])
    kernel = psf.disk(4)
    for name in parser.parse_args().pictures:
        sharp = photo.to_linear(picture(name).astype(np.float32) / 255).mean(-1)
        part = (slice(100, 260), slice(150, 310))
        clean = Convolution(kernel, sharp.shape, "reflect")(sharp)[part]
        truth = np.rint(255 * photo.from_linear(sharp[part])).astype(np.uint8)
        for shot in (0.002, 0.01):
            sigma = np.sqrt(READ**2 + shot * clean)
            noisy = (clean + sigma * np.random.default_rng(0).standard_normal(clean.shape)).astype(np.float32)
            variance = READ**2 + shot * gaussian_filter(noisy, 2).clip(1e-3)
            weights = (1 / variance) / (1 / variance).mean()
            print(f"{name}, {shot:g} per unit of light: blurred {psnr(photo.from_linear(noisy), truth):.2f}")
            for method in ("total-variation", "unrolled", "richardson-lucy"):

                def score(
                    noisy: np.ndarray = noisy, truth: np.ndarray = truth, method: str = method, **options
                ) -> float:
                    made = deblur.restore(noisy, kernel, method=method, **options)
                    return psnr(photo.from_linear(made.image), truth)

                model = NoiseModel(white=READ, shot=shot)
                facts = {"estimated": score(), "model": score(noise_level=model)}
                if method != "unrolled":
                    facts["weights"] = score(noise_level=model, weights=weights)
                facts["best fixed"] = max(score(noise_level=level) for level in LEVELS)
                print(f"  {method}: {', '.join(f'{way} {value:.2f}' for way, value in facts.items())}", flush=True)


if __name__ == "__main__":
    main()
