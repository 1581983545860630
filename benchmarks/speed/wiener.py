"""Wiener's filter against scikit-image's, 1024x1024 float32, in one run.

    python -m benchmarks.speed.wiener [--threads 1 2]

`circular` is the job that scikit-image does; `unknown` is our default, which also finds what lies past the frame.
"""

import argparse
import statistics

import numpy as np
import skimage.restoration
import torch

from benchmarks.speed.richardson_lucy import cases, seconds
from deblur.nonblind import wiener


def main() -> None:
    """Print milliseconds and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    y, blur = cases()["1024x1024, 15x15"]
    for threads in parser.parse_args().threads:
        torch.set_num_threads(threads)
        calls = {
            "scikit-image": lambda: skimage.restoration.wiener(y, blur, np.float32(0.01), clip=False),
            "ours, circular": lambda: wiener(y, blur, balance=0.01, boundary="circular"),
            "ours, unknown": lambda: wiener(y, blur, balance=0.01),
            "ours, all by itself": lambda: wiener(y, blur),
        }
        times = {name: 1e3 * statistics.median(seconds(call, repeats=9)) for name, call in calls.items()}
        for name, time in times.items():
            print(f"{threads} thread(s)  {name:20s} {time:7.1f} ms, {time / times['scikit-image']:.2f} of scikit-image")


if __name__ == "__main__":
    main()
