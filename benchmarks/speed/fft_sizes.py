"""Which transform sizes are fast, and which library transforms faster: what `fast_size` is built on.

python -m benchmarks.speed.fft_sizes [--threads N]
"""

import scipy.fft
import torch

from benchmarks._arguments import argument_parser
from benchmarks._timing import alternating, medians
from deblur.operators._shapes import is_fast_size

SIZES = (1024, 1031, 1038, 1040, 1050, 1056, 1080, 1086, 1089, 1092, 1100, 1120, 1125, 1152)


def main() -> None:
    """Print milliseconds of a real transform and its inverse, square and float32, by torch and by SciPy."""
    parser = argument_parser(__doc__, threads=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    for size in SIZES:
        x = torch.rand(size, size)
        array = x.numpy()
        calls = {
            "torch": lambda x=x, n=size: torch.fft.irfft2(torch.fft.rfft2(x), s=(n, n)),
            "scipy": lambda x=array, n=size: scipy.fft.irfft2(
                scipy.fft.rfft2(x, workers=threads), (n, n), workers=threads
            ),
        }
        times = medians(alternating(calls, repeats=9))
        line = ", ".join(f"{name} {1e3 * median:5.1f} ms" for name, median in times.items())
        print(f"{size}: {line}{', used' if is_fast_size(size) else ''}")


if __name__ == "__main__":
    main()
