"""Which transform sizes are fast, and which library transforms faster: what `fast_size` is built on.

python -m benchmarks.speed.fft_sizes [--threads N]
"""

import argparse
import statistics

import scipy.fft
import torch

from benchmarks.speed.richardson_lucy import seconds
from deblur.operators._shapes import is_fast_size

SIZES = (1024, 1031, 1038, 1040, 1050, 1056, 1080, 1086, 1089, 1092, 1100, 1120, 1125, 1152)


def main() -> None:
    """Print milliseconds of a real transform and its inverse, square and float32, by torch and by SciPy."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    for size in SIZES:
        x = torch.rand(size, size)
        array = x.numpy()
        times = {
            "torch": seconds(lambda x=x, n=size: torch.fft.irfft2(torch.fft.rfft2(x), s=(n, n)), 9),
            "scipy": seconds(
                lambda x=array, n=size: scipy.fft.irfft2(scipy.fft.rfft2(x, workers=threads), (n, n), workers=threads),
                9,
            ),
        }
        line = ", ".join(f"{name} {1e3 * statistics.median(values):5.1f} ms" for name, values in times.items())
        print(f"{size}: {line}{', taken' if is_fast_size(size) else ''}")


if __name__ == "__main__":
    main()
