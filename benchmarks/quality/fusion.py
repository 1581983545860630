"""How much of plug-and-play to blend into the unrolled network, on photographs that no benchmark has: BSDS500 train.

The best parts for coarse and fine structure solve a two-by-two linear system for each picture set.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.fusion
"""

import itertools

import numpy as np
import torch

from benchmarks._arguments import argument_parser
from benchmarks.quality._training_samples import training_samples
from deblur.benchmark import psnr
from deblur.nonblind import plug_and_play, unrolled
from deblur.nonblind._fused import blend


def main() -> None:
    """Print the best parts, and the PSNR of each method, of the best blend and of the mean."""
    parser = argument_parser(__doc__)
    parser.add_argument("--noise", type=float, nargs="*", default=[0.01, 0.03, 0.05])
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    for border, noise in itertools.product(("circular", "valid"), options.noise):
        gram, right, scores = np.zeros((2, 2)), np.zeros(2), []
        for sample in training_samples(options.count, noise, border):
            known = {"noise_level": noise, "boundary": sample.boundary}
            learned = unrolled(sample.blurred, sample.psf, ensemble=True, **known)
            played = plug_and_play(sample.blurred, sample.psf, **known)
            first, second = torch.from_numpy(learned), torch.from_numpy(played)
            parts = [(blend(first, second, *each, None) - first).numpy() for each in ((1.0, 0.0), (0.0, 1.0))]
            error = sample.truth - learned
            gram += [[np.vdot(a, b) / np.vdot(error, error) for b in parts] for a in parts]
            right += [np.vdot(a, error) / np.vdot(error, error) for a in parts]
            mean = (learned + played) / 2
            scores.append([psnr(each.clip(0, 1), sample.truth) for each in (learned, played, mean)])
        coarse, fine = np.linalg.solve(gram, right)
        learned_score, played_score, mean_score = np.mean(scores, axis=0)
        print(f"{border}, noise {noise:g}: coarse {coarse:.2f}, fine {fine:.2f};", end=" ")
        print(
            f"unrolled x8 {learned_score:.2f}, plug-and-play {played_score:.2f}, mean {mean_score:.2f} dB", flush=True
        )


if __name__ == "__main__":
    main()
