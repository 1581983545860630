"""Saturated lights in a blurred night scene, restored with and without recovery of the clipped light.

Lights of 3 to 20 times the saturation level on a dim photograph, blurred by camera shake, with noise, clipped, 8 bits.
PSNR in dB of what a screen shows.

    python -m benchmarks.quality.saturation [-o sheet.png]
"""

import numpy as np
import skimage.data
import skimage.io

import deblur
from benchmarks._arguments import argument_parser
from deblur import photo, psf
from deblur.benchmark import psnr, simulate

METHODS = ("wiener", "richardson-lucy", "total-variation", "hyper-laplacian", "plug-and-play", "unrolled")
SATURATION = 0.98


def night() -> np.ndarray:
    """Return a dim scene with bright lights, in linear light."""
    rng = np.random.default_rng(0)
    scene = 0.5 * photo.to_linear(skimage.data.coffee()[:, :400] / 255.0)
    rows, columns = np.mgrid[: scene.shape[0], : scene.shape[1]]
    for _ in range(16):
        row, column = rng.integers(10, scene.shape[0] - 10), rng.integers(10, scene.shape[1] - 10)
        light = (rows - row) ** 2 + (columns - column) ** 2 < rng.uniform(1, 16)
        scene[light] = rng.uniform(3, 20) * np.array([1, 0.9, 0.7])
    return scene


def main() -> None:
    """Print the PSNR of each method, and write the images if requested."""
    parser = argument_parser(__doc__)
    parser.add_argument("-o", "--output", help="image to write: blurred, restored without and with clipped light, true")
    output = parser.parse_args().output
    sample = simulate(night(), psf.camera_shake(21, seed=4), 0.005, seed="lamps", clip=True)
    blurred, truth = np.round(sample.blurred * 255) / 255, sample.truth.clip(0, 1)
    pictures = {"blurred": blurred, "true": truth}
    print(f"blurred: {psnr(blurred, truth):.2f}")
    for method in METHODS:
        for saturation in (None, SATURATION):
            result = deblur.restore(blurred, sample.psf, method=method, saturation=saturation, channel_axis=-1)
            pictures[f"{method} {saturation}"] = result.image.clip(0, 1)
        scores = [psnr(pictures[f"{method} {each}"], truth) for each in (None, SATURATION)]
        print(f"{method}: {scores[0]:.2f}, with the clipped light recovered {scores[1]:.2f}", flush=True)
    if output:
        row = [pictures[name] for name in ("blurred", "unrolled None", f"unrolled {SATURATION}", "true")]
        skimage.io.imsave(output, np.round(255 * photo.from_linear(np.hstack(row))).astype(np.uint8))


if __name__ == "__main__":
    main()
