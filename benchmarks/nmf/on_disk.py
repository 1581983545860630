"""The cost of `nmf.NMF.fit` where V stays on disk: memory and time, beside the same fit in memory.

    python -m benchmarks.nmf.on_disk --gigabytes 1

Each fit runs in a process of its own; memory is the growth of what it owns (RssAnon: without the pages of the file that
the system caches). Linux only. H and its gradient, four arrays of rank x T, must be held, and some blocks of 32 MB.
"""

import argparse
import tempfile
import time

import numpy as np

from benchmarks._arguments import argument_parser
from benchmarks._memory import anonymous_bytes, peak_growth, printed_by_child

ROWS = 1025


def measure(file: str, where: str, rank: int, iterations: int) -> str:
    """Return a line about one fit (in the child of `main`)."""
    import nmf

    V = np.load(file, mmap_mode="r")
    nmf.NMF((ROWS, 1000), rank, seed=0).fit(np.array(V[:, :1000]), max_iter=1)  # loads what the first use loads
    results = []

    def fit() -> None:
        data = V if where == "disk" else np.array(V)
        results.append(nmf.NMF(V.shape, rank, seed=0).fit(data, beta=1, max_iter=iterations, tol=0))

    start = time.perf_counter()
    grown = peak_growth(fit, anonymous_bytes)
    seconds = time.perf_counter() - start
    return (
        f"{where:8s} V {V.nbytes / 2**20:6.0f} MB   memory {grown / 2**20:6.0f} MB   {seconds:6.1f} s for "
        f"{results[0].n_iter} iterations   loss {float(results[0].history[-1]):.6e}"
    )


def main() -> None:
    """Print a line per place of V."""
    parser = argument_parser(__doc__)
    parser.add_argument("--gigabytes", type=float, default=1.0)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(measure(*options.measure, options.rank, options.iterations))
        return
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/V.npy"
        frames = int(options.gigabytes * 2**30 / (4 * ROWS))
        V = np.lib.format.open_memmap(file, "w+", np.float32, (ROWS, frames))
        rng = np.random.default_rng(0)
        for start in range(0, frames, 10_000):
            V[:, start : start + 10_000] = rng.gamma(0.5, 2.0, V[:, start : start + 10_000].shape)
        V.flush()
        for where in ("disk", "memory"):
            sizes = ["--rank", str(options.rank), "--iterations", str(options.iterations)]
            print(printed_by_child("benchmarks.nmf.on_disk", *sizes, "--measure", file, where), end="", flush=True)


if __name__ == "__main__":
    main()
