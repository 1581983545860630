"""Speed of this tree against another checkout, in one run: restoration, NMF and start-up, as ratios.

    git worktree add ../before 71abebe
    python -m benchmarks.speed.against ../before [--rounds 9] [--threads 1] [--only restore nmf]

Each checkout works in processes of its own, through the public API alone. They take turns, in alternating order, and
the ratio is the median over the rounds of the ratios within a round: above 1, this tree is slower. Time is that of the
processor, which other work on the machine disturbs less than the clock; with several threads it is that of the clock.
A checkout against itself shows what is noise.
"""

from __future__ import annotations

import contextlib
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks._arguments import argument_parser
from benchmarks._timing import paired_ratio

HERE = Path(__file__).resolve().parents[2]

PRELUDE = """
import inspect, os, sys, time
import numpy as np, torch
import deblur, nmf
assert os.path.realpath(deblur.__file__).startswith(os.path.realpath(os.getcwd()) + os.sep), deblur.__file__
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
rng = np.random.default_rng(0)

def known(function, **options):
    # Some options were renamed between checkouts: of several names, the one that the function has.
    names = inspect.signature(function).parameters
    return {name: value for option, value in options.items() for name in option.split("_or_") if name in names}
"""

JOBS = {
    "restore 512 x 512, unrolled": """
image, psf = rng.random((512, 512), dtype=np.float32), deblur.psf.camera_shake(25, seed=1)
def job():
    deblur.restore(image, psf, method="unrolled", noise_level=0.01)
""",
    "Richardson-Lucy 1024 x 1024, 10 iterations": """
image = rng.random((1024, 1024), dtype=np.float32) + np.float32(0.1)
psf = deblur.psf.motion(14, angle=40, shape=(15, 15)).astype(np.float32)
run = deblur.nonblind.richardson_lucy
options = known(run, num_iter_or_max_iter=10, tolerance_or_tol=0, noise_level=0)
def job():
    run(image, psf, **options)
""",
    "nmf KL 1025 x 2000, rank 32, 10 iterations": """
V = torch.from_numpy(rng.random((1025, 2000), dtype=np.float32) + np.float32(0.1))
def job():
    nmf.NMF(V.shape, 32, seed=0).fit(V, beta=1, max_iter=10, tol=0)
""",
}
"""Code that defines `job`, which is timed after two calls to warm up."""

LOOP = """
job(); job()
clock = time.process_time if os.environ["OMP_NUM_THREADS"] == "1" else time.perf_counter
print("ready", flush=True)
for _ in sys.stdin:
    start = clock()
    job()
    print(clock() - start, flush=True)
"""

COMMANDS = {
    "deblur --help": "import sys; sys.argv = ['deblur', '--help']; from deblur.cli import main; main()",
    "import deblur": "import deblur",
}
"""Whole processes."""


def environment(threads: int) -> dict[str, str]:
    """Return the environment of the processes: the checkout in their working folder is what they import."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return inherited | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "PASSIVE"}


@contextlib.contextmanager
def worker(checkout: Path, job: str, threads: int) -> Iterator[Callable[[], float]]:
    """Start a process of a checkout, and yield the function that runs its job once and returns the seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRELUDE + job + LOOP],
        cwd=checkout,
        env=environment(threads),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pipes = process.stdin, process.stdout
    if pipes[1].readline() != "ready\n":
        raise RuntimeError(f"the job fails in {checkout}")

    def run() -> float:
        print(file=pipes[0], flush=True)
        return float(pipes[1].readline())

    try:
        yield run
    finally:
        process.kill()
        process.wait()


def command_seconds(checkout: Path, code: str, threads: int) -> float:
    """Return the time of a whole process, of the processor or the clock."""
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", code]
    subprocess.run(command, cwd=checkout, env=environment(threads), check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if threads > 1:
        return time.perf_counter() - start
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(name: str, ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> float:
    """Time both in turns, print a line, and return the ratio."""
    times: dict[Callable[[], float], list[float]] = {ours: [], theirs: []}
    for number in range(rounds):
        for run in (ours, theirs) if number % 2 else (theirs, ours):
            times[run].append(run())
    ratio = paired_ratio(times[ours], times[theirs])
    here, there = (1e3 * statistics.median(times[run]) for run in (ours, theirs))
    least = min(times[ours]) / min(times[theirs])
    print(f"{name:44s} {ratio:6.3f} (of the least times {least:.3f}): {here:.1f} ms, before {there:.1f} ms", flush=True)
    return ratio


def main() -> None:
    """Print a line per job."""
    parser = argument_parser(__doc__, threads=1)
    parser.add_argument("other", type=Path, help="folder of the other checkout")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=[""], help="jobs whose names have one of these words in them")
    options = parser.parse_args()
    other = options.other.resolve()
    if not (other / "deblur").is_dir():
        parser.error(f"{other} has no folder deblur")
    ratios = []
    for name, job in JOBS.items():
        if any(word in name for word in options.only):
            with worker(HERE, job, options.threads) as ours, worker(other, job, options.threads) as theirs:
                ratios.append(compare(name, ours, theirs, options.rounds))
    for name, code in COMMANDS.items():
        if any(word in name for word in options.only):
            ours, theirs = (
                lambda place=place, code=code: command_seconds(place, code, options.threads) for place in (HERE, other)
            )
            ours(), theirs()  # compile the modules, and warm the disk cache
            ratios.append(compare(name, ours, theirs, options.rounds))
    print(f"largest ratio {max(ratios, default=1):.3f}")


if __name__ == "__main__":
    main()
