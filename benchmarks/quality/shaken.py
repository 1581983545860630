"""The picture that the README opens with: photographs, shaken here, and what `deblur restore` makes of them.

Photographs of scikit-image, blurred in linear light, with noise, 8 bits; the command is given no option. PSNR of the
luma in dB, at the best shift by whole pixels.

    python -m benchmarks.quality.shaken FOLDER
"""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import skimage.io
from PIL import Image

from benchmarks._arguments import argument_parser
from deblur import psf
from deblur._examples.pictures import blur_photo, sample, visible_part
from deblur.benchmark import best_shift, psnr, shifted

SHAKES = {"camera": (55, 2), "coffee": (35, 2)}  # length in pixels, and seed
NOISE_LEVEL = 0.003
WIDTH, GAP = 440, 8  # of one panel, and between two, in pixels
BORDER = 15  # pixels that `shifted` leaves out
LUMA = (0.299, 0.587, 0.114)


def shake(name: str, path: Path) -> np.ndarray:
    """Write a shaken photograph, and return the sharp one in its frame."""
    length, seed = SHAKES[name]
    kernel = psf.camera_shake(length, seed=seed)
    blurred = blur_photo(sample(name), kernel, noise_level=NOISE_LEVEL, seed=0)
    skimage.io.imsave(path, np.rint(255 * blurred.clip(0, 1)).astype(np.uint8))
    return visible_part(sample(name), kernel)


def panel(path: Path) -> np.ndarray:
    """Return a picture at the width of a panel, in color."""
    image = skimage.io.imread(path)
    height = round(image.shape[0] * WIDTH / image.shape[1])
    scaled = cv2.resize(image, (WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.broadcast_to(scaled.reshape(height, WIDTH, -1), (height, WIDTH, 3))


def white(height: int, width: int) -> np.ndarray:
    """Return a gap."""
    return np.full((height, width, 3), 255, np.uint8)


def quality(path: Path, sharp: np.ndarray) -> float:
    """Return the PSNR of a picture's luma at the best shift."""
    image, truth = (x @ LUMA if x.ndim == 3 else x for x in (skimage.io.imread(path) / 255, sharp))
    shift = best_shift(image, truth, steps=1)
    return psnr(shifted(image, shift), truth[BORDER:-BORDER, BORDER:-BORDER])


def main() -> None:
    """Write the shaken photographs, restore them by the command, and show them side by side."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path, help="where to write NAME.png, NAME-restored.png and shaken.jpg")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in SHAKES:
        before, after = folder / f"{name}.png", folder / f"{name}-restored.png"
        sharp = shake(name, before)
        subprocess.run([sys.executable, "-m", "deblur", "restore", before, "--force"], check=True)
        print(f"{name}: {quality(before, sharp):.2f} -> {quality(after, sharp):.2f} dB", flush=True)
        left, right = panel(before), panel(after)
        rows += [white(GAP, 2 * WIDTH + GAP), np.hstack([left, white(len(left), GAP), right])]
    Image.fromarray(np.vstack(rows[1:])).save(folder / "shaken.jpg", quality=90)


if __name__ == "__main__":
    main()
