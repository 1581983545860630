"""Richardson-Lucy against scikit-image, in one run: seconds an iteration, time to one objective, peak memory.

    python -m benchmarks.speed.richardson_lucy [--threads 1 2]

The objective is the Kullback-Leibler divergence that our own unaccelerated iteration reaches after 200 iterations;
scikit-image takes those 200 iterations, the accelerated one as many as it needs. Peak memory is the growth of the
process's resident set, in multiples of the image, in a fresh process.
"""

import argparse
from functools import partial

import numpy as np
import skimage.restoration
import torch

from benchmarks._arguments import argument_parser
from benchmarks._memory import peak_growth, printed_by_child
from benchmarks._timing import alternating, medians
from benchmarks.speed._richardson_lucy import cases, iterations_to, objective_after, ours

ITERATIONS = 10
MEMORY_SHAPES = {
    "1024x1024, 15x15": ((1024, 1024), (15, 15)),
    "1024x1024, 63x63": ((1024, 1024), (63, 63)),
    "64x256x256, 9x15x15": ((64, 256, 256), (9, 15, 15)),
}


def peak_memory(name: str, library: str) -> float:
    """Return the peak of memory in multiples of the image, in a process of its own."""
    return float(printed_by_child("benchmarks.speed.richardson_lucy", "--memory-of", name, library))


def print_memory(name: str, library: str) -> None:
    """Print the growth of the resident set by five iterations (the child of `peak_memory`)."""
    shape, size = MEMORY_SHAPES[name]
    y, blur = np.random.default_rng(0).random(shape, dtype=np.float32), np.full(size, 1 / np.prod(size), np.float32)
    call = ours if library == "ours" else lambda y, k, n: skimage.restoration.richardson_lucy(y, k, num_iter=n)
    call(y[tuple(slice(2 * k) for k in size)], blur, 1)  # load what is loaded once
    print(peak_growth(lambda: call(y, blur, 5)) / y.nbytes)


def main() -> None:
    """Print a table of ratios."""
    parser = argument_parser(__doc__)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--memory-of", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        print_memory(*options.memory_of)
        return
    for name, (y, blur) in cases().items():
        needed = iterations_to(objective_after(200, y, blur), y, blur)
        print(f"{name}: the divergence of 200 plain iterations after {needed} accelerated ones")
        print(
            "  peak memory: "
            + ", ".join(f"{library} {peak_memory(name, library):.1f} images" for library in ("ours", "scikit-image"))
        )
        for threads in options.threads:
            torch.set_num_threads(threads)
            times = medians(
                alternating(
                    {
                        "scikit-image": partial(
                            skimage.restoration.richardson_lucy, y, blur, num_iter=ITERATIONS, clip=False
                        ),
                        "plain": partial(ours, y, blur, ITERATIONS, accelerate=False),
                        "accelerated": partial(ours, y, blur, ITERATIONS),
                    },
                    repeats=5,
                )
            )
            t, p, f = (1e3 * each / ITERATIONS for each in times.values())
            print(
                f"  {threads} thread(s): scikit-image {t:.1f} ms an iteration, ours {p:.1f} (ratio {t / p:.2f}), "
                f"accelerated {f:.1f}; to the objective {200 * t / (needed * f):.1f} times as fast",
                flush=True,
            )


if __name__ == "__main__":
    main()
