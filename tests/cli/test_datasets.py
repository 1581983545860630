"""`deblur datasets`, with the cards of the package and a local server for downloads."""

import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deblur.benchmark import card, cards

from ..benchmark.test_download import CONTENT, PATH, SHA256, Server
from .conftest import TERMINAL, Run, Start
from .test_interrupted import NEVER, read_until


@pytest.fixture(autouse=True)
def nowhere(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no data folder, and no network beyond this machine."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        proxy = f"http://127.0.0.1:{unused.getsockname()[1]}"
    overrides = {"DEBLUR_DATA": "", "DEBLUR_CACHE": str(tmp_path / "cache"), "HTTPS_PROXY": proxy}
    for name, value in (overrides | {"NO_PROXY": "127.0.0.1", "COLUMNS": "100"}).items():
        monkeypatch.setitem(environment, name, value)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with the only file of the only data set, "mine", of commands that run `only_mine` first."""
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    (tmp_path / "cards/mine").mkdir(parents=True)
    (tmp_path / "cards/mine/card.toml").write_text(
        f'title = "Mine"\nlicense = "MIT"\npermits = "All."\ntraps = []\ncitation = "@misc{{mine}}"\n'
        f'[[files]]\npath = "{PATH}"\nurl = "{running.url}"\nsha256 = "{SHA256}"\nbytes = {len(CONTENT)}\n'
    )
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def only_mine(server: Server, tmp_path: Path) -> str:
    """Code that replaces the cards of the command by that of `server`."""
    return (
        "import pathlib\nfrom deblur.benchmark import _cards\n"
        f"_cards._folder = lambda: pathlib.Path({str(tmp_path / 'cards')!r})\n"
    )


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_list_has_a_line_for_each(run: Run) -> None:
    heading, *lines = run("datasets", "list").stdout.splitlines()
    assert heading.split() == ["name", "files", "size", "here", "title"]
    found = [re.fullmatch(r"(\S+) +(\d+) +[\d.]+ \wB +no +(\S.*)", line) for line in lines]
    assert [match and match.groups() for match in found] == [
        (each.name, str(len(each.files)), each.title) for each in cards()
    ]


@pytest.mark.parametrize("name", [each.name for each in cards()])
def test_info_says_what_the_card_says(run: Run, name: str) -> None:
    shown = run("datasets", "info", name).stdout
    assert max(map(len, shown.splitlines())) <= 140
    words, found = " ".join(shown.split()), card(name)
    for text in (found.title, found.license, found.permits, *found.traps, found.citation):
        assert " ".join(text.split()) in words
    assert f"get them with: deblur datasets get {name}" in words


def test_data_of_a_folder(
    run: Run, data_dir: Path, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(data_dir / "set5", tmp_path / "data/set5")
    monkeypatch.setitem(environment, "DEBLUR_DATA", "data")
    folder = tmp_path / "data"
    assert re.search(r"^set5 .* yes ", run("datasets", "list").stdout, re.MULTILINE)
    assert f"folder   {folder}\n" in run("datasets", "info", "set5").stdout
    assert run("datasets", "get", "set5").stdout == f"set5: 5 files, 1.7 MB, in {folder}\n"
    assert run("datasets", "verify", "set5").stdout == f"set5: all 5 files in {folder} match its card\n"
    assert not (tmp_path / "cache").exists()

    path = folder / card("set5").files[2].path
    path.write_bytes(b"?" + path.read_bytes()[1:])
    done = run("datasets", "verify", "set5", code=1)
    assert re.fullmatch(rf"{card('set5').files[2].path} has the SHA-256 \w+, its card says \w+\n", done.stdout)
    assert done.stderr == f"deblur: set5: 1 of 5 files in {folder} differ from its card\n"


def test_verify_prints_a_line_per_missing_file(run: Run) -> None:
    done = run("datasets", "verify", "set5", code=1)
    assert done.stdout.splitlines() == [f"{file.path} is missing" for file in card("set5").files]
    assert re.fullmatch(r"deblur: set5: 5 of 5 files are missing .* deblur datasets get set5\n", done.stderr)


def test_get(run: Run, only_mine: str, tmp_path: Path) -> None:
    assert (
        run("datasets", "get", "mine", prelude=only_mine).stdout
        == f"mine: 1 files, 300.0 kB, in {tmp_path / 'cache'}\n"
    )
    assert (tmp_path / "cache" / PATH).read_bytes() == CONTENT
    assert run("datasets", "get", "mine", "--to", "here/deep", prelude=only_mine).stdout.endswith(
        f"in {tmp_path / 'here/deep'}\n"
    )
    assert (tmp_path / "here/deep" / PATH).read_bytes() == CONTENT
    assert run("datasets", "verify", "mine", prelude=only_mine).stderr == ""


def test_get_repairs_a_damaged_file(run: Run, only_mine: str, tmp_path: Path) -> None:
    run("datasets", "get", "mine", prelude=only_mine)
    path = tmp_path / "cache" / PATH
    path.write_bytes(b"?" + CONTENT[1:])
    run("datasets", "verify", "mine", code=1, prelude=only_mine)
    run("datasets", "get", "mine", prelude=only_mine)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("mood", "said"),
    [("corrupted", "differs from its card"), ("404", "responds with 404"), ("503", "responds with 503")],
)
def test_a_bad_server_is_one_line(
    run: Run, server: Server, only_mine: str, tmp_path: Path, mood: str, said: str
) -> None:
    server.moods = [mood]
    done = run("datasets", "get", "mine", code=2, prelude=only_mine)
    assert re.fullmatch(r"deblur: .*\n", done.stderr)
    assert said in done.stderr
    assert done.stdout == ""
    assert files_in(tmp_path / "cache") == []


def test_a_killed_download_is_resumed(run: Run, start: Start, server: Server, only_mine: str, tmp_path: Path) -> None:
    server.moods = ["stalled"]
    work = start("datasets", "get", "mine", prelude=only_mine)
    while work.poll() is None and not any(path.stat().st_size for path in tmp_path.glob("cache/mine/.*.part")):
        time.sleep(0.01)
    work.kill()
    work.wait()
    server.moods = ["good"]
    run("datasets", "get", "mine", prelude=only_mine)
    assert (tmp_path / "cache" / PATH).read_bytes() == CONTENT
    assert str(server.ranges[-1]).startswith("bytes=")


def test_a_terminal_shows_the_bytes(start: Start, server: Server, only_mine: str) -> None:
    pty = pytest.importorskip("pty", reason="needs a POSIX terminal")
    server.moods = ["slow"]
    terminal, theirs = pty.openpty()
    work = start("datasets", "get", "mine", stderr=theirs, variables=TERMINAL, prelude=only_mine)
    os.close(theirs)
    shown = read_until(terminal, NEVER).decode()
    assert work.communicate()[0].startswith(b"mine: 1 files")
    os.close(terminal)
    assert re.search(r"mine: \d+\.\d kB of 300\.0 kB", shown)
    assert "━" in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["info", "levin"], "no data set is called 'levin'; did you mean 'levin2009'?"),
        (["get", "set-14"], "did you mean 'set14'?"),
        (["verify", ""], "no data set is called ''"),
        (["get", "../set14"], "no data set is called '../set14'"),
        (["get"], "'NAME'"),
        (["get", "set5", "--to", ""], "--to"),
        (["get", "set5", "--to", "file"], "cannot write to"),
        (["get", "set5", "--to", "/proc/deblur"], "cannot write to /proc/deblur"),
        (["gte", "set5"], "'gte'"),
        (["list", "set5"], "set5"),
    ],
)
def test_bad_input_is_one_line(run: Run, tmp_path: Path, arguments: list[str], named: str) -> None:
    (tmp_path / "file").touch()
    done = run("datasets", *arguments, code=2)
    assert re.fullmatch(r"deblur: .*\n", done.stderr)
    assert named in done.stderr
    assert "internal error" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_a_network(run: Run, tmp_path: Path) -> None:
    done = run("datasets", "get", "set5", code=2)
    assert re.fullmatch(r"deblur: cannot download set5/\w+.\w+: no connection to raw\.\S+, .*\n", done.stderr)
    assert files_in(tmp_path) == []
