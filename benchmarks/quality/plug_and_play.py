"""Settings of plug-and-play restoration, on photographs that no benchmark has: BSDS500 train.

DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.plug_and_play --num-iter 8 30 --strength 0.1 0.2 0.4
"""

import itertools

import numpy as np
import torch

from benchmarks._arguments import argument_parser
from benchmarks.quality._training_samples import training_samples
from deblur.benchmark import psnr
from deblur.networks import pretrained
from deblur.nonblind import adm, plug_and_play


def main() -> None:
    """Print the mean PSNR of every setting, for each boundary and noise level."""
    parser = argument_parser(__doc__)
    parser.add_argument("--num-iter", type=int, nargs="*", default=[8])
    parser.add_argument("--strength", type=float, nargs="*", default=[0.2])
    parser.add_argument("--ratio", type=float, nargs="*", default=[1.0], help="of adm; 1 is plug-and-play")
    parser.add_argument("--noise", type=float, nargs="*", default=[0.01, 0.05])
    parser.add_argument("--count", type=int, default=8)
    options = parser.parse_args()
    denoiser = pretrained("denoiser").to(memory_format=torch.channels_last)
    for border, noise in itertools.product(("circular", "valid"), options.noise):
        samples = training_samples(options.count, noise, border)
        for num_iter, strength, ratio in itertools.product(options.num_iter, options.strength, options.ratio):
            found = []
            for sample in samples:
                settings = {"num_iter": num_iter, "strength": strength, "denoiser": denoiser}
                known = {"noise_level": noise, "boundary": sample.boundary}
                if ratio == 1:
                    image = plug_and_play(sample.blurred, sample.psf, **settings, **known)
                else:
                    image = adm(sample.blurred, sample.psf, ratio=ratio, **settings, **known)
                found.append(psnr(image.clip(0, 1), sample.truth))
            print(f"{border}, noise {noise:g}, num_iter {num_iter}, strength {strength:g}, ratio {ratio:g}:", end=" ")
            print(f"{np.mean(found):.2f} dB, least {np.min(found):.2f}", flush=True)


if __name__ == "__main__":
    main()
