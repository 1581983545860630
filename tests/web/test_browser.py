"""The page in a real browser."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from deblur import psf
from deblur._examples.pictures import blur_photo, sample

from .conftest import command_line
from .test_limits import png_bomb

Visit = Callable[..., Any]
EVIL = "<img src=x onerror=document.title='hacked'>.png"


@pytest.fixture
def picture(shaken: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "shaken photo.png"
    Image.fromarray(shaken).save(path)
    return path


def choose(page: Any, path: Path) -> None:
    page.set_input_files("#file", path)
    page.wait_for_function("() => document.querySelector('#before').naturalWidth > 0 && !restore.disabled")


def downloaded(page: Any) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.click("#download")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def divider_position(page: Any) -> float:
    """Return the position of the divider as it is painted, in pixels from the left edge of the photo."""
    return float(page.evaluate("() => parseFloat(over.style.clipPath.split(' ').at(-1))"))


def overflow(page: Any) -> int:
    return int(page.evaluate("() => document.documentElement.scrollWidth - innerWidth"))


def test_a_photo_is_restored_blindly_compared_and_downloaded(visit: Visit, picture: Path, tmp_path: Path) -> None:
    page = visit()
    stages: list[str] = []
    page.expose_function("note", lambda text: stages.append(text))
    page.evaluate("() => new MutationObserver(() => note(stage.textContent)).observe(stage, { childList: true })")
    choose(page, picture)
    assert "126 x 136" in page.inner_text("#file-facts")
    assert page.is_checked("[name=kind][value=blind]")
    page.click("#restore")
    page.wait_for_selector("#cancel:focus")
    page.wait_for_selector("#outcome:visible")

    assert {"looking for the blur", "sharpening"} & set(stages)  # on a busy machine, the page may miss one
    assert re.search("Confidence (high|medium|low)", page.inner_text("#facts"))
    assert page.evaluate("() => document.querySelector('#psf img').naturalWidth") >= 160
    assert "Detected blur shape (PSF)" in page.inner_text("#psf")
    page.click("summary")
    assert page.inner_text("#command") == "deblur restore 'shaken photo.png'"
    name, data = downloaded(page)
    assert name == "shaken photo-restored.png"
    expected = command_line(picture, tmp_path / "out.png")
    assert data == expected
    assert (np.asarray(Image.open(io.BytesIO(data))) != np.asarray(Image.open(picture))).any()

    # At 100 %, a pixel of the photo is a pixel of the screen; the divider follows its slider, keys and pointer.
    assert page.evaluate("() => canvas.getBoundingClientRect().width * devicePixelRatio") == 126
    middle = divider_position(page)
    page.focus("#compare")
    page.keyboard.press("ArrowRight")
    moved = divider_position(page)
    assert moved > middle
    handle = page.locator("#line").bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + 20)
    page.mouse.down()
    page.mouse.move(handle["x"] - 30, handle["y"] + 20)
    page.mouse.up()
    assert divider_position(page) < middle
    shown = page.screenshot()
    page.locator("#compare").fill("0")
    assert page.screenshot() != shown


def test_a_photo_that_is_left_as_it_was_is_not_called_restored(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "flat.png"
    Image.fromarray(np.full((96, 128, 3), 120, np.uint8)).save(path)
    page = visit()
    choose(page, path)
    page.click("#restore")
    page.wait_for_selector("#outcome:visible")
    assert page.inner_text("#facts") == (
        "Left as it was: the picture is flat: it shows no edges to estimate a blur from."
    )
    assert page.is_hidden("#download")
    assert page.is_hidden("#psf")
    page.wait_for_selector("#restore:focus")  # for another type of blur
    assert page.inner_text("#hint") == "left as it was"
    assert "restored" not in page.inner_text("body").lower()


def test_what_happened_can_be_said(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "cup.png"
    unfocused = blur_photo(sample("coffee")[100:300, 150:400], psf.disk(4), noise_level=0.004, seed=0)
    Image.fromarray(np.rint(255 * unfocused.clip(0, 1)).astype(np.uint8)).save(path)
    page = visit(390, 844)
    choose(page, path)
    page.get_by_label("What happened").select_option(label="Out of focus")
    assert overflow(page) <= 0
    page.click("#restore")
    page.wait_for_selector("#outcome:visible")
    assert "Confidence" in page.inner_text("#facts")
    page.click("summary")
    assert page.inner_text("#command") == "deblur restore cup.png --blur focus"
    assert downloaded(page)[1] == command_line(path, tmp_path / "out.png", "--blur", "focus")


def test_by_keyboard_alone_with_a_preview_and_a_cancel(visit: Visit) -> None:
    page = visit()

    def tab_to(target: str) -> None:
        for _ in range(40):
            if page.evaluate("s => document.activeElement.matches(s)", target):
                return
            page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not reach {target}")

    tab_to("#file")
    outline = page.evaluate("() => getComputedStyle(document.querySelector('#drop')).outlineStyle")
    assert outline == "solid"  # the focus is visible
    tab_to("[data-example=coffee]")  # the largest: it is still running when it is cancelled
    page.keyboard.press("Enter")
    page.wait_for_selector("body[data-preview=quick]")
    assert page.is_checked("[name=kind][value=disk]")
    patch = page.get_attribute("#patch", "src")
    tab_to("[name=kind]:checked")
    page.keyboard.press("ArrowRight")
    assert page.is_checked("[name=kind][value=gaussian]")
    page.wait_for_function("before => patch.src !== before", arg=patch)
    patch = page.get_attribute("#patch", "src")
    tab_to("#noise")
    assert page.is_checked("#auto")
    page.keyboard.press("End")
    assert not page.is_checked("#auto")
    page.wait_for_function("before => patch.src !== before", arg=patch)
    assert page.text_content("#command") == "deblur restore coffee.png --psf gaussian:sigma=1.5 --noise-level 0.1"
    tab_to("#restore")
    page.keyboard.press("Enter")
    page.wait_for_selector("#cancel:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector("#restore:focus")
    assert page.is_hidden("#outcome")
    assert page.is_hidden("#error")
    tab_to("#whole")
    page.keyboard.press("Enter")
    assert page.get_attribute("#whole", "aria-pressed") == "true"
    tab_to("#pane")


def test_invalid_files_are_explained_and_their_names_are_not_markup(visit: Visit, picture: Path) -> None:
    page = visit()
    for name, data, message in (
        (EVIL, b"hello", "not a JPEG, PNG, TIFF or WebP"),
        ("bomb.png", png_bomb(60_000, 60_000), "pixels"),
        ("large.png", bytes(4_000_001), "larger than the 4 MB"),
    ):
        page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})
        page.wait_for_function("message => error.textContent.includes(message)", arg=message)
        assert page.inner_text("#error").startswith(f"{name}: ")
        assert page.is_disabled("#restore")
    page.set_input_files("#file", {"name": EVIL, "mimeType": "image/png", "buffer": picture.read_bytes()})
    page.wait_for_selector("#restore:enabled")
    assert page.is_hidden("#error")
    page.check("[name=kind][value=disk]", force=True)
    page.click("#restore")
    page.wait_for_selector("#outcome:visible")
    name, _ = downloaded(page)
    assert "<" not in name
    assert page.title() == "deblur"
    assert page.locator("img[src=x]").count() == 0


def test_two_visitors_at_once_each_get_their_own_result(
    visit: Visit, picture: Path, tmp_path: Path, shaken: np.ndarray
) -> None:
    other = tmp_path / "other.png"
    Image.fromarray(shaken[::-1].copy()).save(other)
    pages = [visit(), visit()]
    for page, path in zip(pages, (picture, other), strict=True):
        choose(page, path)
        page.check("[name=kind][value=gaussian]", force=True)
    for page in pages:
        page.click("#restore")
    for page, path in zip(pages, (picture, other), strict=True):
        page.wait_for_selector("#outcome:visible")
        assert downloaded(page)[1] == command_line(path, tmp_path / f"of-{path.name}", "--psf", "gaussian:sigma=1.5")


def test_on_a_phone_nothing_is_wider_than_the_screen(visit: Visit, picture: Path) -> None:
    page = visit(width=360, height=740)
    assert overflow(page) <= 0
    name = "a_name_without_any_place_to_break_it_" * 3 + ".png"
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": b"hello"})
    page.wait_for_selector("#error:visible")
    assert overflow(page) <= 0
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": picture.read_bytes()})
    for kind in ("blind", "motion", "disk", "gaussian", "file"):
        page.wait_for_selector("#restore:visible")
        page.check(f"[name=kind][value={kind}]", force=True)
        assert overflow(page) <= 0
    page.check("[name=kind][value=disk]", force=True)
    page.wait_for_selector("body[data-preview]")
    page.click("summary")
    page.click("#restore")
    page.wait_for_selector("#outcome:visible")
    assert overflow(page) <= 0
    pane = page.locator("#pane").bounding_box()
    assert 300 < pane["width"] < 360
