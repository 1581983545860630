"""Restoration of compressed pictures: the noise that JPEG makes must be seen, though not at the finest scale.

Set14 by the Levin kernels as in `benchmarks.set14_quality`, two kernels an image, rounded to 8 bits and compressed.
``--quiet`` tries other thresholds for `_QUIET` of `deblur.nonblind._observation`: 0 always takes the noise for white,
a large one never does.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.jpeg_quality [--quiet 0 0.6 99]
"""

import argparse
import os
from pathlib import Path

import cv2
import numpy as np
import scipy.signal

import deblur.nonblind._observation as observation
from benchmarks.set14_quality import gray, levin_kernels, psnr
from deblur.nonblind import richardson_lucy, wiener


def main() -> None:
    """Print the mean PSNR for every quality (100 is without compression), noise level and threshold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quiet", type=float, nargs="*", default=[observation._QUIET])
    thresholds = parser.parse_args().quiet
    data = Path(os.environ["DEBLUR_DATA"])
    kernels, paths = levin_kernels(data), sorted((data / "set14").glob("*.bmp"))
    for quality in (100, 95, 85, 70):
        for noise in (0.003, 0.01):
            scores: dict[str, list[float]] = {}
            for i, path in enumerate(paths):
                image = gray(path)
                for kernel in (kernels[i % 8], kernels[(i + 3) % 8]):
                    y = scipy.signal.fftconvolve(image, kernel, mode="valid")
                    y += noise * np.random.default_rng(i).standard_normal(y.shape)
                    top, left = (size // 2 for size in kernel.shape)
                    truth = image[top : top + y.shape[0], left : left + y.shape[1]]
                    pixels = np.rint(255 * y.clip(0, 1)).astype(np.uint8)
                    if quality < 100:
                        encoded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
                        pixels = cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE)
                    picture, blur = (pixels / 255).astype(np.float32), kernel.astype(np.float32)
                    best = max(psnr(wiener(picture, blur, balance=b), truth) for b in np.logspace(-4, 0, 9))
                    scores.setdefault("blurred", []).append(psnr(picture, truth))
                    scores.setdefault("wiener, best balance", []).append(best)
                    for threshold in thresholds:
                        observation._QUIET = threshold
                        for method in (wiener, richardson_lucy):
                            name = f"{method.__name__} ({threshold:g})"
                            scores.setdefault(name, []).append(psnr(method(picture, blur), truth))
            print(f"quality {quality}, noise {noise}: ", end="")
            print(", ".join(f"{name} {np.mean(values):.2f}" for name, values in scores.items()), flush=True)


if __name__ == "__main__":
    main()
