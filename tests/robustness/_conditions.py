"""Hostile surroundings: no space, no permission, changing files, locales, clocks, odd names; signals to the server."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import tifffile

from deblur import photo
from tests.robustness import _corpus
from tests.robustness._command import SECONDS, start
from tests.robustness._tally import Tally, peak_bytes
from tests.robustness._web import DISK, served

_NOBODY = 65_534
_COMMAND = str(Path(sys.executable).with_name("deblur"))
_RESTORE = ("restore", "a.png", "--psf", "disk:radius=1", "--method", "wiener")
_NAMES = ("a b.png", "line\nbreak.png", "é日本.png", "İstanbul ı.png", "[red]a.png", "%s%n.png", "'\".png", " .png")
_LOCALES = ("C", "C.UTF-8", "POSIX", "tr_TR.UTF-8", "ja_JP.UTF-8")


def try_all(tally: Tally) -> None:
    """Try each condition once."""
    for kind, condition in _CONDITIONS.items():
        with tempfile.TemporaryDirectory(prefix="robustness-") as place:
            folder = Path(place, "work")
            folder.mkdir()
            (folder / "a.png").write_bytes(_corpus.pictures()["color.png"])
            for case, run in condition(folder).items():
                began = time.monotonic()
                fault = run()
                tally.add(kind, case, time.monotonic() - began, fault, peak_bytes())
        print(f"{kind}: done, {len(tally.failures)} failures so far", flush=True)


def _ends(
    folder: Path, arguments: tuple[str, ...], codes: tuple[int, ...], prepare: Callable[[], object] | None = None
) -> str | None:
    """Return what is wrong with how a command ends: another exit code, several lines, or a temporary file left."""
    printed = folder.parent / "printed"
    printed.touch()
    printed.chmod(0o666)
    code = start(arguments, folder, printed, prepare).wait(SECONDS)
    text = printed.read_text(errors="replace")
    if code not in codes:
        return f"exit code {code}, not {codes}: {text!r:.300}"
    errors = [line for line in text.splitlines() if line.startswith("deblur: ")]
    if "Traceback" in text or "internal error" in text or (code == 2 and len(errors) != 1):
        return f"{text!r:.400}"
    left = [path.name for path in folder.rglob(".deblur-*")]
    return f"leaves {left}" if left else None


def _no_space(folder: Path) -> dict[str, Callable[[], str | None]]:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))

    np.save(folder / "psf.npy", np.ones((3, 3)))
    stack = _corpus.pictures()["cells.ome.tif"]
    (folder / "s.ome.tif").write_bytes(stack)
    commands = {
        suffix: (*_RESTORE, "--noise-level", "0.01", "-o", f"out{suffix}")
        for suffix in (".png", ".tif", ".jpg", ".webp")
    }
    commands["stack"] = ("restore", "s.ome.tif", "--psf", "psf.npy", "--method", "wiener", "-o", "out.ome.tif")
    commands["psf"] = ("psf", "make", "disk:radius=30", "-o", "out.npy")
    return {name: lambda c=command: _ends(folder, c, (2,), small_files) for name, command in commands.items()}


def mount_small_disk(folder: Path) -> bool:
    """Mount a disk of 256 kB as `folder`; return whether that is allowed here. ``umount`` removes it."""
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder))
    return shutil.which("mount") is not None and not subprocess.run(mount, capture_output=True, check=False).returncode


def _small_disk(folder: Path) -> dict[str, Callable[[], str | None]]:
    """Write larger results to a small disk, where one can be mounted."""
    disk = folder / "disk"
    if not mount_small_disk(disk):
        print("no disk can be mounted here", flush=True)
        return {}
    rng = np.random.default_rng(0)
    photo.write(folder / "large.png", photo.Photo(rng.random((500, 500, 3)), -1))
    tifffile.imwrite(folder / "large.tif", rng.integers(0, 60_000, (1500, 1500), dtype=np.uint16))
    tifffile.imwrite(folder / "s.ome.tif", rng.integers(0, 60_000, (20, 300, 300), dtype=np.uint16), ome=True)
    plain = ("--psf", "gaussian:sigma=1", "--method", "wiener", "--noise-level", "0.01", "-o")
    commands = {
        suffix: ("restore", "large.png", *plain, f"disk/out{suffix}") for suffix in (".png", ".tif", ".jpg", ".webp")
    }
    commands["by parts"] = ("restore", "large.tif", "--memory", "1G", *plain, "disk/out.tif")
    for suffix in (".tif", ".ome.tif", ".ome.zarr"):
        commands[f"stack to {suffix}"] = (
            *("restore", "s.ome.tif", "--psf", "gaussian:sigma=1x1x1", "--method", "wiener", "-o", f"disk/out{suffix}"),
        )
    commands["psf"] = ("psf", "make", "disk:radius=300", "-o", "disk/out.npy")
    commands["psf, TIFF"] = ("psf", "make", "disk:radius=300", "-o", "disk/out.tif")

    def filled(command: tuple[str, ...]) -> str | None:
        fault = _ends(folder, command, (2,))
        left = [path.name for path in disk.iterdir()]
        return fault or (f"leaves {left}" if left else None)

    def unmounted() -> str | None:
        return None if subprocess.run(("umount", str(disk)), check=False).returncode == 0 else "cannot be unmounted"

    return {name: lambda c=command: filled(c) for name, command in commands.items()} | {"unmounted": unmounted}


def _read_only(folder: Path) -> dict[str, Callable[[], str | None]]:
    """Folders of another user: root could write anywhere, so it becomes nobody."""
    if os.geteuid() != 0:
        return {}
    folder.parent.chmod(0o755)
    folder.chmod(0o755)

    def become_nobody() -> None:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)

    (folder / "secret.png").write_bytes(_corpus.pictures()["color.png"])
    (folder / "secret.png").chmod(0)
    commands = {
        "restore": (*_RESTORE, "-o", "out.png"),
        "into a folder": (*_RESTORE, "-o", "new/"),
        "psf": ("psf", "make", "disk:radius=3", "-o", "out.npy"),
        "unreadable": ("restore", "secret.png", "--psf", "disk:radius=1", "-o", "/tmp/never.png"),
    }
    return {name: lambda c=command: _ends(folder, c, (2,), become_nobody) for name, command in commands.items()}


def _changing(folder: Path) -> dict[str, Callable[[], str | None]]:
    """Files that are truncated and rewritten while they are read: read whole, or refused in one line."""
    noise = np.random.default_rng(0).integers(0, 60_000, (6, 200, 220)).astype(np.uint16)
    tifffile.imwrite(folder / "s.ome.tif", noise, photometric="minisblack", metadata={"axes": "ZYX"})
    tifffile.imwrite(folder / "plain.tif", noise[0])

    def changed(name: str) -> str | None:
        whole, over = (folder / name).read_bytes(), threading.Event()

        def change() -> None:
            rng = random.Random(0)
            while not over.is_set():
                os.truncate(folder / name, rng.randrange(len(whole)))
                time.sleep(rng.random() / 100)
                (folder / name).write_bytes(whole)
                time.sleep(rng.random() / 30)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            options = ("--psf", "disk:radius=1", "--method", "wiener", "-o", "out.tif", "--force")
            faults = [_ends(folder, ("restore", name, *options), (0, 2)) for _ in range(10)]
        finally:
            over.set()
            thread.join()
        return next((fault for fault in faults if fault), None)

    return {name: lambda n=name: changed(n) for name in ("plain.tif", "s.ome.tif", "a.png")}


def _names(folder: Path) -> dict[str, Callable[[], str | None]]:
    def named(name: str) -> str | None:
        shutil.copy(folder / "a.png", folder / name)
        return _ends(folder, ("restore", name, *_RESTORE[2:], "-o", f"out-{name}"), (0,))

    def dash() -> str | None:
        shutil.copy(folder / "a.png", folder / "-a.png")
        return _ends(folder, ("restore", *_RESTORE[2:], "-o", "out.png", "--force", "--", "-a.png"), (0,))

    cases: dict[str, Callable[[], str | None]] = {repr(name): lambda n=name: named(n) for name in _NAMES}
    too_long = "/".join(["d" * 200] * 20) + "/a.png"
    cases["leading dash"] = dash
    cases["4 kB"] = lambda: _ends(folder, ("restore", too_long, *_RESTORE[2:]), (2,))
    cases["4 kB out"] = lambda: _ends(folder, (*_RESTORE, "-o", too_long), (2,))
    cases["255 bytes out"] = lambda: _ends(folder, (*_RESTORE, "-o", "n" * 251 + ".png"), (0,))
    cases["256 bytes out"] = lambda: _ends(folder, (*_RESTORE, "-o", "n" * 252 + ".png"), (2,))
    return cases


def _environments(folder: Path) -> dict[str, Callable[[], str | None]]:
    """Run the installed command, as Python reads the environment when it starts; its output must not change."""
    made: dict[str, bytes] = {}

    def under(**variables: str) -> str | None:
        done = subprocess.run(
            [_COMMAND, *_RESTORE, "-o", "out.png", "--force"],
            cwd=folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
        )
        if done.returncode or done.stderr:
            return f"exit code {done.returncode}: {done.stderr!r:.300}"
        first = made.setdefault("first", (folder / "out.png").read_bytes())
        return None if (folder / "out.png").read_bytes() == first else "a different file"

    settings = [{"LC_ALL": name, "LANGUAGE": name} for name in _LOCALES]
    settings += [{"TZ": "Pacific/Kiritimati"}, {"TZ": "nonsense"}, {"SOURCE_DATE_EPOCH": "0"}, {"LC_NUMERIC": "de_DE"}]
    return {str(each): lambda e=each: under(**e) for each in settings}


_CONDITIONS: dict[str, Callable[[Path], dict[str, Callable[[], str | None]]]] = {
    "no space": _no_space,
    "small disk": _small_disk,
    "no permission": _read_only,
    "changing file": _changing,
    "names": _names,
    "environment": _environments,
}


def signals_to_web(count: int, rng: random.Random, tally: Tally) -> None:
    """Send each signal to the server at work: it ends, and leaves no process, and no file except after SIGKILL."""
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        for case in range(count):
            began = time.monotonic()
            fault = _web_disturbed(number, rng.uniform(0, 1.0))
            tally.add(f"web {signal.Signals(number).name}", str(case), time.monotonic() - began, fault, peak_bytes())
    print(f"web: {3 * count} signals, {len(tally.failures)} failures so far", flush=True)


def _web_disturbed(number: int, delay: float) -> str | None:
    with served() as server:
        with httpx.Client(base_url=server.url, timeout=60) as client:
            photo = client.post("/photos", content=_corpus.pictures()["color.png"]).json()["id"]
            client.post(f"/photos/{photo}/job", json=DISK)
            time.sleep(delay)
        processes = server.processes()
        os.kill(server.process.pid, number)
        try:
            code = server.process.wait(30)
        except subprocess.TimeoutExpired:
            return f"does not end after {signal.Signals(number).name}"
        end = time.monotonic() + 30
        while alive := [pid for pid in processes if _runs(pid)]:
            if time.monotonic() > end:
                return f"processes {alive} live on after {signal.Signals(number).name}"
            time.sleep(0.05)
        left = [path.name for path in server.log.parent.iterdir() if path != server.log]
        printed = server.log.read_text()
        if "Traceback" in printed:
            return f"{code}, a traceback after {signal.Signals(number).name}: {printed[-400:]!r}"
        return f"leaves {left}" if left and number != signal.SIGKILL else None


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
