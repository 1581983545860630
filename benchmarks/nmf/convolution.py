"""Which method of ConvolutionBank is the fastest, over a grid of sizes, and whether `auto` picks it.

    python -m benchmarks.nmf.convolution [--threads N]

Times, in float32, a forward application and both adjoints: what an iteration of convolutive factorization does.
"""

import statistics
import time

import numpy as np
import torch

from benchmarks._arguments import argument_parser
from deblur.operators import ConvolutionBank

# out, in, shape, taps
GRID = [
    *((1025, 8, (1000,), (k,)) for k in (1, 4, 16, 64, 256)),
    *((129, 8, (4000,), (k,)) for k in (4, 16, 64, 256)),
    *((16, 4, (8000,), (k,)) for k in (16, 64, 256)),
    *((1, 8, (8000,), (k,)) for k in (16, 256)),
    *((1, 4, (64, 200), k) for k in ((3, 3), (8, 8), (16, 40))),
    *((12, 4, (64, 100), k) for k in ((3, 3), (8, 8))),
    *((1, 3, (12, 24, 24), k) for k in ((2, 2, 2), (5, 5, 5))),
    *((8, 3, (12, 24, 24), k) for k in ((3, 3, 3),)),
]


def milliseconds(bank: ConvolutionBank, x: torch.Tensor, repeats: int) -> float:
    """Time one round: the median of a few, less where it is slow."""
    y = bank(x)
    times = []
    for _ in range(repeats):
        start = time.process_time()
        fresh = bank.with_weight(bank.kernel)  # the kernels change at every iteration
        fresh(x)
        fresh.T(y)
        fresh.kernel_adjoint(x, y)
        times.append(time.process_time() - start)
        if sum(times) > 1.0:
            break
    return 1e3 * statistics.median(times)


def main() -> None:
    """Print a row for every size, then the worst ratios of auto to the best method."""
    parser = argument_parser(__doc__, threads=1)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ratios = []
    for out, into, shape, taps in GRID:
        weight, x = torch.rand(out, into, *taps), torch.rand(into, *shape)
        methods = [m for m in ConvolutionBank.methods if m != "overlap-save" or len(shape) == 1]
        banks = {m: ConvolutionBank(weight, shape, "causal", method=m) for m in methods}
        times = {m: milliseconds(bank, x, options.repeats) for m, bank in banks.items()}
        chosen = ConvolutionBank(weight, shape, "causal").method
        ratios.append((times[chosen] / min(times.values()), (out, into, shape, taps)))
        cells = ", ".join(f"{m} {t:.2f}" for m, t in times.items())
        print(
            f"{out:4d} x {into} kernels of {taps!s:9s} on {shape!s:12s}: {cells} ms; auto {chosen} {ratios[-1][0]:.2f}",
            flush=True,
        )
    worst = sorted(ratios, reverse=True)[:3]
    print(f"within 1.3 of the best in {np.mean([r[0] <= 1.3 for r in ratios]):.0%} of {len(ratios)}; worst: {worst}")


if __name__ == "__main__":
    main()
