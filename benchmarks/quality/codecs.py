"""The quality of JPEG that makes the same error as a file of another codec, and the bits per pixel of that file.

DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.codecs
"""

from __future__ import annotations

import io
import itertools

import numpy as np
from PIL import Image

from benchmarks._arguments import argument_parser
from benchmarks.quality.jpeg import PICTURES, blurred, picture, psfs

LUMA = (0.299, 0.587, 0.114)
QUALITIES = {"WEBP": (50, 75, 80, 90, 95), "AVIF": (50, 65, 75, 85, 95)}


def error_and_size(pixels: np.ndarray, codec: str, quality: int) -> tuple[float, float]:
    """Return the root mean square error of luminance, in steps of 8 bits, and the bits per pixel."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, codec, quality=quality)
    decoded = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")).astype(float)
    error = float(np.sqrt(np.square((decoded - pixels) @ LUMA).mean()))
    return error, 8 * len(buffer.getvalue()) / pixels[..., 0].size


def main() -> None:
    """Print the mean and the range over pictures."""
    parser = argument_parser(__doc__)
    parser.add_argument("--set", default="first", choices=list(PICTURES), help="pictures and PSFs")
    which = parser.parse_args().set
    found: dict[tuple[str, int], list[tuple[int, float]]] = {}
    for name, kernel in itertools.product(PICTURES[which], psfs(which).values()):
        pixels, _ = blurred(picture(name), kernel, 192)
        errors = {quality: error_and_size(pixels, "JPEG", quality)[0] for quality in range(20, 99, 2)}
        for codec, qualities in QUALITIES.items():
            for quality in qualities:
                error, size = error_and_size(pixels, codec, quality)
                equal = min(errors, key=lambda each: abs(errors[each] - error))
                found.setdefault((codec, quality), []).append((equal, size))
    for (codec, quality), pairs in found.items():
        equal, size = np.array(pairs).T
        print(
            f"{codec} {quality}: as JPEG {equal.mean():.0f} ({equal.min():.0f} to {equal.max():.0f}), "
            f"{size.mean():.2f} bits per pixel ({size.min():.2f} to {size.max():.2f})"
        )


if __name__ == "__main__":
    main()
