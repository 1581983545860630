"""Richardson-Lucy on a stack against scikit-image and RedLionfish, float32, in one run: time to one objective, memory.

    python -m benchmarks.speed.richardson_lucy_3d [--scale 1] [--threads 2]

A stack of 128 x 512 x 512 with a PSF of 32 x 64 x 64, divided by `--scale` along every axis. The objective is the
divergence that the unaccelerated iteration reaches after 100 iterations, which is what scikit-image takes; seconds per
iteration are medians, the libraries taking turns. Peak memory is the growth of the resident set, each in a process of
its own. RedLionfish is compared where it is installed (it needs no GPU).
"""

import argparse
from functools import partial

import numpy as np
import scipy.signal
import skimage.restoration
import torch

from benchmarks._arguments import argument_parser, is_installed
from benchmarks._memory import peak_growth, printed_by_child
from benchmarks._timing import alternating, medians
from benchmarks.speed._richardson_lucy import iterations_to, objective_after, ours
from deblur import psf

PLAIN = 100
ITERATIONS = 3


def problem(scale: int) -> tuple[np.ndarray, np.ndarray]:
    """Return counts of points in a haze, and a widefield PSF."""
    shape, size = (tuple(n // scale for n in each) for each in ((128, 512, 512), (32, 64, 64)))
    blur = psf.gibson_lanni(0.52, 1.2, (0.25, 0.1, 0.1), size, immersion_index=1.406)
    rng = np.random.default_rng(0)
    scene = 5.0 + 3000 * (rng.random([n + k - 1 for n, k in zip(shape, size, strict=True)]) > 0.999)
    y = scipy.signal.fftconvolve(scene.astype(np.float32), blur.astype(np.float32), mode="valid")
    return rng.poisson(y.clip(0)).astype(np.float32), blur.astype(np.float32)


def call(library: str, y: np.ndarray, blur: np.ndarray, num_iter: int) -> np.ndarray:
    """Run so many iterations."""
    if library == "ours":
        return ours(y, blur, num_iter)
    if library == "scikit-image":
        return skimage.restoration.richardson_lucy(y, blur, num_iter=num_iter, clip=False)
    import RedLionfishDeconv

    return RedLionfishDeconv.doRLDeconvolutionFromNpArrays(y, blur, niter=num_iter, method="cpu", resAsUint8=False)


def print_peak(library: str, scale: int) -> None:
    """Print the growth of the resident set by three iterations (the child of `main`)."""
    y, blur = problem(scale)
    call(library, y[: 2 * blur.shape[0], : 2 * blur.shape[1], : 2 * blur.shape[2]], blur, 1)
    print(peak_growth(lambda: call(library, y, blur, ITERATIONS)))


def main() -> None:
    """Print a line per library."""
    parser = argument_parser(__doc__, threads=2)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.peak_of:
        print_peak(options.peak_of, options.scale)
        return
    libraries = ["ours", "scikit-image"] + ["RedLionfish"] * is_installed("RedLionfishDeconv")
    y, blur = problem(options.scale)
    needed = iterations_to(objective_after(PLAIN, y, blur), y, blur)
    print(
        f"{y.shape}, PSF {blur.shape}, {options.threads} thread(s): {PLAIN} plain iterations are {needed} of ours",
        flush=True,
    )
    to_objective, peaks = {}, {}
    times = medians(alternating({name: partial(call, name, y, blur, ITERATIONS) for name in libraries}, repeats=3))
    for library in libraries:
        each = times[library] / ITERATIONS
        to_objective[library] = each * (needed if library == "ours" else PLAIN)
        arguments = ("--scale", str(options.scale), "--peak-of", library)
        peaks[library] = float(printed_by_child("benchmarks.speed.richardson_lucy_3d", *arguments))
        print(
            f"  {library:13s} {each:7.2f} s an iteration, {to_objective[library]:8.1f} s to the objective, "
            f"peak {peaks[library] / 2**20:6.0f} MB ({peaks[library] / y.nbytes:.1f} stacks)",
            flush=True,
        )
    for library in libraries[1:]:
        faster, smaller = (values[library] / values["ours"] for values in (to_objective, peaks))
        print(f"  against {library}: {faster:.1f} times as fast, {1 / smaller:.2f} of the memory")


if __name__ == "__main__":
    main()
