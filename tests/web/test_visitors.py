"""Visitors who are slow, leave or send what takes very long, on a server whose workers only pretend to work."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("starlette", reason="the page needs the extra web")
pytest.importorskip("uvicorn", reason="the page needs the extra web")

import uvicorn

from deblur.web import Limits, _child, make_app, serve
from deblur.web._limits import RefusedError
from deblur.web._serve import _configured
from deblur.web._worker import Worker

from . import _processes
from .conftest import httpx, until

PLENTY = 120.0  # seconds, as machines may be busy


@pytest.fixture(autouse=True)
def pretended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_child, "main", _processes.main)


@pytest.fixture
def served() -> Iterator[Callable[..., str]]:
    """Start servers with given limits, in threads."""
    with contextlib.ExitStack() as stack:
        yield lambda **limits: stack.enter_context(running(Limits(**limits)))


@contextmanager
def running(limits: Limits) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(_configured(make_app(limits), limits))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def connected(url: str, sent: bytes) -> socket.socket:
    address = urlsplit(url)
    raw = socket.create_connection((address.hostname, address.port), timeout=PLENTY)
    raw.sendall(sent.replace(b"HOST", address.netloc.encode()))
    return raw


def posted(length: int, body: bytes = b"") -> bytes:
    return b"POST /photos HTTP/1.1\r\nHost: HOST\r\nContent-Length: %d\r\n\r\n" % length + body


def everything(raw: socket.socket) -> bytes:
    return b"".join(iter(lambda: raw.recv(65536), b""))


def run(work: Callable[[Worker], Coroutine[Any, Any, Any]]) -> Any:
    async def whole() -> Any:
        worker = Worker(1, background=False)
        try:
            return await work(worker)
        finally:
            worker.stop()

    return asyncio.run(whole())


def test_a_task_that_takes_too_long_is_killed_and_the_next_one_runs() -> None:
    async def work(worker: Worker) -> Any:
        with pytest.raises(RefusedError, match=r"stopped after 0\.1 seconds"):
            await worker.run("open", seconds=0.1, data=b"hang")
        assert not worker.is_alive
        return await worker.run("open", data=b"")

    assert run(work) == _processes.FACTS


def test_a_cancelled_task_may_end_by_itself_before_it_is_killed() -> None:
    async def alive(worker: Worker, data: bytes, grace: float) -> bool:
        await worker.start()
        task = asyncio.create_task(worker.run("open", data=data, grace=grace))
        while not worker._is_running:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return worker.is_alive

    assert run(lambda worker: alive(worker, b"wait", PLENTY))
    assert not run(lambda worker: alive(worker, b"hang", 0.1))


def test_workers_that_wait_leave_the_threads_of_asyncio_free() -> None:
    async def work() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        workers = [Worker(1, background=True) for _ in range(3)]
        tasks = [asyncio.create_task(worker.run("restore", data=b"hang")) for worker in workers]
        try:
            while not all(worker._is_running for worker in workers):
                await asyncio.sleep(0.01)
            assert await asyncio.wait_for(asyncio.to_thread(lambda: 1), PLENTY) == 1
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(asyncio.wait_for(work(), PLENTY))


def test_a_dead_process_is_one_line_and_no_traceback(
    served: Callable[..., str], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    url = served()
    answer = httpx.post(f"{url}/photos", content=b"die", timeout=PLENTY)
    assert (answer.status_code, "Something went wrong" in answer.text) == (500, True)
    assert [record.getMessage() for record in caplog.records] == ["WorkerError: the worker process died"]
    assert httpx.post(f"{url}/photos", content=b"1", timeout=PLENTY).status_code == 201
    assert "Traceback" not in capfd.readouterr().err


def test_nobody_waits_for_a_photo_that_takes_very_long(served: Callable[..., str]) -> None:
    url = served(look_seconds=0.2)
    answer = httpx.post(f"{url}/photos", content=b"hang", timeout=PLENTY)
    assert (answer.status_code, "stopped after 0.2 seconds" in answer.text) == (422, True)
    assert httpx.post(f"{url}/photos", content=b"1", timeout=PLENTY).status_code == 201


def test_the_work_of_a_visitor_who_hangs_up_ends(
    served: Callable[..., str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("deblur.web._sessions._GRACE_SECONDS", 0.1)
    url = served(look_seconds=3600)
    with connected(url, posted(4, b"hang")):
        time.sleep(0.1)  # that it has begun is not necessary
    assert httpx.post(f"{url}/photos", content=b"1", timeout=PLENTY).status_code == 201
    with connected(url, posted(1000, b"half")):  # a closed tab
        pass
    assert httpx.get(f"{url}/limits", timeout=PLENTY).status_code == 200
    time.sleep(0.1)
    assert not caplog.records


def test_idle_uploads_keep_nobody_out_and_are_ended(served: Callable[..., str]) -> None:
    size = 1_000_000
    url = served(file_bytes=size, held_bytes=4 * size, body_seconds=3600)
    chunked = b"POST /photos HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n"
    idle = [connected(url, posted(size, b"x")) for _ in range(10)] + [connected(url, chunked) for _ in range(10)]
    assert httpx.post(f"{url}/photos", content=bytes(size), timeout=PLENTY).status_code == 201
    for each in idle:
        each.close()

    url = served(body_seconds=0.2)
    with connected(url, posted(size, b"x")) as raw:
        answer = everything(raw)
    assert answer.startswith(b"HTTP/1.1 422")
    assert b"arrived too slowly" in answer


def test_half_sent_headers_are_not_waited_for(served: Callable[..., str]) -> None:
    url = served(header_seconds=0.3)
    for sent in (b"", b"GET / HTTP/1.1\r\nHost: "):
        with connected(url, sent) as raw:
            assert everything(raw) == b""  # which ends where the server hangs up
    with connected(url, b"GET /limits HTTP/1.1\r\nHost: HOST\r\n\r\n") as raw:
        assert raw.recv(65536).startswith(b"HTTP/1.1 200")
        raw.sendall(b"GET /limits HTTP/1.1\r\n")
        everything(raw)
    url = served(header_seconds=0.2, body_seconds=3600)
    with connected(url, posted(4, b"1")) as raw:  # a body is given more time
        time.sleep(0.5)
        raw.sendall(b"234")
        assert raw.recv(65536).startswith(b"HTTP/1.1 201")


def test_a_refusal_before_the_body_is_read_arrives(served: Callable[..., str]) -> None:
    cases = (
        (served(photos=0), 503, "photos", 5_000_000),
        (served(file_bytes=4_000_000), 422, "photos", 5_000_000),
        (served(), 404, "nothing", 5_000_000),
    )
    for url, status, path, size in cases:
        client = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PLENTY)
        client.request("POST", f"/{path}", bytes(size), {"Connection": "close"})  # as urllib does
        answer = client.getresponse()
        assert (answer.status, answer.read()[:9]) == (status, b'{"error":')
        assert httpx.post(f"{url}/{path}", content=bytes(size), timeout=PLENTY).status_code == status


def test_a_port_is_taken_as_soon_as_a_server_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def second(started: Any, sockets: list[socket.socket]) -> None:  # in place of running, before anyone is served
        with pytest.raises(OSError, match="cannot listen on 127"):
            serve(port=sockets[0].getsockname()[1])
        tried.append(True)

    tried: list[bool] = []
    monkeypatch.setattr(uvicorn.Server, "run", second)
    serve(port=0)
    assert tried == [True]
