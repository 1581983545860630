"""The same command on one thread and on two, twice each: equal to the byte, or how far apart.

    python -m tests.robustness.determinism

With the same number of threads the files must be equal to the byte. With another number of threads, sums are taken in
another order; `TOLERANCE` is how much that may change.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from skimage import data

from deblur import photo, psf
from deblur.operators import Convolution
from tests.robustness._tally import Tally

TOLERANCE = 1e-4
"""Largest difference of a pixel, of the full range, between numbers of threads."""

NETWORK_TOLERANCE = 1e-2
"""The same where a network computes in bfloat16, whose steps are 1/256, on processors that are fast in it."""

COMMANDS = {
    "wiener": ("--psf", "psf.npy", "--method", "wiener"),
    "unsupervised-wiener": ("--psf", "psf.npy", "--method", "unsupervised-wiener", "--iterations", "40"),
    "richardson-lucy": ("--psf", "psf.npy", "--method", "richardson-lucy", "--iterations", "30"),
    "total-variation": ("--psf", "psf.npy", "--method", "total-variation"),
    "hyper-laplacian": ("--psf", "psf.npy", "--method", "hyper-laplacian"),
    "unrolled": ("--psf", "psf.npy"),
    "blind": (),
}
THREADS = (1, 2)


def compare(methods: tuple[str, ...] = tuple(COMMANDS), side: int = 192) -> Tally:
    """Restore a picture of floats four times by each method, and compare."""
    tally = Tally("determinism", 0)
    with tempfile.TemporaryDirectory(prefix="robustness-") as place:
        folder = Path(place)
        scene = data.camera()[100 : 100 + side, 100 : 100 + side] / 255
        blurred = Convolution(psf.camera_shake(9, seed=3), scene.shape, "reflect")(scene).astype(np.float32)
        photo.write(folder / "a.tif", photo.Photo(blurred, dtype=np.dtype(np.float32)))
        psf.save(folder / "psf.npy", psf.camera_shake(9, seed=3))
        for method in methods:
            began = time.monotonic()
            made = {threads: [_restored(folder, method, threads) for _ in range(2)] for threads in THREADS}
            unequal = [threads for threads, (first, second) in made.items() if first != second]
            one, two = (_pixels(folder, made[threads][0]) for threads in THREADS)
            apart = float(np.abs(one - two).max())
            fault = f"two runs differ on {unequal} threads" if unequal else None
            if apart > (NETWORK_TOLERANCE if method in ("unrolled", "blind") else TOLERANCE):
                fault = f"1 and 2 threads differ by {apart:.2g}"
            print(
                f"{method:20s} twice the same: {'no' if unequal else 'yes'}; 1 and 2 threads: {apart:.1e}", flush=True
            )
            tally.add(method, "", time.monotonic() - began, fault)
    return tally


def _restored(folder: Path, method: str, threads: int) -> bytes:
    command = [str(Path(sys.executable).with_name("deblur")), "restore", "a.tif", *COMMANDS[method], "-o", "b.tif"]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    subprocess.run([*command, "--force"], cwd=folder, env=environment, check=True, capture_output=True)
    return (folder / "b.tif").read_bytes()


def _pixels(folder: Path, written: bytes) -> np.ndarray:
    (folder / "c.tif").write_bytes(written)
    return photo.read(folder / "c.tif").pixels


def main() -> int:
    """Print the figures, and return the exit code."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    return compare().report()


if __name__ == "__main__":
    raise SystemExit(main())
