"""Photographs with real blur, restored without a PSF: a sheet of before, after and kernel, to be looked at.

There is no truth to compare with: the sheet and the confidence are all there is. Each row shows the picture, its
restoration, a part of both enlarged, and the kernel. Of a folder of sharp pictures, all should come back unchanged.

    python -m benchmarks.quality.real_photographs FOLDER -o sheet.jpg [--only NAME ...]
"""

import time
from pathlib import Path

import cv2
import numpy as np

from benchmarks._arguments import argument_parser
from deblur import photo
from deblur.blind import sparse_edges

HEIGHT = 360
DETAIL = 240


def main() -> None:
    """Restore the photographs of a folder and draw the sheet."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    files = sorted(file for file in options.folder.iterdir() if file.suffix.lower() in photo.SUFFIXES)
    rows = []
    for file in files:
        if options.only and file.stem not in options.only:
            continue
        picture = photo.read(file)
        start = time.process_time()
        result = sparse_edges(picture.pixels, channel_axis=picture.channel_axis)
        seconds = time.process_time() - start
        done = "unchanged" if result.image is picture.pixels else "restored"
        line = f"{file.name} {picture.pixels.shape} {done} psf {result.psf.shape} confidence {result.confidence:.2f}"
        print(f"{line} noise {result.noise_level:.4f} CPU {seconds:.1f} s {result.reason}", flush=True)
        text = f"{file.name}: {result.confidence:.2f} {result.reason}"
        rows.append(row(picture.pixels, result.image, result.psf, text))
        widest = max(map(width, rows))
        sheet = np.concatenate([np.pad(each, ((0, 0), (0, widest - width(each)), (0, 0))) for each in rows])
        cv2.imwrite(str(options.output), sheet[..., ::-1])


def width(each: np.ndarray) -> int:
    return each.shape[1]


def row(before: np.ndarray, after: np.ndarray, psf: np.ndarray, text: str) -> np.ndarray:
    """One line of the sheet, RGB bytes."""
    wholes = [rgb(each) for each in (before, after)]
    top, left = (max(0, (size - DETAIL) // 2) for size in wholes[0].shape[:2])
    details = [each[top : top + DETAIL, left : left + DETAIL] for each in wholes]
    side = max(psf.shape)
    square = np.pad(psf, [((side - size) // 2,) * 2 for size in psf.shape])  # all sizes are odd
    kernel = rgb(np.sqrt(square.clip(0) / square.max()))
    parts = [resized(each, cv2.INTER_AREA) for each in wholes] + [resized(each, cv2.INTER_CUBIC) for each in details]
    line = np.concatenate([*parts, cv2.resize(kernel, (HEIGHT, HEIGHT), interpolation=cv2.INTER_NEAREST)], axis=1)
    return cv2.putText(line.copy(), text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 0), 2)


def rgb(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.rint(255 * np.clip(pixels[..., :3], 0, 1)).astype(np.uint8)


def resized(pixels: np.ndarray, interpolation: int) -> np.ndarray:
    return cv2.resize(pixels, (round(HEIGHT * pixels.shape[1] / pixels.shape[0]), HEIGHT), interpolation=interpolation)


if __name__ == "__main__":
    main()
