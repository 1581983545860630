"""Draw the pictures and measure the figures of docs/how-to/choose.md: python docs/make_choices.py.

Seven scenes whose truth is known, each restored by the methods one would consider. Seconds are those of the processor,
on one thread, so that other work on the machine does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import scipy.ndimage
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio

from deblur import blind, nonblind, psf
from deblur.benchmark import best_shift
from deblur.operators import Convolution

PIXELS, SHOWN, ZOOM = 256, 112, 2
HERE = Path(__file__).parent
Array = np.ndarray
Methods = dict[str, Callable[[Array, Array], Array]]

EVERY: Methods = {
    "wiener": nonblind.wiener,
    "richardson_lucy": nonblind.richardson_lucy,
    "total_variation": nonblind.total_variation,
    "hyper_laplacian": nonblind.hyper_laplacian,
    "unrolled": nonblind.unrolled,
    "fused": nonblind.fused,
}


def main() -> None:
    """Write the pictures and the tables."""
    torch.set_num_threads(1)
    cat, camera = data.cat()[:, 50:, 1] / 255, data.camera() / 255
    scene("shake", cat, psf.camera_shake(21, seed=3), noisy(0.01), EVERY)
    scene("noise", camera[40:, 90:], psf.disk(4), noisy(0.05), EVERY)
    scene("soft", camera[40:, 90:], psf.gaussian(2), noisy(0.02), EVERY)
    scene("straight", camera[40:, 90:], psf.motion(31, 10), noisy(0.005), EVERY)
    scene("counts", specimen(), psf.airy(4, 31), counted(40), EVERY | {"richardson_lucy, holdout=0.1": by_holdout})
    unknown: Methods = {
        "blind.sparse_edges, PSF unknown": found,
        "unrolled, true PSF": nonblind.unrolled,
    }
    coffee = data.coffee()[60:, 150:, 1] / 255
    scene("unknown", coffee, psf.camera_shake(25, seed=3), noisy(0.01), unknown)
    scene("doubtful", cat, psf.camera_shake(25, seed=3), noisy(0.01), unknown)


def noisy(level: float) -> Callable[[Array], Array]:
    """Return what adds white noise."""
    return lambda clean: clean + np.random.default_rng(0).normal(0, level, clean.shape)


def counted(peak: float) -> Callable[[Array], Array]:
    """Return what counts photons, so many where it is brightest, and scales them to 1 there."""
    return lambda clean: np.random.default_rng(0).poisson(clean.clip(0) / clean.max() * peak) / peak * clean.max()


def by_holdout(y: Array, kernel: Array) -> Array:
    """Stop on counts; one of them is worth what the smallest step between values is."""
    count = np.diff(np.unique(y)).min()
    return nonblind.richardson_lucy(y, kernel, noise_level=float(np.sqrt(y.mean() * count)), holdout=0.1, num_iter=400)


def found(y: Array, kernel: Array) -> Array:
    """Restore without the PSF, say how far that is to be believed, and take out the shift, which nobody can know."""
    result = blind.sparse_edges(y)
    print(f"confidence {result.confidence:.2f} {result.reason}")
    down, right = best_shift(result.image, nonblind.unrolled(y, kernel))
    return scipy.ndimage.shift(result.image, (-down, -right), mode="nearest")


def specimen() -> Array:
    """Draw filaments and spots on the dark."""
    picture = np.zeros((400, 400), np.float32)
    rng = np.random.default_rng(1)
    for _ in range(14):
        points = (200 + np.cumsum(rng.normal(0, 26, (12, 2)), 0)).round().astype(np.int32)
        cv2.polylines(picture, [points], False, float(rng.uniform(0.4, 1)), 1, cv2.LINE_AA)
    for _ in range(40):
        cv2.circle(picture, tuple(int(v) for v in rng.integers(60, 340, 2)), 2, 1.0, -1, cv2.LINE_AA)
    return picture.astype(float)


def scene(name: str, truth: Array, kernel: Array, seen: Callable[[Array], Array], methods: Methods) -> None:
    """Blur a scene that goes on past the frame, restore it by each method, and write a picture and a table."""
    top, left = ((size - 1) // 2 for size in kernel.shape)
    whole = truth[: PIXELS + kernel.shape[0] - 1, : PIXELS + kernel.shape[1] - 1]
    blurred = seen(Convolution(kernel, whole.shape, boundary="valid")(whole))
    truth = whole[top : top + PIXELS, left : left + PIXELS]
    pictures, lines = {"blurred": blurred}, ["| method | PSNR, dB | seconds |", "|---|---:|---:|"]
    lines.append(f"| blurred | {psnr(blurred, truth):.1f} | |")
    for method, function in methods.items():
        if not method.startswith("blind"):
            function(blurred[96:160, 96:160], kernel)  # weights are read once, and not by the clock
        start = time.process_time()
        pictures[method] = function(blurred, kernel)
        seconds = time.process_time() - start
        lines.append(f"| `{method}` | {psnr(pictures[method], truth):.1f} | {seconds:.2g} |")
    lines.append("")
    folder = HERE / "how-to" / "_choices"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.md").write_text("\n".join(lines))
    print(name, *lines, sep="\n")
    panels = [panel(label, picture, truth) for label, picture in (pictures | {"truth": truth}).items()]
    per_row = 5 if len(panels) > 5 else 4
    panels += [np.full_like(panels[0], 255)] * (-len(panels) % per_row)
    rows = [np.hstack(panels[start : start + per_row]) for start in range(0, len(panels), per_row)]
    path = HERE / "images" / f"choice-{name}.jpg"
    if not cv2.imwrite(str(path), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, 82]):
        raise OSError(f"cannot write {path}")


def psnr(picture: Array, truth: Array) -> float:
    """Return the peak signal-to-noise ratio, of what a picture can show."""
    return float(peak_signal_noise_ratio(truth / truth.max(), (picture / truth.max()).clip(0, 1), data_range=1))


def panel(label: str, picture: Array, truth: Array) -> Array:
    """Return the middle of a picture, with its name below."""
    start = (PIXELS - SHOWN) // 2
    middle = picture[start : start + SHOWN, start : start + SHOWN] / truth.max()
    shown = np.rint(255 * middle.clip(0, 1)).astype(np.uint8)
    shown = cv2.resize(shown, None, fx=ZOOM, fy=ZOOM, interpolation=cv2.INTER_NEAREST)
    shown = cv2.copyMakeBorder(shown, 4, 44, 4, 4, cv2.BORDER_CONSTANT, value=255)
    for line, words in enumerate(label.split(", ")):
        where = (5, SHOWN * ZOOM + 20 + 19 * line)
        cv2.putText(shown, words, where, cv2.FONT_HERSHEY_SIMPLEX, 0.55, 0, 1, cv2.LINE_AA)
    return shown


if __name__ == "__main__":
    main()
