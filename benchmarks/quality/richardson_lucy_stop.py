"""Where Richardson-Lucy should stop: what its stopping rule loses to the best iteration.

Photographs that come with scikit-image are blurred by Gaussians, disks, straight motions and camera shakes, valid
border, with white noise of 0.5 to 5 %, whose level is estimated. The rule ``a - b`` stops where the residual's energy
falls below ``a - b * seen`` of the noise's, `seen` being the part of the frequencies that the blur passes above the
noise. For every rule: by how many dB the result is worse than the best of 60 iterations, in the mean, for 90 % of the
cases, and in the worst. The constants of `deblur.nonblind.richardson_lucy` were chosen by it.

    python -m benchmarks.quality.richardson_lucy_stop
"""

import itertools

import numpy as np
import skimage.data

from benchmarks._arguments import argument_parser
from deblur import psf
from deblur.benchmark import psnr
from deblur.nonblind import _poisson, richardson_lucy
from deblur.operators import Convolution

SCENES = ("camera", "coins", "moon", "brick", "page")
BLURS = [
    *(psf.gaussian(sigma) for sigma in (1.0, 2.0, 3.5)),
    *(psf.disk(radius) for radius in (4, 7)),
    *(psf.motion(length, angle=25) for length in (11, 25)),
    *(psf.camera_shake(length, seed=length) for length in (15, 31)),
]
NOISE = (0.005, 0.01, 0.02, 0.05)
RULES = [(0.8, 0.0), *itertools.product((0.98, 1.02, 1.06), (0.4, 0.5, 0.6))]


def losses(scene: np.ndarray, blur: np.ndarray, noise: float) -> list[float]:
    """Return what each rule loses on one picture, in dB."""
    exact = Convolution(blur, scene.shape, "valid")(scene)
    y = (exact + noise * np.random.default_rng(0).standard_normal(exact.shape)).clip(0).astype(np.float32)
    top, left = ((whole - part) // 2 for whole, part in zip(scene.shape, y.shape, strict=True))
    truth = scene[top : top + y.shape[0], left : left + y.shape[1]]
    course: list[float] = []
    richardson_lucy(y, blur, num_iter=60, noise_level=0, callback=lambda _, x, __: course.append(psnr(x, truth)))
    result = []
    for rule in RULES:
        _poisson._NOTHING_FITTED, _poisson._FITTED = rule
        result.append(max(course) - psnr(richardson_lucy(y, blur), truth))
    return result


def main() -> None:
    """Print a line per rule."""
    argument_parser(__doc__).parse_args()
    scenes = [np.asarray(getattr(skimage.data, name)()[:256, :256], dtype=float) / 255 for name in SCENES]
    table = np.array([losses(*case) for case in itertools.product(scenes, BLURS, NOISE)])
    print(f"{len(table)} pictures; dB below the best iteration")
    for (a, b), column in zip(RULES, table.T, strict=True):
        most, worst = np.quantile(column, 0.9), column.max()
        print(f"{a:.2f} - {b:.1f}: mean {column.mean():5.2f}, 90 % {most:5.2f}, worst {worst:5.2f}")


if __name__ == "__main__":
    main()
