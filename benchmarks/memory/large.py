"""An image larger than memory, restored by the command line: peak memory beside the limit, and time.

    python -m benchmarks.memory.large [--side 20000] [--memory 4G] [--method wiener] [--saturated]

A 16-bit TIFF of photographs, blurred by a disk of radius 5, is made in a temporary folder, a strip at a time. The peak
is that of the resident set of `deblur restore`, all of Python and torch included. With `--saturated`, one light in
every half million samples is clipped.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import skimage.data
import tifffile

from benchmarks._arguments import argument_parser
from deblur import psf
from deblur._core.memory import parse_bytes
from deblur.operators import Convolution

BLUR = "disk:radius=5"


def make(path: Path, side: int, saturated: bool) -> None:
    """Write a blurred picture of so many rows and columns."""
    tile = np.concatenate([skimage.data.camera(), skimage.data.grass()], axis=1) / 300.0  # nothing is clipped
    if saturated:
        tile[250:254, 500:504] = 20
    blurred = Convolution(psf.parse(BLUR), tile.shape, "circular")(tile)
    rows = np.tile(blurred.astype(np.float32), (1, -(-side // tile.shape[1])))[:, :side]
    rng = np.random.default_rng(0)
    mapped = tifffile.memmap(path, shape=(side, side), dtype=np.uint16, photometric="minisblack")
    offset = int(mapped.offset)
    del mapped  # pages of the file would count as memory of this process, and of the child until it starts
    with path.open("r+b") as file:
        file.seek(offset)
        for top in range(0, side, len(rows)):
            noise = rng.standard_normal((min(len(rows), side - top), side), dtype=np.float32)
            strip = rows[: len(noise)] + 0.01 * noise
            file.write((strip.clip(0, 1) * 65535).astype("=u2").tobytes())


def main() -> None:
    """Print seconds and gigabytes."""
    parser = argument_parser(__doc__)
    parser.add_argument("--side", type=int, default=20000)
    parser.add_argument("--memory", default="4G")
    parser.add_argument("--method", default="wiener")
    parser.add_argument("--saturated", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "large.tif"), Path(folder, "sharp.tif")
        make(source, options.side, options.saturated)
        command = [shutil.which("deblur", path=str(Path(sys.executable).parent)) or "deblur", "restore", str(source)]
        command += ["--psf", BLUR, "--method", options.method, "--memory", options.memory, "--no-linear"]
        start = time.perf_counter()
        done = subprocess.run([*command, "-o", str(target), "--json"], check=True, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        limit = parse_bytes(options.memory)
        print(done.stdout)
        print(
            f"{options.side} x {options.side}, {options.method}: {seconds:.0f} s, peak {peak / 2**30:.2f} GB of "
            f"{limit / 2**30:.2f}, {peak / limit:.2f} of the limit"
        )


if __name__ == "__main__":
    main()
