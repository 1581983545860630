"""The effect of blocks on a restoration: `deblur.dask.restore` beside `deblur.restore` of the whole image.

    python -m benchmarks.quality.dask_blocks

Four blocks of 192 x 192 pixels, for halos of 0.5 to 3 widths of the PSF. "apart" is the root of the mean squared
difference from the whole, "seams" the mean difference at the borders of the blocks in units of the one everywhere,
"error" the root of the mean squared difference from the truth, in units of that of the whole.
"""

import math

import numpy as np
from skimage import data

from benchmarks._arguments import argument_parser
from deblur.operators import Convolution

BLOCK, NOISE = 192, 0.01
METHODS = {
    "wiener": ("wiener", {}),
    "richardson-lucy": ("richardson-lucy", {"num_iter": 50}),
    "the same, plain": ("richardson-lucy", {"num_iter": 50, "accelerate": False, "tolerance": 0, "noise_level": 0}),
    "total-variation": ("total-variation", {}),
    "unrolled": ("unrolled", {}),
}


def rms(x: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(x**2)))


def main() -> None:
    """Print a line per PSF, method and halo."""
    argument_parser(__doc__).parse_args()
    import dask.array as da

    import deblur.dask

    truth = data.camera()[: 2 * BLOCK, : 2 * BLOCK].astype(np.float32) / 255
    noise = np.random.default_rng(0).normal(0, NOISE, truth.shape).astype(np.float32)
    print(f"{'PSF':10s} {'method':17s} {'halo':>5s} {'apart':>9s} {'seams':>6s} {'error':>6s}")
    for kind, psf in {
        "gaussian": deblur.psf.gaussian(2),
        "motion": deblur.psf.motion(15, 30),
        "disk": deblur.psf.disk(4),
    }.items():
        image = Convolution(psf, truth.shape, "reflect")(truth) + noise
        for name, (method, options) in METHODS.items():
            options = {"method": method, "noise_level": NOISE, **options}
            whole = deblur.restore(image, psf, **options).image
            for halo in (0.5, 1, 2, 3):
                depth = {axis: math.ceil(halo * size) for axis, size in enumerate(psf.shape)}
                blocks = deblur.dask.restore(da.from_array(image, chunks=BLOCK), psf, depth=depth, **options)
                restored = blocks.compute(scheduler="synchronous")
                apart = np.abs(restored - whole)
                border = np.concatenate([apart[BLOCK - 1 : BLOCK + 1].ravel(), apart[:, BLOCK - 1 : BLOCK + 1].ravel()])
                seams, error = border.mean() / apart.mean(), rms(restored - truth) / rms(whole - truth)
                print(f"{kind:10s} {name:17s} {halo:5.1f} {rms(apart):9.6f} {seams:6.2f} {error:6.3f}", flush=True)


if __name__ == "__main__":
    main()
