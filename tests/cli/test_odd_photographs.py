"""What people give to `deblur restore` besides photographs: a result that is no worse, the same file, or one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from deblur import photo, psf
from deblur.benchmark import best_shift, psnr, shifted
from deblur.operators import Convolution
from tests.commands import Commands

SHAKE = psf.camera_shake(9, seed=3)
WORSE = 0.3  # dB that nobody notices


class Case(NamedTuple):
    """A picture in [0, 1], and what it would be without blur."""

    given: np.ndarray
    sharp: np.ndarray


def blurred(sharp: np.ndarray, kernel: np.ndarray = SHAKE) -> Case:
    """Blur a scene with what continues beyond it, and keep as much of it as the picture shows."""
    color = sharp if sharp.ndim == 3 else sharp[..., None]
    blur = Convolution(kernel, sharp.shape[:2], "valid")
    given = np.stack([blur(np.ascontiguousarray(each)) for each in np.moveaxis(color, 2, 0)], axis=2)
    top, left = ((size - 1) // 2 for size in kernel.shape)
    kept = color[top : top + given.shape[0], left : left + given.shape[1]]
    return Case(given, kept) if sharp.ndim == 3 else Case(given[..., 0], kept[..., 0])


def both(change: Callable[[np.ndarray], np.ndarray], case: Case) -> Case:
    return Case(change(case.given), change(case.sharp))


def sharpened(image: np.ndarray, amount: float, sigma: float) -> np.ndarray:
    return image + amount * (image - gaussian_filter(image, sigma))


def screenshot() -> Case:
    image = np.full((150, 200), 237, np.uint8)
    image[:20] = 77
    for line in range(5):
        text = f"Edit   value = {line * 37}"
        cv2.putText(image, text, (10, 44 + 22 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 0, 1, cv2.LINE_AA)
    return Case(image / 255, image / 255)


def cases() -> dict[str, Case]:
    scene, page = data.camera()[100:260, 150:350] / 255, data.page()[:140, :200] / 255
    photograph = blurred(data.astronaut()[20:180, 130:330] / 255)
    rng = np.random.default_rng(0)
    framed = [(12, 12), (12, 12), (0, 0)]
    halves = (blurred(scene[:, :100]), blurred(scene[:, 100:], psf.camera_shake(9, seed=8)))
    rows = min(len(half.given) for half in halves)
    return {
        "panorama": blurred(np.tile(scene[20:90], (1, 8))),
        "screenshot": screenshot(),
        "scan": both(partial(np.pad, pad_width=20, constant_values=1.0), blurred(page)),
        "frame": both(partial(np.pad, pad_width=framed, constant_values=0.45), photograph),
        "letterbox": both(partial(np.pad, pad_width=framed), photograph),
        "iso-25600": Case(photograph.given + 0.08 * rng.standard_normal(photograph.given.shape), photograph.sharp),
        "sharpened": Case(*[sharpened(scene, 1.5, 1.2)] * 2),
        "blurred-and-sharpened": Case(sharpened(blurred(scene).given, 1.5, 2.0), blurred(scene).sharp),
        "collage": Case(*(np.concatenate([half[at][:rows] for half in halves], axis=1) for at in (0, 1))),
        "gray": blurred(scene),
    }


NAMES = [
    *("panorama", "screenshot", "scan", "frame", "letterbox", "iso-25600"),
    *("sharpened", "blurred-and-sharpened", "collage", "gray"),
]
REFUSED = {"cmyk.jpg": "its colors are CMYK", "animation.gif": "it is an animation of 2 frames"}


def eight_bits(image: np.ndarray) -> np.ndarray:
    return np.rint(255 * image.clip(0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    for name, case in cases().items():
        Image.fromarray(eight_bits(case.given)).save(folder / f"{name}.png")
    picture = Image.fromarray(eight_bits(cases()["letterbox"].given))
    picture.convert("CMYK").save(folder / "cmyk.jpg")
    picture.save(folder / "animation.gif", save_all=True, append_images=[picture.rotate(180)])
    return folder


@pytest.fixture(scope="module")
def records(folder: Path, commands: Commands, environment: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What the command says of every picture; its error stream may hold nothing but lines of its own."""
    files = sorted(path.name for path in folder.iterdir())
    arguments = ["restore", *files, "--psf-size", "15", "-o", "out", "--json"]
    stdout, stderr = commands.start(arguments, cwd=folder, environment=environment).communicate()
    lines = stderr.decode().splitlines()
    assert all(line.startswith(("deblur: ", *(f"{name} -> " for name in files))) for line in lines), lines
    return {record["input"]: record for record in json.loads(stdout)}


VARYING = pytest.mark.xfail(reason="two blurs are taken for one, a softness: the seam is sharp")


@pytest.mark.parametrize("name", [pytest.param(name, marks=VARYING) if name == "collage" else name for name in NAMES])
def test_a_picture_gets_no_worse_or_stays_the_same_file(
    folder: Path, records: dict[str, dict[str, Any]], name: str
) -> None:
    record, source = records[f"{name}.png"], folder / f"{name}.png"
    made = folder / record["output"]
    if not record["changed"]:
        assert record["reason"]
        assert made.read_bytes() == source.read_bytes()
        return
    given, after = photo.read(source).pixels, photo.read(made).pixels
    assert after.shape == given.shape
    sharp = cases()[name].sharp.clip(0, 1)
    assert quality(after, sharp) > quality(given, sharp) - WORSE


def quality(image: np.ndarray, sharp: np.ndarray) -> float:
    """PSNR at the best shift, which no blind method can know."""
    estimate, truth = (each if each.ndim == 2 else each.mean(axis=2) for each in (image, sharp))
    shift = best_shift(estimate, truth, steps=1)
    return psnr(shifted(estimate, shift), truth[15:-15, 15:-15])


@pytest.mark.parametrize(("name", "said"), REFUSED.items())
def test_what_is_no_photograph_is_one_line(records: dict[str, dict[str, Any]], name: str, said: str) -> None:
    assert said in records[name]["error"]
    assert "\n" not in records[name]["error"]


def test_a_gray_picture_stays_gray_and_gets_better(folder: Path, records: dict[str, dict[str, Any]]) -> None:
    record = records["gray.png"]
    assert record["changed"]
    after, sharp = photo.read(folder / record["output"]).pixels, cases()["gray"].sharp
    assert after.ndim == 2
    assert quality(after, sharp) > quality(photo.read(folder / "gray.png").pixels, sharp) + 1
