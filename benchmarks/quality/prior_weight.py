"""How the weight of total variation and of the hyper-Laplacian prior follows the noise, on BSDS500 train.

At each noise level the best weight is the top of a parabola through the PSNRs of several; a power law through these, in
the ratio n of the noise to the contrast of the picture, is the rule.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.prior_weight
"""

import numpy as np

from benchmarks._arguments import argument_parser
from benchmarks.quality._training_samples import training_samples
from deblur.benchmark import psnr
from deblur.nonblind import hyper_laplacian, total_variation

NOISE = (0.005, 0.01, 0.02, 0.04, 0.08)
FACTORS = np.geomspace(0.4, 2.5, 5)
METHODS = ((total_variation, 1.0, (0.48, 1.6)), (hyper_laplacian, 0.8, (0.24, 1.66)))
"""Each with its exponent, and with a rule to begin from."""


def main() -> None:
    """Print the best weight of each noise level, and the rule."""
    parser = argument_parser(__doc__)
    parser.add_argument("--count", type=int, default=16, help="pictures")
    count = parser.parse_args().count
    for method, exponent, (factor, power) in METHODS:
        ratios, best = [], []
        for noise in NOISE:
            scores = np.zeros(len(FACTORS))
            samples = training_samples(count, noise, "valid")
            contrasts = [float(sample.blurred.std()) for sample in samples]
            for sample, contrast in zip(samples, contrasts, strict=True):
                weight = factor * (noise / contrast) ** power * contrast ** (2 - exponent)
                images = [method(sample.blurred, sample.psf, balance=weight * each) for each in FACTORS]
                scores += [psnr(image.clip(0, 1), sample.truth) / count for image in images]
            a, b, _ = np.polyfit(np.log(FACTORS), scores, 2)
            ratios.append(float(np.mean(np.log(noise / np.array(contrasts)))))
            best.append(float(np.clip(-b / (2 * a), *np.log(FACTORS[[0, -1]]))) + np.log(factor) + power * ratios[-1])
            found = ", ".join(f"{score:.2f}" for score in scores)
            print(f"{method.__name__}, noise {noise:g}: {found} dB; best weight {np.exp(best[-1]):.4g}", flush=True)
        slope, intercept = np.polyfit(ratios, best, 1)
        print(f"{method.__name__}: weight = {np.exp(intercept):.3f} n^{slope:.3f}", flush=True)


if __name__ == "__main__":
    main()
