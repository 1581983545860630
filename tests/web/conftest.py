"""One server per test process (the real command, with small limits) and a browser that opens its page."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from skimage import data

from deblur import psf
from deblur.operators import Convolution
from tests.commands import ENVIRONMENT, installed

pytest.importorskip("starlette", reason="the page needs the extra web")
pytest.importorskip("uvicorn", reason="the page needs the extra web")
httpx = pytest.importorskip("httpx", reason="requests are sent with httpx")

COMMAND = str(Path(sys.executable).with_name("deblur"))
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


@dataclass
class Server:
    """A running `deblur web`."""

    url: str
    process: subprocess.Popen[str]
    temporary: Path
    printed: str  # before it was ready

    def client(self) -> Any:
        return httpx.Client(base_url=self.url, timeout=240)

    def left_files(self) -> list[Path]:
        return [path for path in self.temporary.rglob("*") if path.is_file()]

    def children(self) -> set[int]:
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        if not listed.exists():
            pytest.skip("processes are counted in /proc")
        return set(map(int, listed.read_text().split()))


def start_server(temporary: Path, *options: str) -> Server:
    process = subprocess.Popen(
        [COMMAND, "web", "--port", "0", *options],
        env={**ENVIRONMENT, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = ""
    for line in process.stdout:
        output += line
        if found := re.search(r"http://\S+", line):
            return Server(found[0], process, temporary, output)
    raise AssertionError(output)


def stop_server(server: Server) -> str:
    server.process.send_signal(signal.SIGINT)
    output, _ = server.process.communicate(timeout=120)
    return output


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(
        tmp_path_factory.mktemp("tmp"), "--max-megapixels", "1", "--max-megabytes", "4", "--waiting", "2"
    )
    yield running
    assert "Traceback" not in stop_server(running)
    assert list(running.temporary.iterdir()) == []


@pytest.fixture(scope="module")  # not the session: while it is open, other tests cannot run an event loop
def browser() -> Iterator[Any]:
    if BROWSER is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Callable[..., Any]]:
    """Open the page as a new visitor; no request may go to another host, and no script may fail."""
    contexts, foreign, failures = [], [], []

    def visit(width: int = 1200, height: int = 800) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(240_000)  # machines may be busy
        page.on("request", lambda r: r.url.startswith((server.url, "blob:", "data:")) or foreign.append(r.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(server.url)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert foreign == []
    assert failures == []


@pytest.fixture(scope="session")
def shaken() -> np.ndarray:
    """A gray photograph of 8 bits that a shake of the camera has blurred."""
    scene = data.camera()[150:290, 190:330].astype(np.float64)
    return np.rint(Convolution(psf.camera_shake(9, seed=3), scene.shape, "valid")(scene)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A color photograph with EXIF, turned by its orientation, and a profile."""
    path = tmp_path_factory.mktemp("photos") / "out of focus.jpg"
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x013B] = 6, "Camera", "<script>alert(1)</script>"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(data.coffee()[100:220, 200:360]).save(path, quality=92, exif=exif, icc_profile=profile)
    return path


def command_line(source: Path, target: Path, *options: str) -> bytes:
    """Return the file that `deblur restore` writes."""
    work = installed().start(
        ["restore", source, "-o", target, *options], cwd=target.parent, environment=ENVIRONMENT, text=True
    )
    errors = work.communicate()[1]
    assert work.returncode == 0, errors
    return target.read_bytes()


def until(condition: Callable[[], Any], seconds: float = 240) -> Any:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"still not true after {seconds:g} s"
        time.sleep(0.1)
    return value
