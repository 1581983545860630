"""What it costs `deblur.blind.fast` to be told too large a size: the Levin images, by the protocol of `levin-blind`.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.psf_size [--factor 1.5] [--count 32]

Each image is restored with the size that `fast` finds by itself, and with `factor` times the side of its true kernel.
A collapse is a result that is worse than the blurred picture.
"""

import argparse

import numpy as np

from deblur.benchmark._protocols import Restored, protocol
from deblur.blind import fast


def main() -> None:
    """Print both scores of every image, and their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--factor", type=float, default=1.5)
    parser.add_argument("--count", type=int, default=32, help="images, of 32")
    options = parser.parse_args()
    levin, scores = protocol("levin-blind"), []
    for image, psf in levin.pairs()[: options.count]:
        sample = levin.observe(image, psf, 0.0)
        side = round(options.factor * max(sample.psf.shape)) // 2 * 2 + 1
        found, told = (fast(sample.blurred, shape) for shape in ("auto", side))
        pictures = (sample.blurred, found.image, told.image)
        scores.append([levin.score(Restored(picture), sample)["psnr"] for picture in pictures])
        blurred, auto, large = scores[-1]
        print(f"{image} {psf}: blurred {blurred:.2f}, size found {auto:.2f}, at most {side} {large:.2f} dB", flush=True)
    blurred, auto, large = np.transpose(scores)
    print(f"mean of {len(auto)}: size found {auto.mean():.2f}, {options.factor:g} times the side {large.mean():.2f}")
    print(f"the largest loss {np.max(auto - large):.2f} dB; {int(np.sum(large < blurred))} collapsed")


if __name__ == "__main__":
    main()
