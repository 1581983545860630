"""The cost of too large a PSF size for `deblur.blind.sparse_edges`: the Levin images, by the protocol `levin-blind`.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.psf_size [--factor 1.5] [--count 32]

Each image is restored with the size that `fast` finds by itself, and with `factor` times the side of its true kernel.
A collapse is a result that is worse than the blurred picture.
"""

import numpy as np

from benchmarks._arguments import argument_parser
from deblur.benchmark import Estimate, protocol
from deblur.blind import sparse_edges


def main() -> None:
    """Print both scores of every image, and their means."""
    parser = argument_parser(__doc__)
    parser.add_argument("--factor", type=float, default=1.5)
    parser.add_argument("--count", type=int, default=32, help="images, of 32")
    options = parser.parse_args()
    levin, scores = protocol("levin-blind"), []
    for image, psf in levin.pairs()[: options.count]:
        sample = levin.observe(image, psf, 0.0)
        side = round(options.factor * max(sample.psf.shape)) // 2 * 2 + 1
        found, large = (sparse_edges(sample.blurred, shape) for shape in ("auto", side))
        pictures = (sample.blurred, found.image, large.image)
        scores.append([levin.score(Estimate(picture), sample)["psnr"] for picture in pictures])
        blurred, auto, wide = scores[-1]
        print(f"{image} {psf}: blurred {blurred:.2f}, size found {auto:.2f}, at most {side} {wide:.2f} dB", flush=True)
    blurred, auto, large = np.transpose(scores)
    print(f"mean of {len(auto)}: size found {auto.mean():.2f}, {options.factor:g} times the side {large.mean():.2f}")
    print(f"the largest loss {np.max(auto - large):.2f} dB; {int(np.sum(large < blurred))} collapsed")


if __name__ == "__main__":
    main()
