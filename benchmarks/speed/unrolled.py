"""Time and memory of the unrolled network: 512 x 512 gray, and 12 megapixels in color.

Each size runs in a process of its own, whose peak memory is that of Python, torch and the restoration together.

    python -m benchmarks.speed.unrolled [--threads 2]
"""

import argparse
import os
import resource
import subprocess
import sys
import time

from benchmarks._arguments import argument_parser

SIZES = {"512x512": (512, 512), "1024x1024": (1024, 1024), "12-megapixel color": (3000, 4000, 3)}


def measure(name: str, method: str) -> None:
    """Restore one picture of a size, and print seconds and peak memory."""
    import numpy as np
    import torch

    from deblur import nonblind, psf

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    shape = SIZES[name]
    picture = np.random.default_rng(0).random(shape, dtype=np.float32)
    channel_axis = 2 if len(shape) == 3 else None
    restore = getattr(nonblind, method)
    blur = psf.camera_shake(25, seed=1)
    seconds = []
    for _ in range(1 if len(shape) == 3 else 4):
        start = time.perf_counter()
        restore(picture, blur, noise_level=0.01, channel_axis=channel_axis)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{method}, {name}: first {seconds[0]:.2f} s, best {min(seconds):.2f} s, peak memory {peak:.2f} GiB", flush=True
    )


def main() -> None:
    """Measure every size."""
    parser = argument_parser(__doc__, threads=2)
    parser.add_argument("--methods", nargs="*", default=["unrolled"])
    parser.add_argument("--only", nargs=2, metavar=("SIZE", "METHOD"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        measure(*options.only)
        return
    environment = os.environ | {"OMP_NUM_THREADS": str(options.threads), "OMP_WAIT_POLICY": "PASSIVE"}
    for method in options.methods:
        for name in SIZES:
            command = [sys.executable, "-m", "benchmarks.speed.unrolled", "--only", name, method]
            subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    main()
