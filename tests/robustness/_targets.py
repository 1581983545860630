"""What is fuzzed in one process: the command, through its entry point, and the readers behind it."""

from __future__ import annotations

import io
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from tests.robustness import _corpus
from tests.robustness._damage import damaged, damaged_text, trouble
from tests.robustness._forks import Attempt

KNOWN = "tempfile.tif: "
"""Start of the messages of libtiff, with which Pillow decodes LZW, on damaged data; Pillow cannot silence it."""

_WIENER = ("--method", "wiener", "--psf", "gaussian:sigma=0.4,shape=3x3")


def kind_of(seed: int, number: int) -> str:
    """Return the kind of a case."""
    return _drawn(seed, number)[1]


def prepare(seed: int) -> Callable[[Path], Attempt]:
    """Load what all forks need before they are made, and return the function that sets a fork up."""
    import torch

    import deblur.benchmark
    import deblur.cli
    import deblur.networks
    import deblur.stack  # noqa: F401

    torch.set_num_threads(1)
    for make in (_corpus.pictures, _corpus.psf_files, _corpus.weights, _corpus.zarr_folders):
        make()

    def attempts(folder: Path) -> Attempt:
        printed = _captured_stderr()
        _lay_out(folder)
        before = {path.name for path in folder.iterdir()}

        def attempt(number: int) -> tuple[str, str | None]:
            rng, kind = _drawn(seed, number)
            fault = TARGETS[kind](rng)
            if (said := printed()) and not said.startswith(KNOWN):
                fault = fault or f"a library prints {said!r:.200}"
            left = {path.name for path in folder.iterdir()} - before
            _clean(folder, left)
            temporary = sorted(name for name in left if name.startswith(".deblur-"))
            return kind, fault or (f"leaves {temporary}" if temporary else None)

        return attempt

    return attempts


def _drawn(seed: int, number: int) -> tuple[random.Random, str]:
    rng = random.Random(f"{seed} {number}")
    return rng, rng.choices(list(TARGETS), _SHARES)[0]


def _captured_stderr() -> Callable[[], str]:
    """Redirect what libraries print past Python to a file, and return the function that reads what is new in it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115
    os.dup2(file.fileno(), 2)

    def printed() -> str:
        file.seek(0)
        said = file.read().decode(errors="replace")
        file.seek(0)
        file.truncate()
        return said

    return printed


def _lay_out(folder: Path) -> None:
    pictures = _corpus.pictures()
    for name, source in (("good.png", "color.png"), ("good.tif", "plain.tif"), ("cells.ome.tif", "cells.ome.tif")):
        (folder / name).write_bytes(pictures[source])
    (folder / "psf.npy").write_bytes(_corpus.psf_files()["psf.npy"])


def _clean(folder: Path, names: set[str]) -> None:
    for name in names:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def run(*arguments: str) -> tuple[int, str, str]:
    """Run the command in this process; return its exit code and what it writes to both streams."""
    from deblur.cli import main

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    sys.argv = ["deblur", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, _written(out), _written(err)


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode(errors="replace")  # type: ignore[attr-defined]


def command_fault(*arguments: str) -> str | None:
    """Run the command, and return what is wrong with how it ends, None if it ends as documented."""
    try:
        code, _, said = run(*arguments)
    except BaseException as error:
        return f"escapes as {type(error).__name__}: {str(error)[:200]!r}; {list(arguments)!r:.200}"
    lines = said.splitlines()
    if "Traceback" in said or "internal error" in said:
        return f"{lines[-1]!r:.400} from {list(arguments)!r:.200}"
    if code not in (0, 1, 2):
        return f"exit code {code} from {list(arguments)!r:.200}"
    if code == 2 and (len(lines) != 1 or not said.startswith("deblur: ")):
        return f"not one line but {said!r:.300} from {list(arguments)!r:.200}"
    return None


def _only(errors: tuple[type[Exception], ...], call: Callable[[], object]) -> str | None:
    """Return what is wrong if a call raises an undocumented error, or one of several lines."""
    try:
        call()
    except MemoryError:
        return None
    except errors as error:
        return f"several lines: {str(error)!r:.200}" if "\n" in str(error) else None
    except BaseException as error:
        return f"raises {type(error).__name__}: {str(error)[:200]!r}"
    return None


def _picture(rng: random.Random) -> str | None:
    name = rng.choice(list(_corpus.pictures()))
    path = Path("damaged." + name.partition(".")[2])
    path.write_bytes(damaged(_corpus.pictures()[name], rng))
    return command_fault("restore", str(path), *_WIENER, "-o", "out.tif")


def _psf_file(rng: random.Random) -> str | None:
    name = rng.choice(list(_corpus.psf_files()))
    path = Path(f"damaged{Path(name).suffix}")
    path.write_bytes(damaged(_corpus.psf_files()[name], rng, header=128))
    return command_fault("psf", "show", str(path))


def _spec(rng: random.Random) -> str | None:
    spec = damaged_text(rng.choice(_corpus.SPECS), rng)
    return command_fault("psf", "show", "--", spec)


def _arguments(rng: random.Random) -> str | None:
    words = list(rng.choice(_corpus.ARGUMENTS))
    for _ in range(rng.randint(1, 3)):
        at, kind = rng.randrange(len(words)), rng.randrange(4)
        if kind == 0 and len(words) > 1:
            del words[at]
        elif kind == 1:
            words[at] = damaged_text(words[at], rng)
        elif kind == 2:
            words.insert(at, trouble(rng))
        else:
            words[at] = trouble(rng)
    if words[:1] in (["web"], ["demo"]) or words[:2] == ["datasets", "get"]:
        return None
    return command_fault(*words)


def _weights(rng: random.Random) -> str | None:
    from deblur.networks import load

    name = rng.choice(list(_corpus.weights()))
    Path("damaged.safetensors").write_bytes(damaged(_corpus.weights()[name], rng))
    return _only((ValueError, OSError), lambda: load("damaged.safetensors"))


def _checkpoint(rng: random.Random) -> str | None:
    """Damage the checkpoint of a training that is resumed."""
    Path("run").mkdir()
    data = rng.choice(list(_corpus.weights().values()))
    described = b'"kind":"denoiser"' if rng.random() < 0.5 else b'"recipe":"{}"'
    data = data.replace(b'"kind":"denoiser"', described).replace(b'"kind":"udn"', described)
    Path("run/checkpoint.safetensors").write_bytes(damaged(data, rng) if rng.random() < 0.8 else data)
    return command_fault("train", "denoiser", "--resume", "run", "--minutes", "0", "--images", "nowhere")


def _zarr(rng: random.Random) -> str | None:
    files = rng.choice(list(_corpus.zarr_folders().values()))
    described = [name for name in files if Path(name).name.startswith((".z", "zarr"))]
    chosen = rng.choice(described) if rng.random() < 0.9 else rng.choice(list(files))
    for name, data in files.items():
        path = Path("damaged.zarr", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if name == chosen and name in described and rng.random() < 0.7:
            data = damaged_text(data.decode(), rng).encode()
        elif name == chosen:
            data = damaged(data, rng)
        path.write_bytes(data)
    return command_fault("restore", "damaged.zarr", *_WIENER, "-o", "out.zarr")


def _card(rng: random.Random) -> str | None:
    from deblur.benchmark._cards import parse_card

    text = damaged_text(_corpus.CARD, rng)
    return _only((ValueError,), lambda: parse_card("mine", text))


def _cases(rng: random.Random) -> str | None:
    """Damage the cache of a benchmark that is resumed: bad lines are dropped, and the rest can be reported."""
    from deblur.benchmark import Results
    from deblur.benchmark._cache import Cache

    Path("run").mkdir()
    text = damaged_text(_corpus.CASES, rng).encode()
    Path("run/cases.jsonl").write_bytes(damaged(text, rng, header=len(text)) if rng.random() < 0.5 else text)

    def report() -> None:
        rows = Cache(Path("run")).rows()
        Results("folder", 1, tuple(rows.values())).as_json()

    return _only((), report)


def _results(rng: random.Random) -> str | None:
    """Damage an existing results.json: one of a benchmark is replaced, any other file is not."""
    Path("results.json").write_text(damaged_text(_corpus.RESULTS, rng), encoding="utf-8")
    return command_fault("bench", "folder", "--images", "none", "--psfs", "psf.npy", "--json", "results.json")


TARGETS: dict[str, Callable[[random.Random], str | None]] = {
    "picture": _picture,
    "psf file": _psf_file,
    "spec": _spec,
    "arguments": _arguments,
    "weights": _weights,
    "checkpoint": _checkpoint,
    "zarr": _zarr,
    "card": _card,
    "cases": _cases,
    "results": _results,
}
_SHARES = (40, 12, 12, 14, 5, 2, 5, 5, 3, 2)

if sys.platform == "win32":
    raise ImportError("fuzzing forks, and limits memory: it needs a POSIX system")
