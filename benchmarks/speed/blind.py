"""How long `deblur.blind.sparse_edges` takes for large color photographs, and when it first reports progress.

    python -m benchmarks.speed.blind [1 12]                      # megapixels

The photograph is a mosaic of scikit-image's pictures, blurred by a shaken camera, with some noise. Each size is
restored in a process of its own, whose peak of memory is that of all it does.
"""

import argparse
import resource
import subprocess
import sys
import time

import numpy as np
import skimage.data
import torch

from benchmarks._arguments import argument_parser
from deblur.blind import sparse_edges
from deblur.operators import Convolution
from deblur.psf import camera_shake


def main() -> None:
    """Print seconds and memory of each size."""
    parser = argument_parser(__doc__)
    parser.add_argument("megapixels", type=float, nargs="*", default=[1.0, 12.0])
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        measure(options.one)
        return
    for megapixels in options.megapixels:
        subprocess.run([sys.executable, "-m", "benchmarks.speed.blind", "--one", str(megapixels)], check=True)


def measure(megapixels: float) -> None:
    """Print seconds, memory and progress of one size (the child of `main`)."""
    photo = mosaic(round(1000 * (megapixels * 3 / 4) ** 0.5), round(1000 * (megapixels * 4 / 3) ** 0.5))
    blur = torch.from_numpy(camera_shake(20, seed=2)).float()
    planes = torch.from_numpy(photo).movedim(-1, 0)
    blurred = Convolution(blur, tuple(planes.shape[1:]), "reflect")(planes).movedim(0, -1).numpy()
    blurred += 0.003 * np.random.default_rng(0).standard_normal(blurred.shape, dtype=np.float32)
    begin, reports = time.perf_counter(), []
    result = sparse_edges(
        blurred, channel_axis=-1, progress=lambda part, what: reports.append(time.perf_counter() - begin)
    )
    seconds = time.perf_counter() - begin
    gap = max(np.diff(reports))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    inner = (slice(40, -40), slice(40, -40))
    errors = [float(np.square(each[inner] - photo[inner]).mean()) for each in (blurred, result.image)]
    print(f"{photo.shape[1]} x {photo.shape[0]}: {seconds:.1f} s on {torch.get_num_threads()} threads, {peak:.2f} GiB;")
    print(f"  progress first after {reports[0]:.2f} s, then {len(reports)} times, the longest pause {gap:.1f} s;")
    print(f"  PSF {result.psf.shape}, confidence {result.confidence:.2f}; PSNR (the shift of a blind result", end=" ")
    print(f"included) {-10 * np.log10(errors[0]):.2f} to {-10 * np.log10(errors[1]):.2f} dB", flush=True)


def mosaic(height: int, width: int) -> np.ndarray:
    """Return a color image of that size, in which equal tiles never touch."""
    pictures = [skimage.data.astronaut(), skimage.data.cat(), skimage.data.coffee(), skimage.data.rocket()]
    tiles = [np.float32(picture[:300, :400] / 255) for picture in pictures]
    rows = -(-height // 300)
    columns = -(-width // 400)
    lines = [
        np.concatenate([tiles[(3 * row + column) % 4] for column in range(columns)], axis=1) for row in range(rows)
    ]
    return np.ascontiguousarray(np.concatenate(lines)[:height, :width])


if __name__ == "__main__":
    main()
