"""Where Richardson-Lucy stops on counts, against its best iteration: flowdec's bars, whose truth is known.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.counts_stop [--plain]

The error is that of the estimate after the best affine match of intensities, over the norm of the truth. `--plain` adds
the iteration without acceleration, which takes minutes.
"""

import numpy as np

from benchmarks._arguments import argument_parser
from deblur.benchmark import bars3d
from deblur.nonblind import richardson_lucy


def error(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Return the relative error after the best affine match."""
    design = np.stack([estimate.ravel(), np.ones(estimate.size)], axis=1)
    fit = design @ np.linalg.lstsq(design, truth.ravel(), rcond=None)[0]
    return float(np.linalg.norm(fit - truth.ravel()) / np.linalg.norm(truth))


def main() -> None:
    """Print the error of each stop, and the best of all iterations."""
    parser = argument_parser(__doc__)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    truth, y, psf = (np.asarray(each, np.float32) for each in bars3d())
    truth = truth.astype(float)
    errors: list[float] = []

    def callback(iteration: int, estimate: np.ndarray, objective: float) -> None:
        errors.append(error(estimate.astype(float), truth))

    richardson_lucy(y, psf, num_iter=150, noise_level=0, tolerance=0, callback=callback)
    best = int(np.argmin(errors))
    print(f"accelerated, best of 150 iterations: error {errors[best]:.4f} after {best + 1}; after 150 {errors[-1]:.4f}")
    for share in (0.05, 0.1, 0.2, 0.5):
        errors.clear()
        estimate = richardson_lucy(y, psf, num_iter=150, holdout=share, callback=callback)
        found = error(estimate.astype(float), truth)
        print(f"holdout {share}: error {found:.4f}, {len(errors)} iterations taken", flush=True)
    if options.plain:
        errors.clear()
        richardson_lucy(y, psf, num_iter=1000, noise_level=0, tolerance=0, accelerate=False, callback=callback)
        print(
            f"plain: best error {min(errors):.4f}, after 1000 iterations {errors[-1]:.4f}, after 150 {errors[149]:.4f}"
        )


if __name__ == "__main__":
    main()
