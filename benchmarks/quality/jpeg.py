"""Restoration of JPEG files with a known PSF: the noise level that quantization tables give, against the best one.

Pictures are blurred in linear light, 0.3 % of noise is added, and the files are written in several qualities. Each is
restored as ``deblur restore`` does, without what the tables say, and with fixed levels of noise; a parabola through the
best three gives the best fixed level. PSNR in dB on the values of the file, 8 pixels of border left out.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.jpeg [--set third] [--method wiener] [--whole]

The rules were fitted on the pictures and PSFs of ``--set first`` and ``second``; ``third`` was never seen. ``--blind``
restores without the PSF, pictures shaken by 15 pixels.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

import deblur
from benchmarks._arguments import argument_parser
from deblur import photo, psf
from deblur.nonblind import NoiseModel
from deblur.operators import Convolution

PICTURES = {
    "first": ("astronaut", "chelsea", "coffee", "monarch", "zebra", "pepper"),
    "second": ("barbara", "face", "flowers", "bsds500/test/100007", "bsds500/test/104055", "bsds500/test/107014"),
    "third": ("baboon", "lenna", "comic", "ppt3", "bsds500/test/108069", "bsds500/test/112056"),
}
QUALITIES = (50, 75, 85, 90, 95)
LEVELS = 0.004 * 1.6 ** np.arange(7)
BORDER = 8


def psfs(which: str) -> dict[str, np.ndarray]:
    """Return the blurs of a set by name: focus, straight motion, softness, shake."""
    radius, motion, sigma, shake = {
        "first": (4, (17, 25), 1.5, (15, 3)),
        "second": (6, (12, 70), 2.2, (25, 8)),
        "third": (3, (22, -35), 1.8, (19, 12)),
    }[which]
    return {
        f"disk {radius}": psf.disk(radius),
        f"motion {motion[0]}": psf.motion(motion[0], angle=motion[1]),
        f"gauss {sigma}": psf.gaussian(sigma),
        f"shake {shake[0]}": psf.camera_shake(shake[0], seed=shake[1]),
    }


def picture(name: str) -> np.ndarray:
    """Return a sharp picture, uint8 RGB: of scikit-image, or of the data."""
    if hasattr(skimage.data, name):
        return np.ascontiguousarray(getattr(skimage.data, name)()[..., :3])
    stem = Path(os.environ["DEBLUR_DATA"], name if "/" in name else f"set14/{name}")
    found = next(path for path in sorted(stem.parent.glob(f"{stem.name}.*")) if path.suffix in (".png", ".jpg", ".bmp"))
    return np.asarray(Image.open(found).convert("RGB"))


def blurred(
    sharp: np.ndarray, kernel: np.ndarray, size: int | None, noise: float = 0.003
) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of a picture, blurred in linear light, and the truth; uint8."""
    light = photo.to_linear(sharp.astype(np.float32) / 255)
    y = np.stack(
        [Convolution(kernel, light.shape[:2], "reflect")(np.ascontiguousarray(c)) for c in np.moveaxis(light, -1, 0)],
        -1,
    )
    extents = [min(size or extent, extent) // 16 * 16 for extent in y.shape[:2]]
    middle = tuple(slice((n - m) // 2, (n - m) // 2 + m) for n, m in zip(y.shape[:2], extents, strict=True))
    y = y[middle] + noise * np.random.default_rng(0).standard_normal((*extents, 3)).astype(np.float32)
    return np.rint(255 * photo.from_linear(y).clip(0, 1)).astype(np.uint8), sharp[middle]


def jpeg(pixels: np.ndarray, quality: int, sampling: str) -> photo.Photo:
    """Return a picture as its JPEG file holds it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        Image.fromarray(pixels).save(path, quality=quality, subsampling=sampling)
        return photo.read(path)


def psnr(image: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR within the border."""
    error = image.clip(0, 1) - truth / np.float32(255)
    return float(-10 * np.log10(np.square(error[BORDER:-BORDER, BORDER:-BORDER]).mean()))


def best_of(levels: np.ndarray, scores: list[float]) -> float:
    """Return the greatest value of a parabola through the best level and its neighbors."""
    at = int(np.clip(np.argmax(scores), 1, len(scores) - 2))
    parabola = np.polyfit(np.log(levels[at - 1 : at + 2]), scores[at - 1 : at + 2], 2)
    top = -parabola[1] / (2 * parabola[0]) if parabola[0] < 0 else np.log(levels[at])
    return max(max(scores), float(np.polyval(parabola, np.clip(top, *np.log(levels[[at - 1, at + 1]])))))


def cases(
    *, which: str, size: int | None, sampling: str
) -> Iterator[tuple[str, int, np.ndarray, photo.Photo, np.ndarray]]:
    """Yield name, quality, PSF, file and truth of each case."""
    for name, (blur, kernel) in itertools.product(PICTURES[which], psfs(which).items()):
        pixels, truth = blurred(picture(name), kernel, size)
        for quality in QUALITIES:
            yield f"{name}, {blur}", quality, kernel, jpeg(pixels, quality, sampling), truth


def known_psf(method: str, *, which: str, size: int | None, sampling: str, limit: int | None) -> None:
    """Print for every quality what the estimates lose against the best fixed level."""
    rows: dict[int, list[list[float]]] = {}
    for name, quality, kernel, file, truth in itertools.islice(cases(which=which, size=size, sampling=sampling), limit):

        def score(
            level: object, file: photo.Photo = file, kernel: np.ndarray = kernel, truth: np.ndarray = truth
        ) -> float:
            made = deblur.restore_photo(file, kernel, method=method, noise_level=level)
            return psnr(made.image, truth)

        before, tables, blind = psnr(file.pixels, truth), score(None), score(NoiseModel())
        fixed = [score(float(level)) for level in LEVELS]
        best = best_of(LEVELS, fixed)
        rows.setdefault(quality, []).append([before, blind, tables, best])
        print(
            f"{name}, quality {quality}: blurred {before:.2f}, without tables {blind:.2f}, with {tables:.2f}, "
            f"best {best:.2f} at {LEVELS[np.argmax(fixed)]:.4f}",
            flush=True,
        )
    for quality, values in sorted(rows.items()):
        before, without, tables, best = np.array(values).T
        print(
            f"quality {quality}: blurred {before.mean():.2f}, without tables {without.mean():.2f}, "
            f"with {tables.mean():.2f}, best fixed {best.mean():.2f}; "
            f"lost {(best - tables).mean():.2f}, at worst {(best - tables).max():.2f}; "
            f"below the blurred file {(tables < before).sum()} (without tables {(without < before).sum()})"
        )


def blind(levels: list[float], *, which: str, sampling: str) -> None:
    """Print what the search for a shake of 15 pixels gives, by the noise level that it is given."""
    shakes = {f"shake {seed}": psf.camera_shake(15, seed=seed) for seed in (3, 5)}
    for name, (blur, kernel) in itertools.product(PICTURES[which], shakes.items()):
        pixels, truth = blurred(picture(name), kernel, 384)
        for quality in (75, 90):
            file = jpeg(pixels, quality, sampling)
            facts = [f"blurred {shifted_psnr(file.pixels, truth):.2f}"]
            for level in (None, NoiseModel(), *levels):
                made = deblur.restore_photo(file, noise_level=level)
                label = "tables" if level is None else "without" if isinstance(level, NoiseModel) else f"{level:g}"
                facts.append(f"{label} {shifted_psnr(made.image, truth):.2f} ({made.confidence:.2g})")
            print(f"{name}, {blur}, quality {quality}: {', '.join(facts)}", flush=True)


def shifted_psnr(image: np.ndarray, truth: np.ndarray, most: int = 4) -> float:
    """Return the PSNR at the best shift of whole pixels, as a PSF is known but for its place."""
    inner = (slice(most + BORDER, -most - BORDER),) * 2
    shifts = itertools.product(range(-most, most + 1), repeat=2)
    errors = [
        np.square(np.roll(image, shift, (0, 1))[inner].clip(0, 1) - truth[inner] / np.float32(255)).mean()
        for shift in shifts
    ]
    return float(-10 * np.log10(min(errors)))


def main() -> None:
    """Print a line per case, and means."""
    parser = argument_parser(__doc__)
    parser.add_argument("--set", default="first", choices=list(PICTURES), help="pictures and PSFs")
    parser.add_argument("--method", default="unrolled")
    parser.add_argument("--sampling", default="4:2:0", choices=["4:4:4", "4:2:2", "4:2:0"])
    parser.add_argument("--whole", action="store_true", help="whole pictures, not their middle 192 pixels")
    parser.add_argument("--limit", type=int, help="number of cases")
    parser.add_argument("--blind", type=float, nargs="*", help="restore without the PSF, also with these noise levels")
    given = parser.parse_args()
    if given.blind is not None:
        blind(given.blind, which=given.set, sampling=given.sampling)
        return
    size = None if given.whole else 192
    known_psf(given.method, which=given.set, size=size, sampling=given.sampling, limit=given.limit)


if __name__ == "__main__":
    main()
