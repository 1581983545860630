"""Peak memory of every method per sample of the padded grid, beside the estimate of `deblur.restoration._cost`.

    python -m benchmarks.memory.methods

Peak memory is the growth of the resident set while one window is restored, in a process of its own.
"""

import argparse

import numpy as np

import deblur
from benchmarks._arguments import argument_parser
from benchmarks._memory import peak_growth, printed_by_child
from deblur import psf
from deblur._core.memory import give_back_freed_memory
from deblur.restoration._cost import padded_samples, window_bytes
from deblur.restoration._registry import ROWS, find_method

METHODS = tuple(row.name for row in ROWS if not row.blind)
CASES = {"2-D": ((1900, 2000), psf.disk(10)), "3-D": ((60, 240, 250), psf.gaussian((1.5, 2, 2)))}
QUICK = {
    "richardson-lucy": {"num_iter": 3},
    "total-variation": {"num_iter": 3},
    "hyper-laplacian": {"num_iter": 3},
    "unsupervised-wiener": {"max_iter": 30},
}


def print_peak(method: str, case: str) -> None:
    """Print the growth of the resident set (the child of `main`)."""
    give_back_freed_memory()
    shape, blur = CASES[case]
    y, blur = np.random.default_rng(0).random(shape, dtype=np.float32), blur.astype(np.float32)
    options = (
        QUICK.get(method, {}) if method == "unsupervised-wiener" else QUICK.get(method, {}) | {"noise_level": 0.01}
    )
    small = tuple(slice(max(2 * k, 50)) for k in blur.shape)
    deblur.restore(y[small], blur, method=method, **options)  # load what is loaded once
    print(peak_growth(lambda: deblur.restore(y, blur, method=method, **options)))


def main() -> None:
    """Print a line per method and case."""
    parser = argument_parser(__doc__)
    parser.add_argument("--peak-of", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--method", action="append", choices=METHODS)
    options = parser.parse_args()
    if options.peak_of:
        print_peak(*options.peak_of)
        return
    for case, (shape, blur) in CASES.items():
        for method in options.method or METHODS:
            row = find_method(method)
            if len(shape) not in row.axes:
                continue
            try:
                peak = float(printed_by_child("benchmarks.memory.methods", "--peak-of", method, case))
            except RuntimeError as error:
                print(f"{case}  {method:20s} {error}", flush=True)
                continue
            estimated = window_bytes(row, shape, blur.shape)
            per_sample = peak / 4 / padded_samples(row, shape, blur.shape)
            print(
                f"{case}  {method:20s} {per_sample:5.1f} floats per padded sample, {peak / 2**20:6.0f} MB; "
                f"estimated {estimated / 2**20:6.0f} MB, {peak / estimated:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
