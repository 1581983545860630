"""Restoration of compressed pictures: the noise that JPEG makes must be seen, though not at the finest scale.

The pictures of ``deblur bench set14-levin``, two kernels an image, rounded to 8 bits and compressed.
``--quiet`` tries other thresholds for `_QUIET` of `deblur.nonblind._measurement`: 0 always takes the noise for white,
a large one never does.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.jpeg [--quiet 0 0.6 99]
"""

import cv2
import numpy as np

import deblur.nonblind._measurement as measurement
from benchmarks._arguments import argument_parser
from deblur.benchmark import protocol, psnr
from deblur.nonblind import richardson_lucy, wiener


def main() -> None:
    """Print the mean PSNR for every quality (100 is without compression), noise level and threshold."""
    parser = argument_parser(__doc__)
    parser.add_argument("--quiet", type=float, nargs="*", default=[measurement._QUIET])
    thresholds = parser.parse_args().quiet
    set14 = protocol("set14-levin")
    pairs = set14.pairs()[:28]  # of its order, which mixes images and kernels
    for quality in (100, 95, 85, 70):
        for noise in (0.003, 0.01):
            scores: dict[str, list[float]] = {}
            for pair in pairs:
                sample = set14.observe(*pair, noise)
                pixels = np.rint(255 * sample.blurred.clip(0, 1)).astype(np.uint8)
                if quality < 100:
                    encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
                    pixels = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
                picture, blur = (pixels / 255).astype(np.float32), sample.psf.astype(np.float32)

                def score(estimate: np.ndarray, truth: np.ndarray = sample.truth) -> float:
                    return psnr(estimate.clip(0, 1), truth)

                best = max(score(wiener(picture, blur, balance=b)) for b in np.logspace(-4, 0, 9))
                scores.setdefault("blurred", []).append(score(picture))
                scores.setdefault("wiener, best balance", []).append(best)
                for threshold in thresholds:
                    measurement._QUIET = threshold
                    for method in (wiener, richardson_lucy):
                        name = f"{method.__name__} ({threshold:g})"
                        scores.setdefault(name, []).append(score(method(picture, blur)))
            print(f"quality {quality}, noise {noise}: ", end="")
            print(", ".join(f"{name} {np.mean(values):.2f}" for name, values in scores.items()), flush=True)


if __name__ == "__main__":
    main()
