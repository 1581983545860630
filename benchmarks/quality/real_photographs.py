"""Photographs with real blur, restored as `deblur restore` does: a contact sheet of before and after, to be looked at.

There is no truth to compare with: the sheet, the confidence and the reason are all there is. Each row shows the whole
picture and its most detailed part at 100 %, before and after, and the PSF that was estimated; a picture that was left
as it was has none. The sheet is a page, with an image for each row beside it. Of a folder of sharp pictures, all should
be left as they were. Without FOLDER, real_blurred in the folder DEBLUR_DATA.

    python -m benchmarks.quality.real_photographs [FOLDER] -o sheet/ [--only NAME ...] [--method NAME] [--jobs 2]
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from html import escape
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch

from benchmarks._arguments import argument_parser
from deblur import Restoration, photo, restore_photo
from deblur._core.drawing import psf_image

SIDE = 300
"""Pixels of the detail and height of the whole picture."""

STYLE = "body { font: 15px sans-serif; margin: 2em } img { max-width: 100%; display: block; margin: .3em 0 2em }"


class Row(NamedTuple):
    """What became of a photograph: its name, what is said of it, and whether it was restored."""

    name: str
    text: str
    outcome: str


def main() -> None:
    """Restore the photographs of a folder and write the sheet."""
    parser = argument_parser(__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the sheet")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="names without suffix")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--jobs", type=int, default=1, help="photographs at once, each on one thread")
    options = parser.parse_args()
    data = os.environ.get("DEBLUR_DATA")
    if options.folder is None and not data:
        parser.error("give FOLDER, or set DEBLUR_DATA")
    folder = options.folder or Path(str(data), "real_blurred")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in photo.SUFFIXES)
    files = [path for path in files if not options.only or path.stem in options.only]
    if not files:
        parser.error(f"{folder} has no such photographs")
    options.output.mkdir(parents=True, exist_ok=True)
    rows: dict[Path, Row] = {}
    for path, row in _rows(files, options.output, options.method, options.jobs):
        rows[path] = row
        print(f"{row.name}: {row.text}", flush=True)
        write_page(options.output / "index.html", [rows[each] for each in files if each in rows])
    print(tally(list(rows.values())))


def _rows(files: list[Path], output: Path, method: str, jobs: int) -> Iterator[tuple[Path, Row]]:
    make = partial(restored_row, output=output, method=method)
    if jobs == 1:
        yield from ((path, make(path)) for path in files)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        futures = {pool.submit(make, path): path for path in files}
        yield from ((futures[future], future.result()) for future in as_completed(futures))


def restored_row(path: Path, output: Path, method: str) -> Row:
    """Restore a photograph, write its row as an image, and return what is said of it."""
    try:
        before = photo.read(path)
        result = restore_photo(before, method=method)
    except (OSError, ValueError) as error:  # one bad file does not cost the sheet
        return Row(path.name, str(error), "failed")
    image = draw(before.pixels, result)
    if not cv2.imwrite(str(output / f"{path.name}.png"), image[..., ::-1]):
        raise OSError(f"cannot write the row of {path.name}")
    return Row(path.name, said_of(result), "restored" if result.changed else "left as they were")


def said_of(result: Restoration) -> str:
    """Return method, kind of blur, PSF, confidence, time, reason and next steps in a line."""
    rows, columns = result.image.shape[:2]
    facts = [f"{columns} x {rows}", result.method]
    if "blur" in result.details:
        facts.append(f"blur: {result.details['blur']}")
    if result.changed:
        facts.append(f"PSF {' x '.join(map(str, result.psf.shape))}")
        facts.append(f"confidence {result.certainty} ({result.confidence:.2f})")
    else:
        facts.append("LEFT AS IT WAS")
    facts.append(f"noise {result.noise_level:.4f}")
    text = ", ".join([*facts, f"{result.seconds:.1f} s"])
    steps = result.details.get("next_steps")
    return "; ".join(filter(None, [text, result.reason, f"next: {', '.join(steps)}" if steps else ""]))


def draw(before: np.ndarray, result: Restoration) -> np.ndarray:
    """Draw the row of a photograph, RGB bytes: whole and detail, before and after, and the PSF."""
    images = [rgb(each) for each in (before, result.image)]
    detail = most_detailed(images[0])
    wholes = [resized(each) for each in images]
    parts = [*wholes, *(padded(each[detail]) for each in images)]
    if result.changed:
        psf = np.repeat(psf_image(np.asarray(result.psf, np.float64), square=True)[..., None], 3, axis=2)
        parts.append(cv2.resize(psf.astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST))
    gap = np.full((SIDE, 4, 3), 255, np.uint8)
    return np.concatenate([each for part in parts for each in (part, gap)], axis=1)


def most_detailed(image: np.ndarray) -> tuple[slice, slice]:
    """Return the square of `SIDE` with the largest sum of squared slopes, at a scale that noise does not dominate."""
    gray = cv2.GaussianBlur(image.mean(axis=2), (0, 0), 2.0)
    slopes = np.square(cv2.Sobel(gray, cv2.CV_64F, 1, 0)) + np.square(cv2.Sobel(gray, cv2.CV_64F, 0, 1))
    height, width = (min(SIDE, size) for size in slopes.shape)
    sums = np.pad(slopes, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    within = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(within.argmax(), within.shape)
    return slice(int(top), int(top) + height), slice(int(left), int(left) + width)


def rgb(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
    return np.rint(255 * np.clip(pixels[..., :3], 0, 1)).astype(np.uint8)


def resized(pixels: np.ndarray) -> np.ndarray:
    width = max(1, round(SIDE * pixels.shape[1] / pixels.shape[0]))
    return cv2.resize(pixels, (width, SIDE), interpolation=cv2.INTER_AREA)


def padded(pixels: np.ndarray) -> np.ndarray:
    return np.pad(pixels, [(0, SIDE - pixels.shape[0]), (0, SIDE - pixels.shape[1]), (0, 0)], constant_values=255)


def write_page(path: Path, rows: list[Row]) -> None:
    """Write the sheet: what is said of each photograph, and its image."""
    parts = []
    for row in rows:
        image = "" if row.outcome == "failed" else f'<img loading="lazy" src="{escape(row.name)}.png" alt="">'
        parts.append(f"<p><strong>{escape(row.name)}</strong> {escape(row.text)}</p>{image}")
    head = f'<!doctype html><meta charset="utf-8"><title>Before and after</title><style>{STYLE}</style>'
    path.write_text(f"{head}<h1>{escape(tally(rows))}</h1>{''.join(parts)}\n", encoding="utf-8")


def tally(rows: list[Row]) -> str:
    """Return how many were restored, left as they were, and failed."""
    outcomes = [row.outcome for row in rows]
    return ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in dict.fromkeys(outcomes))


if __name__ == "__main__":
    main()
