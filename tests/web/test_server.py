"""The server over HTTP: results, limits, the job queue, and cleaning up."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import tifffile
from PIL import Image

from deblur import psf
from tests.photo.test_errors import many_scans

from .conftest import COMMAND, ENVIRONMENT, Server, command_line, httpx, start_server, stop_server, until
from .test_limits import png_bomb, tiff_bomb

DISK = {"kind": "disk", "radius": 2}
BLUR = ("--psf", "disk:radius=2")


def uploaded(client: Any, data: bytes, name: str = "photo.png") -> str:
    answer = client.post("/photos", params={"name": name}, content=data)
    assert answer.status_code == 201, answer.text
    return f"/photos/{answer.json()['id']}"


def finished(client: Any, photo: str) -> dict[str, Any]:
    def over() -> Any:
        status = client.get(f"{photo}/job").json()
        return status if status["state"] not in ("waiting", "running") else None

    return until(over)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def long_work() -> bytes:
    """A photograph that takes many seconds to restore."""
    return png(np.random.default_rng(0).integers(0, 200, (800, 800, 3), dtype=np.uint8))


def test_the_file_is_that_of_the_command_with_exif_and_profile(server: Server, jpeg: Path, tmp_path: Path) -> None:
    with server.client() as client:
        photo = uploaded(client, jpeg.read_bytes(), jpeg.name)
        client.post(f"{photo}/job", json=DISK)
        status = finished(client, photo)
        answer = client.get(f"{photo}/job/file")
        drawn = Image.open(io.BytesIO(client.get(f"{photo}/job/psf").content))
    assert status["state"] == "done"
    assert status["facts"]["method"] == "unrolled"
    assert answer.content == command_line(jpeg, tmp_path / "out.jpg", *BLUR)
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''out%20of%20focus-restored.jpg"
    assert answer.headers["content-type"] == "image/jpeg"
    made, source = Image.open(io.BytesIO(answer.content)), Image.open(jpeg)
    assert made.size == source.size[::-1]  # upright
    assert made.getexif()[0x010F] == "Camera"
    assert made.info["icc_profile"] == source.info["icc_profile"]
    assert min(drawn.size) >= 160
    assert np.asarray(drawn).max() == 255


def test_a_photo_that_is_left_as_it_was_is_the_same_file(server: Server) -> None:
    data = png(np.full((96, 128, 3), 120, np.uint8)) + bytes(9)  # which no encoder would write again
    with server.client() as client:
        photo = uploaded(client, data, "flat.png")
        client.post(f"{photo}/job", json={"kind": "blind"})
        facts = finished(client, photo)["facts"]
        assert client.get(f"{photo}/job/file").content == data
    assert (facts["changed"], facts["certainty"], facts["next_steps"]) == (False, None, [])
    assert facts["reason"].startswith("the picture is flat")


def test_deep_tiffs_a_psf_file_and_a_noise_level(server: Server, shaken: np.ndarray, tmp_path: Path) -> None:
    source, kernel = tmp_path / "deep.tiff", tmp_path / "psf.npy"
    tifffile.imwrite(source, shaken.astype(np.uint16) * 257, photometric="minisblack")
    psf.save(kernel, 7 * psf.camera_shake(9, seed=3))
    with server.client() as client:
        photo = uploaded(client, source.read_bytes(), source.name)
        view = Image.open(io.BytesIO(client.get(f"{photo}/view").content))
        assert view.format == "JPEG"
        assert view.size == shaken.shape[::-1]
        assert client.post(f"{photo}/psf", params={"name": "psf.npy"}, content=kernel.read_bytes()).status_code == 201
        client.post(f"{photo}/job", json={"kind": "file", "noise_level": 0.01})
        assert finished(client, photo)["state"] == "done"
        answer = client.get(f"{photo}/job/file")
        after = Image.open(io.BytesIO(client.get(f"{photo}/job/view").content))
    assert answer.content == command_line(source, tmp_path / "o.tif", "--psf", str(kernel), "--noise-level", "0.01")
    assert "deep-restored.tiff" in answer.headers["content-disposition"]
    assert after.format == "JPEG"


def test_a_preview_equals_the_whole_restoration(server: Server, jpeg: Path, tmp_path: Path) -> None:
    whole = {"left": 0, "top": 0, "width": 300, "height": 300}
    with server.client() as client:
        photo = uploaded(client, jpeg.read_bytes(), "a.jpg")
        quick = client.post(f"{photo}/preview", json={**DISK, **whole, "fine": False}).json()
        fine = client.post(f"{photo}/preview", json={**DISK, **whole, "fine": True}).json()
        part = client.post(f"{photo}/preview", json={**DISK, "left": 40, "top": 50, "width": 30, "height": 900})
        inside = {**DISK, "left": 40, "top": 50, "width": 30, "height": 60}
        inside = client.post(f"{photo}/preview", json=inside).json()
        outside = client.post(f"{photo}/preview", json={**DISK, "left": 1e5, "top": 1e5, "width": 9, "height": 9})
        blind = client.post(f"{photo}/preview", json={"kind": "blind", **whole})
    assert (part.status_code, blind.status_code) == (422, 422)
    assert fine["box"] == [0, 0, 120, 160]
    assert quick["psf_shape"] == [5, 5]
    assert inside["box"] == [40, 50, 30, 60]
    assert outside.json()["box"] == [119, 159, 1, 1]

    import base64

    shown = Image.open(io.BytesIO(base64.b64decode(fine["image"].partition(",")[2])))
    written = Image.open(io.BytesIO(command_line(jpeg, tmp_path / "out.jpg", *BLUR)))
    assert np.abs(np.asarray(shown, np.float32) - np.asarray(written, np.float32)).mean() < 1


@pytest.mark.parametrize(
    ("data", "status", "messages"),
    [
        (b"hello", 422, "not a JPEG, PNG, TIFF or WebP"),
        (b"", 422, "empty"),
        (png_bomb(60_000, 60_000), 422, "pixels"),
        (tiff_bomb(), 422, "megapixels"),
        (png(np.zeros((1001, 1000), np.uint8)), 422, "1000 x 1001 pixels, which is more than the 1 megapixels"),
        (png(np.zeros((50, 50), np.uint8))[:-20], 422, "cut short|cannot be read"),
        (many_scans(101), 422, "cannot be read: it is a JPEG of more than 100 scans"),
        (b"\xff\xd8\xff\xe0" + bytes(100), 422, "damaged|not a JPEG"),
        (bytes(4_000_001), 422, "larger than the 4 MB"),
    ],
)
def test_bad_files_are_refused_in_plain_words(server: Server, data: bytes, status: int, messages: str) -> None:
    with server.client() as client:
        answer = client.post("/photos", params={"name": "../../../etc/passwd"}, content=data)
        by_chunks = client.post("/photos", content=iter([data[:1000], data[1000:]]))
    assert answer.status_code == by_chunks.status_code == status
    assert any(each in answer.json()["error"] for each in messages.split("|")), answer.text
    assert_no_path(answer.text + by_chunks.text, server)


@pytest.mark.parametrize(
    ("name", "data", "messages"),
    [
        ("psf.txt", b"1", "ends in .npy, .tif or .png"),
        ("psf.npy", b"1", "cannot be used"),
        ("psf.png", png_bomb(30_000, 30_000), "pixels"),
        ("psf.tif", b"II*\0", "damaged|no picture"),
    ],
)
def test_bad_psf_files_are_refused_in_plain_words(server: Server, name: str, data: bytes, messages: str) -> None:
    with server.client() as client:
        photo = uploaded(client, png(np.zeros((64, 64), np.uint8)))
        answer = client.post(f"{photo}/psf", params={"name": name}, content=data)
        before = client.post(f"{photo}/job", json={"kind": "file"})
    assert answer.status_code == before.status_code == 422
    assert any(each in answer.json()["error"] for each in messages.split("|")), answer.text
    assert_no_path(answer.text, server)


def test_a_psf_larger_than_the_photo_is_refused(server: Server) -> None:
    with server.client() as client:
        photo = uploaded(client, png(np.zeros((20, 20), np.uint8)))
        client.post(f"{photo}/job", json={"kind": "disk", "radius": 30})
        status = finished(client, photo)
    assert status["state"] == "failed"
    assert "larger than the image" in status["error"]


@pytest.mark.parametrize(
    "target",
    [
        "/page/../_app.py",
        "/page/..%2f_app.py",
        "/page/%2e%2e/%2e%2e/cli/_app.py",
        "/page//etc/passwd",
        "//etc/passwd",
        "/page/",
        "/photos/..%2f..%2fetc/view",
        "/photos/nobody/job/file",
        "/examples/..%2fstyle.jpg",
        "/nothing",
    ],
)
def test_nothing_but_the_page_is_served(server: Server, target: str) -> None:
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=120) as raw:  # httpx would tidy the path
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: raw.recv(65536), b"")).decode()
    assert answer.startswith("HTTP/1.1 404")
    assert_no_path(answer, server)


def test_huge_headers_and_malformed_requests_do_no_harm(server: Server) -> None:
    address = urlsplit(server.url)
    for sent in (b"GET / HTTP/1.1\r\nX: " + b"x" * 10**6 + b"\r\n\r\n", b"\0\xff\0\r\n\r\n"):
        with socket.create_connection((address.hostname, address.port), timeout=120) as raw:
            try:
                raw.sendall(sent)
                answer = raw.recv(65536)
            except ConnectionError:
                answer = b""
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    with server.client() as client:
        photo = uploaded(client, png(np.zeros((64, 64), np.uint8)))
        for wrong in (b"[]", b"{", b"[" * 9000, b"x" * 20_000, b"\xff"):
            assert client.post(f"{photo}/job", content=wrong).status_code == 422
        assert client.get("/").status_code == 200


def test_the_queue_is_bounded_and_cancelling_stops_the_work(server: Server, long_work: bytes) -> None:
    with server.client() as client:
        photos = [uploaded(client, long_work, f"{number}.png") for number in range(4)]
        started = [client.post(f"{photos[0]}/job", json=DISK)]
        until(lambda: client.get(f"{photos[0]}/job").json()["fraction"] > 0)
        before = server.children()
        started += [client.post(f"{photo}/job", json=DISK) for photo in photos[1:]]
        assert [each.status_code for each in started] == [202, 202, 202, 503]
        assert "2 photos are waiting already" in started[-1].json()["error"]
        assert [client.get(f"{photo}/job").json().get("jobs_ahead") for photo in photos[:3]] == [None, 0, 1]

        assert client.delete(f"{photos[1]}/job").json()["state"] == "cancelled"
        assert client.get(f"{photos[2]}/job").json()["jobs_ahead"] == 0
        assert client.delete(f"{photos[2]}/job").json()["state"] == "cancelled"
        assert client.delete(f"{photos[0]}/job").json()["state"] == "cancelled"
        until(lambda: len(before - server.children()) == 1)  # the process was killed
        assert client.get(f"{photos[0]}/job/file").status_code == 404

        client.post(f"{photos[3]}/job", json=DISK)  # and the next one runs
        until(lambda: client.get(f"{photos[3]}/job").json()["fraction"] > 0)
        for photo in photos:
            assert client.post(f"{photo}/forget").status_code == 204
            assert client.get(f"{photo}/job").status_code == 404
    until(lambda: server.left_files() == [])


def test_a_worker_that_dies_fails_only_its_own_job(server: Server, long_work: bytes) -> None:
    with server.client() as client:
        photo = uploaded(client, long_work)
        client.post(f"{photo}/job", json=DISK)
        until(lambda: client.get(f"{photo}/job").json()["fraction"] > 0)
        for child in server.children():
            os.kill(child, signal.SIGKILL)
        status = finished(client, photo)
        assert status["state"] == "failed"
        assert "Something went wrong" in status["error"]
        photo = uploaded(client, png(np.zeros((64, 64), np.uint8)))
        client.post(f"{photo}/job", json=DISK)
        assert finished(client, photo)["state"] == "done"


def test_the_port_is_taken_and_the_options_are_checked(server: Server) -> None:
    port = str(urlsplit(server.url).port)
    cases = (
        (("--port", port), "cannot listen on 127.0.0.1"),
        (("--workers", "0"), "workers"),
        (("--device", "abacus"), "device 'abacus' is not on this machine"),
    )
    for options, message in cases:
        done = subprocess.run([COMMAND, "web", *options], env=ENVIRONMENT, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1


def test_a_server_that_others_can_reach_says_so_and_asks_for_its_token(tmp_path: Path) -> None:
    opened, closed = (start_server(tmp_path, "--host", "0.0.0.0", *option) for option in ((), ("--token",)))
    with httpx.Client(timeout=240, follow_redirects=True) as client:
        assert client.get(opened.url).status_code == 200
        page, _, token = closed.url.partition("?token=")
        assert len(token) >= 20
        assert client.get(page).status_code == 401
        assert client.get(closed.url).url == page
        assert client.get(f"{page}limits").status_code == 200  # by the cookie
    warned = "deblur web: anyone who can reach 0.0.0.0 on the network can open the page; --token prevents that"
    assert warned in opened.printed.splitlines()
    assert "anyone" not in closed.printed
    for server in (opened, closed):
        assert "Traceback" not in stop_server(server)


def test_without_its_extra_the_command_names_the_package() -> None:
    script = "import sys; sys.modules['uvicorn'] = None; sys.argv = ['deblur', 'web']; import deblur.cli as c; c.main()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "deblur: deblur web needs uvicorn: pip install 'starlette>=0.40' 'uvicorn>=0.30'\n"


def assert_no_path(text: str, server: Server) -> None:
    places = (str(server.temporary), "deblur-web-", "site-packages", str(Path(__file__).parents[2]), "Traceback")
    assert not any(place in text for place in places), text
