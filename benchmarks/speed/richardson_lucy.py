"""Richardson-Lucy against scikit-image, in one run: seconds an iteration, time to one objective, peak memory.

    python -m benchmarks.speed.richardson_lucy [--threads 1 2]

The objective is the Kullback-Leibler divergence that our own unaccelerated iteration reaches after 200 iterations;
scikit-image takes those 200 iterations, the accelerated one as many as it needs. Peak memory is the growth of the
process's resident set, in multiples of the image, in a fresh process.
"""

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
import skimage.data
import skimage.restoration
import torch

from deblur import psf
from deblur.nonblind import richardson_lucy

ITERATIONS = 10
MEMORY_SHAPES = {
    "1024x1024, 15x15": ((1024, 1024), (15, 15)),
    "1024x1024, 63x63": ((1024, 1024), (63, 63)),
    "64x256x256, 9x15x15": ((64, 256, 256), (9, 15, 15)),
}


def cases() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return pictures and PSFs in float32: 1024x1024 with 15x15 and 63x63, a stack of 64x256x256 with 9x15x15."""
    scene = scipy.ndimage.zoom(skimage.data.camera() / 255.0, 2.2, order=1)
    points = (np.random.default_rng(0).random((72, 280, 280)) > 0.995).astype(float)
    stack = scipy.ndimage.gaussian_filter(points, 1.0) + 0.01
    blurs = {
        "1024x1024, 15x15": (scene, psf.motion(14, angle=40, shape=(15, 15)), (1024, 1024)),
        "1024x1024, 63x63": (scene, psf.camera_shake(40, seed=3, shape=(63, 63)), (1024, 1024)),
        "64x256x256, 9x15x15": (stack, psf.gaussian((1.5, 2, 2), shape=(9, 15, 15)), (64, 256, 256)),
    }
    made = {}
    for name, (image, blur, shape) in blurs.items():
        y = np.clip(scipy.signal.fftconvolve(image, blur, mode="valid"), 1e-4, None)
        y = y[tuple(slice(n) for n in shape)]
        made[name] = (np.ascontiguousarray(y, dtype=np.float32), blur.astype(np.float32))
    return made


def seconds(function: Callable[[], object], repeats: int = 5) -> list[float]:
    """Time a function after one call to warm up."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return times


def ours(y: np.ndarray, blur: np.ndarray, num_iter: int, **options: object) -> np.ndarray:
    """Run exactly `num_iter` iterations."""
    return richardson_lucy(y, blur, num_iter=num_iter, noise_level=0, tolerance=0, **options)


def iterations_to(objective: float, y: np.ndarray, blur: np.ndarray) -> int:
    """Count accelerated iterations until the divergence is as low as `objective`."""
    count = 0

    def reached(iteration: int, estimate: np.ndarray, value: float) -> bool:
        nonlocal count
        count = iteration
        return value <= objective

    richardson_lucy(y, blur, num_iter=200, noise_level=0, tolerance=0, callback=reached)
    return count


def objective_after(num_iter: int, y: np.ndarray, blur: np.ndarray) -> float:
    """Return the divergence of the plain iteration after `num_iter` steps."""
    values: list[float] = []
    ours(y, blur, num_iter + 1, accelerate=False, callback=lambda i, x, f: values.append(f))
    return values[-1]


def peak_memory(name: str, library: str) -> float:
    """Return the peak of memory in multiples of the image, in a process of its own."""
    run = [sys.executable, "-m", "benchmarks.speed.richardson_lucy", "--memory-of", name, library]
    return float(subprocess.run(run, check=True, capture_output=True, text=True).stdout)


def print_memory(name: str, library: str) -> None:
    """Print the growth of the resident set by five iterations (the child of `peak_memory`)."""
    shape, taps = MEMORY_SHAPES[name]
    y, blur = np.random.default_rng(0).random(shape, dtype=np.float32), np.full(taps, 1 / np.prod(taps), np.float32)
    call = ours if library == "ours" else lambda y, k, n: skimage.restoration.richardson_lucy(y, k, num_iter=n)
    call(y[tuple(slice(2 * k) for k in taps)], blur, 1)  # load what is loaded once
    before = peak = resident_bytes()
    worker = threading.Thread(target=call, args=(y, blur, 5))
    worker.start()
    while worker.is_alive():
        peak = max(peak, resident_bytes())
        time.sleep(0.0005)
    print((peak - before) / y.nbytes)


def resident_bytes() -> int:
    """Return the resident set of this process (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Print a table of ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--memory-of", nargs=2, metavar=("CASE", "LIBRARY"))
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
            theirs = seconds(
                lambda y=y, blur=blur: skimage.restoration.richardson_lucy(y, blur, num_iter=ITERATIONS, clip=False)
            )
            plain = seconds(lambda y=y, blur=blur: ours(y, blur, ITERATIONS, accelerate=False))
            fast = seconds(lambda y=y, blur=blur: ours(y, blur, ITERATIONS))
            t, p, f = (1e3 * statistics.median(times) / ITERATIONS for times in (theirs, plain, fast))
            print(
                f"  {threads} thread(s): scikit-image {t:.1f} ms an iteration, ours {p:.1f} (ratio {t / p:.2f}), "
                f"accelerated {f:.1f}; to the objective {200 * t / (needed * f):.1f} times as fast",
                flush=True,
            )


if __name__ == "__main__":
    main()
