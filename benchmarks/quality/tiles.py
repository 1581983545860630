"""Difference between an image restored in windows and restored whole, by method, iterations and halo.

    python -m benchmarks.quality.tiles [--method wiener richardson-lucy] [--iterations 10 20 50 100] [--halos 2 4 8 16]

A photograph, blurred and noisy, is cut into two windows. Printed is the largest difference, away from the outer edges,
where a row is as bright as 1; halos are in widths of the PSF. `wiener` has no iterations, one balance serves all.
"""

import numpy as np
import scipy.signal
import skimage.data

import deblur
from benchmarks._arguments import argument_parser
from deblur import psf
from deblur.nonblind import richardson_lucy, wiener, wiener_balance

BLURS = {"disk": psf.disk(3), "shake": psf.camera_shake(10, seed=3), "gaussian": psf.gaussian(2.0)}
NOISE = 0.01


def picture(blur: np.ndarray) -> np.ndarray:
    """Return what a camera sees of the scene."""
    y = scipy.signal.fftconvolve(skimage.data.camera() / 255.0, blur, mode="valid")
    return (y + NOISE * np.random.default_rng(0).standard_normal(y.shape)).clip(0, 1).astype(np.float32)


def difference(y: np.ndarray, blur: np.ndarray, whole: np.ndarray, halo: int, **options: object) -> float:
    """Return the largest difference between two windows and the whole; halo in widths."""
    width = psf.estimate_support(blur)[1]
    size = width.stop - width.start
    window = (y.shape[0], y.shape[1] // 2 + halo * size)
    out = np.empty_like(y)
    done = deblur.restore_large(y, blur, out, window=window, halo=halo, **options)
    assert done.count == 2, "the halo leaves no room for two windows"
    return float(np.abs(out - whole)[2 * size : -2 * size, 2 * size : -2 * size].max())


def main() -> None:
    """Print a line per blur and number of iterations."""
    parser = argument_parser(__doc__)
    parser.add_argument("--method", nargs="*", default=["wiener", "richardson-lucy"])
    parser.add_argument("--iterations", type=int, nargs="*", default=[5, 10, 20, 50, 100])
    parser.add_argument("--halos", type=int, nargs="*", default=[1, 2, 3, 4, 6, 8, 11])
    options = parser.parse_args()
    print(f"{'method':16s} {'blur':9s} iterations" + "".join(f"  halo {halo:2d}" for halo in options.halos))
    for name, kernel in BLURS.items():
        blur = kernel.astype(np.float32)
        y = picture(blur)
        for method in options.method:
            for count in options.iterations if method == "richardson-lucy" else [0]:
                if method == "wiener":
                    balance = wiener_balance(y, blur, noise_level=NOISE)
                    settings: dict[str, object] = {"balance": balance, "noise_level": NOISE}
                    whole = wiener(y, blur, balance=balance)
                else:
                    settings = {"num_iter": count, "noise_level": 0, "tolerance": 0}
                    whole = richardson_lucy(y, blur, accelerate="steady", **settings)
                found = [difference(y, blur, whole, halo, method=method, **settings) for halo in options.halos]
                print(f"{method:16s} {name:9s} {count or '-':>10}" + "".join(f"  {f:.1e}" for f in found), flush=True)


if __name__ == "__main__":
    main()
