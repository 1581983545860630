"""Whether `method="auto"` of Convolution picks the faster method, over a grid of sizes, and the fit of its cost model.

    python -m benchmarks.speed.convolution [--fit] [--threads N]

Times one forward and one adjoint application in float32, the spectrum of the kernel being at hand. ``--fit`` prints
the constants for `deblur/operators/_cost.py`.
"""

import math
import statistics
import time

import numpy as np
import scipy.optimize
import torch

from benchmarks._arguments import argument_parser
from deblur.operators import Convolution

GRID = {
    1: [((n,), (k,)) for n in (256, 4096, 65536, 1048576) for k in (1, 3, 9, 33, 129)],
    2: [((n, n), (k, k)) for n in (32, 128, 512, 1024) for k in (1, 3, 5, 9, 15, 25)],
    3: [((n, n, n), (k, k, k)) for n in (16, 48, 96) for k in (1, 3, 5, 7)],
}


def milliseconds(operator: Convolution, x: torch.Tensor) -> float:
    """Time one application and one adjoint: the median of enough repeats."""
    y = operator(x)
    operator.T(y)
    times: list[float] = []
    while len(times) < 3 or (sum(times) < 0.15 and len(times) < 50):
        start = time.perf_counter()
        operator(x)
        operator.T(y)
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def fit(rows: list[tuple[list[float], float]]) -> np.ndarray:
    """Return non-negative coefficients of the features that predict the times, by relative error."""
    features, times = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    return scipy.optimize.nnls(features / times[:, None], np.ones(len(times)))[0]


def main() -> None:
    """Print a row for every size, then the worst ratio of auto to the better method."""
    parser = argument_parser(__doc__, threads=1)
    parser.add_argument("--fit", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    ratios = []
    for ndim, sizes in GRID.items():
        direct_rows, fft_rows = [], []
        for shape, taps in sizes:
            psf, x = torch.rand(taps), torch.rand(shape)
            operators = {method: Convolution(psf, shape, "zero", method=method) for method in ("direct", "fft")}
            chosen = Convolution(psf, shape, "zero").method
            slow = math.prod(shape) * math.prod(taps) > 1e9  # seconds by the direct method: not worth the wait
            times = {
                name: math.inf if slow and name == "direct" else milliseconds(operator, x)
                for name, operator in operators.items()
            }
            ratios.append((times[chosen] / min(times.values()), shape, taps))
            print(
                f"{shape!s:18s} * {taps!s:16s} direct {times['direct']:8.2f} ms, fft {times['fft']:8.2f} ms, "
                f"auto: {chosen:6s} {ratios[-1][0]:.2f} of the better",
                flush=True,
            )
            points = float(math.prod(operators["fft"]._geometry.fft_shape))
            samples = float(math.prod(shape))
            if not slow and math.prod(taps) > 1:
                direct_rows.append(([1.0, samples**1.5, samples * math.prod(taps)], 0.5e6 * times["direct"]))
            fft_rows.append(([1.0, points, points * math.log2(points)], 0.5e6 * times["fft"]))
        if options.fit:
            print(f"{ndim}-D: direct {fit(direct_rows).round(4)}, fft {fit(fft_rows).round(3)} (nanoseconds)")
    worst = sorted(ratios, reverse=True)[:5]
    print(f"within 1.2 of the better in {np.mean([r[0] <= 1.2 for r in ratios]):.0%} of {len(ratios)}; worst: {worst}")


if __name__ == "__main__":
    main()
