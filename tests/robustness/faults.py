"""Signals at random moments, no space, folders that cannot be written, files that change, locales and odd names.

    python -m tests.robustness.faults --count 100 --seed 0

`--count` is how often each signal is sent to each command. Afterwards there may be no partial result, and no temporary
file except after SIGKILL; files from which a run resumes may stay. Then the same command must complete, with the result
of an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

import torch

from tests.robustness import _conditions
from tests.robustness._command import INTERRUPTED, SECONDS, TERMINATED, load_everything, start
from tests.robustness._scenarios import COMMANDS, Command, serving_files
from tests.robustness._tally import Tally, peak_bytes

SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
_CODES = {signal.SIGKILL: -9, signal.SIGINT: INTERRUPTED, signal.SIGTERM: TERMINATED}


def signals(name: str, count: int, rng: random.Random, tally: Tally) -> None:
    """Send each signal `count` times to a command, and check what it leaves behind and whether it completes again."""
    command = COMMANDS[name]
    with tempfile.TemporaryDirectory(prefix="robustness-") as place:
        reference, seconds = _undisturbed(command, Path(place, "reference"))
        for number in SIGNALS:
            for case in range(count):
                folder = Path(place, "case")
                began = time.monotonic()
                fault = _disturbed(command, folder, number, rng.uniform(0, 1.05 * seconds), reference)
                kind = f"{name} {signal.Signals(number).name}"
                tally.add(kind, str(case), time.monotonic() - began, fault, peak_bytes())
                shutil.rmtree(folder)
    print(f"{name}: {3 * count} signals, {len(tally.failures)} failures so far", flush=True)


def _undisturbed(command: Command, folder: Path) -> tuple[object, float]:
    for _ in range(2):  # the first one warms the disk
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command.lay_out(folder)
        began = time.monotonic()
        code = start(command.arguments, folder, folder.parent / "printed").wait(SECONDS)
        seconds = time.monotonic() - began
        if code != 0:
            raise RuntimeError(f"{command.arguments} ends with {code}: {(folder.parent / 'printed').read_text()}")
    return command.result(folder), seconds


def _disturbed(command: Command, folder: Path, number: int, delay: float, reference: object) -> str | None:
    printed = folder.parent / "printed"
    folder.mkdir()
    command.lay_out(folder)
    before = _files(folder)
    fork = start(command.arguments, folder, printed)
    time.sleep(delay)
    os.kill(fork.pid, number)
    code = fork.wait(SECONDS)
    text = printed.read_text()
    if code is None:
        return f"does not end after {signal.Signals(number).name} at {delay:.3f} s"
    if code not in (0, _CODES[signal.Signals(number)], -number):
        return f"exit code {code} after {signal.Signals(number).name} at {delay:.3f} s: {text!r:.300}"
    if "Traceback" in text:
        shown = text[max(text.index("Traceback") - 200, 0) :]
        return f"a traceback after {signal.Signals(number).name} at {delay:.3f} s: {shown!r:.1500}"
    new = _files(folder) - before
    unexpected = {path for path in new if not command.may_stay(path)}
    temporary = {path for path in unexpected if Path(path).name.startswith(".deblur-")}
    if temporary and number != signal.SIGKILL:
        return f"leaves {sorted(temporary)}"
    for path in unexpected - temporary:
        if not command.is_whole(folder, path, reference):
            return f"leaves a partial {path}"
    code = start(command.again, folder, printed).wait(SECONDS)
    if code != 0:
        return f"does not complete again, exit code {code}: {printed.read_text()!r:.300}"
    return None if command.result(folder) == reference else "the second run has a different result"


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def main() -> int:
    """Print the figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100, help="times to send each signal to each command")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--command", choices=COMMANDS, action="append", help="test this command only; may be repeated")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load_everything()
    tally, rng = Tally("faults", arguments.seed), random.Random(arguments.seed)
    with serving_files():
        for name in arguments.command or COMMANDS:
            signals(name, arguments.count, rng, tally)
    if not arguments.command:
        _conditions.signals_to_web(max(1, arguments.count // 10), rng, tally)
        _conditions.try_all(tally)
    return tally.report()


if __name__ == "__main__":
    raise SystemExit(main())
