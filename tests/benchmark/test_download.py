"""Downloads against a server that does all that servers do."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from deblur.benchmark import Card, DownloadError, File, _download, folder_of, get, verify
from tests.signals import hear_ctrl_c

from .server import CONTENT, SHA256, STEP, Server

PATH = "mine/data (1).bin"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def data_set(monkeypatch: pytest.MonkeyPatch, server: Server, tmp_path: Path) -> Card:
    """A data set "mine" with one file on the server, a cache in `tmp_path`, and no waiting between tries."""
    mine = Card("mine", "t", "l", "p", (), "@", (File(PATH, server.url, SHA256, len(CONTENT)),))
    monkeypatch.setattr(_download, "card", lambda name: mine)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("DEBLUR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DEBLUR_DATA", raising=False)
    return mine


def left_in(folder: Path) -> list[str]:
    """The files in a folder but for the lock."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


PART = f".data (1).bin.{SHA256[:16]}.part"


def test_download(server: Server, tmp_path: Path) -> None:
    seen: list[float] = []
    folder = get("mine", progress=lambda fraction, stage: seen.append(fraction))
    assert folder == tmp_path / "cache"
    assert (folder / PATH).read_bytes() == CONTENT
    assert left_in(folder) == ["data (1).bin"]
    assert seen == sorted(seen)
    assert 0 < seen[0] < 1
    assert seen[-1] == 1
    assert verify("mine") == []
    assert folder_of("mine") == folder
    assert get("mine") == folder
    assert len(server.ranges) == 1  # the second time there was nothing to do


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    assert (get("mine") / PATH).stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_slow_server_is_waited_for(server: Server) -> None:
    server.moods = ["slow"]
    assert (get("mine") / PATH).read_bytes() == CONTENT


def test_stalled_server_is_given_up_and_the_part_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_download, "TIMEOUT", (1.0, 0.2))
    monkeypatch.setattr(_download, "RETRIES", 0)
    server.moods = ["stalled", "good"]
    with pytest.raises(DownloadError, match=r"no connection to 127.0.0.1.*run this again to resume"):
        get("mine")
    assert left_in(tmp_path) == [PART]
    assert (get("mine") / PATH).read_bytes() == CONTENT
    assert server.ranges[1] == f"bytes={STEP}-"


def test_cut_connection_goes_on_where_it_broke(server: Server) -> None:
    server.moods = ["cut", "cut", "good"]
    folder = get("mine")
    assert (folder / PATH).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={2 * STEP}-", f"bytes={4 * STEP}-"]
    assert left_in(folder) == ["data (1).bin"]


def test_cut_connection_that_stays_cut(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_download, "RETRIES", 0)
    server.moods = ["cut"]
    for kept in (2 * STEP, 4 * STEP):
        with pytest.raises(DownloadError, match="or it broke"):
            get("mine")
        assert left_in(tmp_path) == [PART]
        assert (tmp_path / "cache/mine" / PART).stat().st_size == kept
    server.moods = ["good"]
    assert (get("mine") / PATH).read_bytes() == CONTENT


def test_server_that_refuses_ranges_starts_again(server: Server) -> None:
    server.moods = ["cut", "no ranges"]
    assert (get("mine") / PATH).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={2 * STEP}-"]


@pytest.mark.parametrize("mood", ["corrupted", "truncated", "endless"])
def test_wrong_file_is_never_left(mood: str, server: Server, tmp_path: Path) -> None:
    server.moods = [mood]
    with pytest.raises(DownloadError, match=r"differs from its card.*deleted") as caught:
        get("mine")
    assert "\n" not in str(caught.value)
    assert len(server.ranges) == 1 + _download.RETRIES
    assert left_in(tmp_path) == []
    server.moods = ["good"]
    assert (get("mine") / PATH).read_bytes() == CONTENT


def test_wrong_beginning_of_a_part_is_found_and_mended(server: Server, tmp_path: Path) -> None:
    server.moods = ["good"]
    part = tmp_path / "cache/mine" / PART
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * 1000)
    assert (get("mine") / PATH).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_part_longer_than_the_file_of_the_server(server: Server, tmp_path: Path) -> None:
    server.moods = ["truncated"]
    part = tmp_path / "cache/mine" / PART
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:-500])
    with pytest.raises(DownloadError, match="it was deleted"):
        get("mine")
    assert server.ranges == [f"bytes={len(CONTENT) - 500}-", None, None]
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("size", [len(CONTENT), len(CONTENT) + 5])
def test_wrong_part_of_full_size_is_thrown_away(size: int, tmp_path: Path) -> None:
    part = tmp_path / "cache/mine" / PART
    part.parent.mkdir(parents=True)
    part.write_bytes(b"?" * size)
    assert (get("mine") / PATH).read_bytes() == CONTENT


def test_whole_part_needs_no_server(server: Server, tmp_path: Path) -> None:
    part = tmp_path / "cache/mine" / PART
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    get("mine")
    assert server.ranges == []


@pytest.mark.parametrize("mood", ["404", "403"])
def test_missing_file_is_not_asked_for_twice(mood: str, server: Server, tmp_path: Path) -> None:
    server.moods = [mood]
    with pytest.raises(DownloadError, match=f"responds with {mood} for http://127.0.0.1:.*/data.bin$"):
        get("mine")
    assert len(server.ranges) == 1
    assert left_in(tmp_path) == []


def test_busy_server_is_asked_again(server: Server) -> None:
    server.moods = ["503", "429", "good"]
    assert (get("mine") / PATH).read_bytes() == CONTENT


def test_server_that_stays_busy(server: Server, tmp_path: Path) -> None:
    server.moods = ["503"]
    with pytest.raises(DownloadError, match="responds with 503; try again later"):
        get("mine")
    assert left_in(tmp_path) == []


def test_no_network(server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(
        DownloadError, match=r"no connection to 127.0.0.1:\d+, or it broke \(ConnectionError\)"
    ) as caught:
        get("mine")
    assert "\n" not in str(caught.value)


def test_no_space_left(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open

    def full(path: Path, mode: str = "r", *rest: object) -> object:
        stream = real(path, mode, *rest)  # type: ignore[call-overload]
        return Full(stream) if path.suffix == ".part" else stream

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(DownloadError, match=r"no space left in .*cache for mine/data \(1\).bin"):
        get("mine")
    monkeypatch.undo()
    assert left_in(tmp_path) == [PART]


class Full:
    """A file on a disk with room for one block."""

    def __init__(self, stream: object) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)

    def __enter__(self) -> "Full":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()  # type: ignore[attr-defined]

    def write(self, block: bytes) -> None:
        if self.stream.tell():  # type: ignore[attr-defined]
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.stream.write(block)  # type: ignore[attr-defined]


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"cannot write to .*file/sub: Not a directory"):
        get("mine", to=tmp_path / "file/sub")


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is read-only for root")
def test_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(DownloadError, match=r"cannot write to .*locked: Permission denied"):
        get("mine", to=tmp_path / "locked")


KILLED = """
import sys
from deblur.benchmark import Card, File, _download
mine = Card("mine", "t", "l", "p", (), "@", (File({path!r}, {url!r}, {sha256!r}, {size}),))
_download.card = lambda name: mine
_download.get("mine", progress=lambda fraction, stage: print(fraction, flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by POSIX signals")
@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGINT])
def test_killed_download_leaves_a_part_and_goes_on(kill: signal.Signals, server: Server, tmp_path: Path) -> None:
    server.moods = ["stalled", "good"]
    code = KILLED.format(path=PATH, url=server.url, sha256=SHA256, size=len(CONTENT))
    child = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        preexec_fn=hear_ctrl_c,
    )
    assert child.stdout
    child.stdout.readline()  # some of it has arrived
    child.send_signal(kill)
    child.communicate()
    assert child.returncode
    assert left_in(tmp_path) == [PART]
    kept = (tmp_path / "cache/mine" / PART).stat().st_size
    assert (get("mine") / PATH).read_bytes() == CONTENT
    assert server.ranges[1] == (f"bytes={kept}-" if kept else None)


def test_two_at_once_download_once(server: Server) -> None:
    server.moods = ["slow"]
    threads = [threading.Thread(target=get, args=("mine",)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verify("mine") == []
    assert len(server.ranges) == 1


@pytest.fixture
def with_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes the file of "mine" into a folder that DEBLUR_DATA names."""

    def write(content: bytes) -> Path:
        path = tmp_path / "data" / PATH
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        monkeypatch.setenv("DEBLUR_DATA", str(tmp_path / "data"))
        return tmp_path / "data"

    return write


def test_data_folder_that_has_the_files_is_used(server: Server, with_data: Callable[[bytes], Path]) -> None:
    data = with_data(CONTENT)
    assert folder_of("mine") == get("mine") == data
    assert left_in(data) == ["data (1).bin"]
    assert server.ranges == []


@pytest.mark.parametrize("content", [CONTENT[:-1], b"?" + CONTENT[1:]])
def test_data_folder_with_wrong_files_is_left_alone(
    content: bytes, with_data: Callable[[bytes], Path], tmp_path: Path
) -> None:
    data = with_data(content)
    assert len(verify("mine", folder=data)) == 1
    assert get("mine") == tmp_path / "cache"
    assert (data / PATH).read_bytes() == content
    assert left_in(data) == ["data (1).bin"]


def test_to_names_the_folder(tmp_path: Path, with_data: Callable[[bytes], Path]) -> None:
    with_data(CONTENT)
    assert get("mine", to=tmp_path / "here") == tmp_path / "here"
    assert verify("mine", folder=tmp_path / "here") == []


def test_wrong_file_in_the_cache_is_replaced(tmp_path: Path) -> None:
    path = get("mine") / PATH
    path.write_bytes(b"?" + CONTENT[1:])
    assert verify("mine")[0].startswith(f"{PATH} has the SHA-256")
    get("mine")
    assert path.read_bytes() == CONTENT


def test_what_is_not_here_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mine: 1 of 1 files .* deblur datasets get mine$"):
        folder_of("mine")
    assert verify("mine") == [f"{PATH} is missing"]
    (tmp_path / "cache/mine").mkdir(parents=True)
    (tmp_path / "cache" / PATH).write_bytes(b"ab")
    assert verify("mine") == [f"{PATH} has 2 bytes, its card says {len(CONTENT)}"]
    with pytest.raises(FileNotFoundError):
        folder_of("mine")


def test_pooch_stays_silent(capfd: pytest.CaptureFixture[str]) -> None:
    get("mine")
    assert capfd.readouterr() == ("", "")
