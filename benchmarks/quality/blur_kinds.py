"""What kind of blur a photograph has: how often `deblur.blind.blind` is right, and what ``deblur restore`` gains by it.

Sharp pictures are blurred, .3 % of noise is added, and the files are written as PNG and as JPEG of quality 85. The
table has a row for each true blur and a column for what was read. The pictures of the sets "train" and "check" are
those that the rule was chosen on and compared by; "set14" and "test" (BSDS500) were not looked at.

    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.blur_kinds [--set set14] [--stored] [--limit 5]
    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.blur_kinds --gain [--all] [--set set14] [--stored]
    DEBLUR_DATA=/folder/of/data python -m benchmarks.quality.blur_kinds --gain --sharp --set test --limit 60

``--stored`` blurs the values as files have them, in place of linear light. ``--gain`` restores, as ``deblur restore
photo.jpg`` does, each picture with one size of each blur (``--all``: with every size), and prints every picture that
loses. ``--sharp`` blurs nothing: pictures should come back unchanged, or within .5 dB.
"""

from __future__ import annotations

import argparse
import collections
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
import torch
from PIL import Image

import deblur
from benchmarks._arguments import argument_parser
from benchmarks.quality.jpeg import jpeg
from deblur import photo, psf
from deblur.blind._encoding import Encodings
from deblur.blind._kind import Reader, too_small
from deblur.operators import Convolution
from deblur.photo import Photo

KINDS = ("none", "soft", "focus", "motion", "shake")
SIZES = {
    "soft": (0.8, 1.2, 1.6, 2.2, 3.0),
    "focus": (2, 3, 4, 6, 8),
    "motion": (8, 12, 17, 25, 40),
    "shake": (11, 15, 21, 27, 35),
}
SIDE = 400  # pixels of the middle that is used
BORDER = 8
NOISE = 0.003
QUALITY = 85


def pictures(name: str) -> list[tuple[str, np.ndarray]]:
    """Return the names of a set's pictures, and their samples, uint8 RGB."""
    root = Path(os.environ["DEBLUR_DATA"])
    train = sorted((root / "bsds500/train").glob("*.jpg"))
    paths = {
        "train": train[3::17],
        "check": train[9::14],
        "set14": sorted((root / "set14").glob("*.bmp")),
        "test": sorted((root / "bsds500/test").glob("*.jpg"))[::3],
    }[name]
    own = {"train": ("astronaut", "chelsea", "coffee")}.get(name, ())
    return [(each, np.ascontiguousarray(getattr(skimage.data, each)())) for each in own] + [
        (path.stem, np.asarray(Image.open(path).convert("RGB"))) for path in paths
    ]


def kernels(number: int, sizes: int | None) -> Iterator[tuple[str, float, np.ndarray]]:
    """Yield kind, size and kernel of the blurs of a picture: of every size, or of one that its number chooses."""
    random = np.random.default_rng(100 + number)
    for kind, all_sizes in SIZES.items():
        chosen = all_sizes if sizes is None else [all_sizes[(number + each) % len(all_sizes)] for each in range(sizes)]
        for size in chosen:
            angle, seed = float(random.uniform(0, 180)), int(random.integers(1_000_000))
            if kind == "motion":
                yield kind, size, psf.motion(size, angle)
            elif kind == "shake":
                yield kind, size, psf.camera_shake(int(size), seed=seed)
            else:
                yield kind, size, psf.disk(size) if kind == "focus" else psf.gaussian(size)


def blurred(sharp: np.ndarray, kernel: np.ndarray, *, stored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the middle of a picture, blurred in linear light or as stored, with noise, and the truth; uint8."""
    values = sharp.astype(np.float32) / 255
    values = values if stored else photo.to_linear(values)
    channels = [
        Convolution(kernel, values.shape[:2], "reflect")(np.ascontiguousarray(values[..., c])) for c in range(3)
    ]
    y = np.stack(channels, -1) + NOISE * np.random.default_rng(0).standard_normal(values.shape).astype(np.float32)
    y = y if stored else photo.from_linear(y)
    middle = tuple(slice(max(0, (size - SIDE) // 2), (size + SIDE) // 2) for size in sharp.shape[:2])
    return np.rint(255 * y[middle].clip(0, 1)).astype(np.uint8), sharp[middle]


def files(pixels: np.ndarray) -> Iterator[tuple[str, Photo]]:
    """Yield a picture as a PNG and as a JPEG have it."""
    yield "PNG", Photo(pixels.astype(np.float32) / 255, -1, dtype=np.dtype(np.uint8))
    yield f"q{QUALITY}", jpeg(pixels, QUALITY, "4:2:0")


def kind_of(picture: Photo) -> str:
    """Return the kind of blur that is read from a photograph."""
    photograph = Encodings(picture.pixels, picture.channel_axis, None, encoded=True, method="blind")
    return "shake" if too_small(photograph.stored) else Reader(photograph).kind


def confusion(given: argparse.Namespace) -> None:
    """Print how often each kind is read, of each true blur."""
    counts: dict[tuple[str, str], collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for number, (name, sharp) in enumerate(pictures(given.set)[: given.limit]):
        blurs = [("none", 0.0, np.ones((1, 1))), *kernels(number, None)]
        for kind, size, kernel in blurs:
            for file, picture in files(blurred(sharp, kernel, stored=given.stored)[0]):
                read = kind_of(picture)
                for row in (f"{kind} {size:g}", f"all {kind}"):
                    counts[row, file][read] += 1
        print(name, flush=True)
    print(f"{'percent read as':16}" + " | ".join(" ".join(f"{kind:>6}" for kind in KINDS) for _ in range(2)))
    rows = [f"{kind} {size:g}" for kind in SIZES for size in SIZES[kind]] + [f"all {kind}" for kind in KINDS]
    for row in rows:
        cells = []
        for file in ("PNG", f"q{QUALITY}"):
            total = counts[row, file].total()
            cells.append(" ".join(f"{100 * counts[row, file][kind] / max(total, 1):6.0f}" for kind in KINDS))
        print(f"{row:16}" + " | ".join(cells))


def psnr(pixels: np.ndarray, truth: np.ndarray) -> float:
    """Return the PSNR in dB on stored values, without a border."""
    inner = (slice(BORDER, -BORDER),) * 2
    error = pixels.clip(0, 1)[inner] - truth[inner].astype(np.float32) / 255
    return float(-10 * np.log10(max(float(np.mean(np.square(error))), 1e-12)))


def is_as_good_as_soft(kind: str, size: float, read: str, file: str) -> bool:
    """Whether a disk was called soft that is too small to leave zeros in a JPEG: a Gaussian undoes it as well."""
    return (kind, size, read) == ("focus", 2, "soft") and file != "PNG"


def gains(given: argparse.Namespace) -> None:
    """Restore without a PSF, and print what each kind gains, and each picture that loses."""
    found: dict[tuple[str, str], list[tuple[float, bool, bool]]] = collections.defaultdict(list)
    for number, (name, sharp) in enumerate(pictures(given.set)[: given.limit]):
        blurs = [("none", 0.0, np.ones((1, 1)))] if given.sharp else kernels(number, None if given.all else 1)
        for kind, size, kernel in blurs:
            if kind == "shake":
                continue
            pixels, truth = blurred(sharp, kernel, stored=given.stored)
            for file, picture in files(truth if given.sharp else pixels):
                before = psnr(picture.pixels, truth)
                made = deblur.restore_photo(picture)
                gain = psnr(made.image, truth) - before if made.changed else 0.0
                read = made.details["blur"]
                is_right = read == kind
                found[kind, file].append((gain, is_right, is_right or is_as_good_as_soft(kind, size, read, file)))
                print(
                    f"{name:12} {kind} {size:g} {file}: read {read}, {before:.2f} dB {gain:+.2f}, confidence "
                    f"{made.confidence:.2f}, {made.seconds:.1f} s{' LOST' if gain < -0.2 else ''}: {made.reason}",
                    flush=True,
                )
    for (kind, file), each in sorted(found.items()):
        values, right, nearly = np.array(each).T
        kept = np.mean(values > -0.5)
        of_disks = (
            f" ({nearly.mean():.0%} if a disk of 2 pixels may be soft)" if kind == "focus" and file != "PNG" else ""
        )
        print(
            f"{kind:6} {file}: gain {values.mean():+.2f} dB in the mean of {len(each)}, least {values.min():+.2f}, "
            f"worse by .2 dB {int((values < -0.2).sum())}, kind right {right.mean():.0%}{of_disks}, "
            f"within .5 dB or better {kept:.1%}"
        )


def main() -> None:
    """Run what the command line asks for."""
    parser = argument_parser(__doc__, threads=1)
    parser.add_argument("--set", choices=("train", "check", "set14", "test"), default="set14")
    parser.add_argument("--limit", type=int, help="how many pictures of the set (default: all)")
    parser.add_argument("--stored", action="store_true")
    parser.add_argument("--gain", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--sharp", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    (gains if given.gain else confusion)(given)


if __name__ == "__main__":
    main()
