"""Wiener's filter against scikit-image's, 1024x1024 float32, in one run.

    python -m benchmarks.speed.wiener [--threads 1 2]

`circular` is what scikit-image computes; `unknown` is our default, which also estimates the scene outside the image.
"""

import numpy as np
import skimage.restoration
import torch

from benchmarks._arguments import argument_parser
from benchmarks._timing import alternating, medians
from benchmarks.speed._richardson_lucy import cases
from deblur.nonblind import wiener


def main() -> None:
    """Print milliseconds and ratios."""
    parser = argument_parser(__doc__)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    y, blur = cases()["1024x1024, 15x15"]
    for threads in parser.parse_args().threads:
        torch.set_num_threads(threads)
        calls = {
            "scikit-image": lambda: skimage.restoration.wiener(y, blur, np.float32(0.01), clip=False),
            "ours, circular": lambda: wiener(y, blur, balance=0.01, boundary="circular"),
            "ours, unknown": lambda: wiener(y, blur, balance=0.01),
            "ours, balance estimated": lambda: wiener(y, blur),
        }
        times = medians(alternating(calls, repeats=9))
        for name, time in times.items():
            ratio = time / times["scikit-image"]
            print(f"{threads} thread(s)  {name:20s} {1e3 * time:7.1f} ms, {ratio:.2f} of scikit-image")


if __name__ == "__main__":
    main()
