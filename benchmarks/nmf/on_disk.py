"""What `nmf.NMF.fit` costs where V stays on disk: memory and time, beside the same fit in memory.

python -m benchmarks.nmf.on_disk --gigabytes 1

Each fit is a process of its own; the memory is the most that it had of its own (RssAnon, and not the pages of the file
that the system keeps for it), less what it had before. Linux only. What must be held is H and its slope, four arrays of
rank x T, and some blocks of 32 MB.
"""

import argparse
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROWS = 1025


def own_memory() -> float:
    """Return the anonymous memory of this process, in MB."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) / 1024


def measure(file: str, where: str, rank: int, iterations: int) -> str:
    import nmf

    V = np.load(file, mmap_mode="r")
    nmf.NMF((ROWS, 1000), rank, seed=0).fit(np.array(V[:, :1000]), max_iter=1)  # loads what the first use loads
    before = most = own_memory()
    done = threading.Event()

    def watch() -> None:
        nonlocal most
        while not done.wait(0.002):
            most = max(most, own_memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    module = nmf.NMF(V.shape, rank, seed=0)
    result = module.fit(V if where == "disk" else np.array(V), beta=1, max_iter=iterations, tol=0)
    seconds = time.perf_counter() - start
    done.set()
    watcher.join()
    return (
        f"{where:8s} V {V.nbytes / 2**20:6.0f} MB   memory {most - before:6.0f} MB   {seconds:6.1f} s for "
        f"{result.n_iter} iterations   loss {float(result.history[-1]):.6e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
            command = [sys.executable, "-m", "benchmarks.nmf.on_disk", *sizes, "--measure", file, where]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
