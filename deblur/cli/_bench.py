"""`deblur bench`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from deblur import benchmark
from deblur.cli._errors import complain
from deblur.cli._files import check_folder
from deblur.cli._verbosity import Reporter

if TYPE_CHECKING:
    from deblur._core.progress import Progress
    from deblur.benchmark import Failure, Protocol, Results, Row

FOLDER = "deblur-bench"
REPORTS = ("results.json", "results.csv", "results.md", "report.html")
LOG = "cases.jsonl"
"""A file that only the folder of a run has."""

PAUSE = 30.0
"""Seconds between two lines of progress if standard error is not a terminal."""


@dataclass(frozen=True)
class Request:
    """The options of the command line; None and empty where they were left out.

    Attributes
    ----------
    protocol, methods, noises, limit, jobs
        As in `deblur.benchmark.run`.
    output, json_file : str or None
        Folder of the run, and a file for another copy of the JSON.
    images, psfs, border : str or None
    blind : bool
        As in `deblur.benchmark.folder_protocol`.
    device : str
        As in `deblur.benchmark.method`.
    """

    protocol: str | None = None
    methods: tuple[str, ...] = ()
    noises: tuple[float, ...] = ()
    limit: int | None = None
    jobs: int = 1
    output: str | None = None
    json_file: str | None = None
    images: str | None = None
    psfs: str | None = None
    border: str | None = None
    blind: bool = False
    device: str = "cpu"


def run_bench(request: Request, report: Reporter) -> int:
    """Run a protocol, print the table, write the reports, and return the exit code."""
    protocol = _protocol(request)
    names = request.methods or _all_methods(protocol)
    methods = [benchmark.method(text, device=request.device) for text in names]
    folder = Path(request.output or Path(FOLDER, protocol.name))
    _check_outputs(folder, request.json_file)
    failures: Counter[str] = Counter()
    with _shown_progress(protocol.name, report) as progress:
        results = benchmark.run(
            protocol,
            methods,
            noises=request.noises or None,
            limit=request.limit,
            jobs=request.jobs,
            folder=folder,
            progress=progress,
            on_case=partial(_report_failure, protocol.name, failures),
        )
    _print(results, protocol)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOG).touch()  # marks the folder even if every case has failed
    page = benchmark.write_reports(results, protocol, folder)[-1]
    if request.json_file is not None:
        benchmark.write_json(results, request.json_file)
    report.say(f"\nReport: {page}")
    for label, count in failures.items():
        if count > 1:
            complain(ValueError(f"{label} failed on {count} pictures in all; {folder / REPORTS[1]} lists them"))
    return 1 if failures else 0


def run_quick(request: Request, report: Reporter) -> int:
    """Compare a fixed subset with the stored scores, and return the exit code."""
    if replace(request, jobs=1) != Request():
        raise ValueError("--quick runs a fixed subset; it takes --jobs, and nothing else")
    with _shown_progress("quick", report) as progress:
        checks = benchmark.quick(jobs=request.jobs, progress=progress)
    lines = [("protocol", "noise", "method", "stored", "now", "")]
    lines += [
        (c.protocol, f"{100 * c.noise:g} %", c.method, f"{c.expected:.2f}", f"{c.measured:.2f}", _verdict(c.passed))
        for c in checks
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    lost = sum(not check.passed for check in checks)
    print(f"{lost} of {len(checks)} scores are lower than stored" if lost else f"all {len(checks)} scores are kept")
    return 1 if lost else 0


def _protocol(request: Request) -> Protocol:
    if request.protocol is None:
        names = ", ".join([each.name for each in benchmark.PROTOCOLS])
        raise ValueError(f"PROTOCOL is missing; there are {names} and folder")
    files = {"--images": request.images, "--psfs": request.psfs}
    if request.protocol == "folder":
        missing = [option for option, value in files.items() if value is None]
        if missing:
            raise ValueError(f"the protocol folder needs {' and '.join(missing)}")
        border = request.border or "valid"
        return benchmark.folder_protocol(str(request.images), str(request.psfs), border=border, blind=request.blind)
    protocol = benchmark.protocol(request.protocol)
    for option, value in {**files, "--border": request.border, "--blind": request.blind or None}.items():
        if value is not None:
            raise ValueError(f"{option} is for the protocol folder, not for {protocol.name}")
    return protocol


def _all_methods(protocol: Protocol) -> list[str]:
    return [name for name in benchmark.method_names() if not protocol.blind or benchmark.method(name).blind]


def _check_outputs(folder: Path, json_file: str | None) -> None:
    """Raise an error now if something could not be written in the end, or would replace what no benchmark wrote."""
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give a folder")
    check_folder(folder / LOG)
    taken = [folder / name for name in REPORTS if (folder / name).exists()]
    if taken and not (folder / LOG).exists():
        raise FileExistsError(f"{taken[0]} exists and was not written by a benchmark; give another folder")
    if json_file is not None:
        path = Path(json_file)
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder; give the path of a file")
        if path.exists() and not _is_of_a_benchmark(path):
            raise FileExistsError(f"{path} exists and was not written by a benchmark; give another name")
        if path.absolute().parent != folder.absolute() and not path.parent.exists():
            raise FileNotFoundError(f"cannot write {path}: the folder {path.parent} does not exist")
        check_folder(path)


def _is_of_a_benchmark(path: Path) -> bool:
    """Whether a file holds an earlier run's JSON, or nothing."""
    if not path.is_file() or path.stat().st_size == 0:
        return path.is_file()
    try:
        return "protocol" in json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, TypeError, RecursionError):  # not text, not JSON, or a mere number
        return False


@contextmanager
def _shown_progress(name: str, report: Reporter) -> Iterator[Progress]:
    """Show the progress in a bar on a terminal, and in a line every now and then elsewhere."""
    last = time.monotonic()
    with report.progress_bar(1) as show:

        def progress(fraction: float, stage: str) -> None:
            nonlocal last
            show(fraction, f"{name}: {stage}")
            if not sys.stderr.isatty() and fraction < 1 and time.monotonic() - last > PAUSE:
                last = time.monotonic()
                report.say(f"{name}: {stage}", to_stderr=True)

        yield progress


def _report_failure(protocol: str, failures: Counter[str], outcome: Row | Failure) -> None:
    """Print the first failure of each method, and count all of them in `failures`."""
    if not isinstance(outcome, benchmark.Failure):
        return
    failures[outcome.method] += 1
    if failures[outcome.method] == 1:
        complain(ValueError(benchmark.notes(benchmark.Results(protocol, 1, (), (outcome,)))[0]))


def _print(results: Results, protocol: Protocol) -> None:
    width = shutil.get_terminal_size().columns
    title = f"{results.protocol}, version {results.version}: {protocol.summary}"
    for text in filter(None, (title, protocol.caveat)):
        print(textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False))
    print(f"\n{benchmark.text_table(results)}")
    if groups := benchmark.text_groups(results, protocol):
        print(f"\n{groups}")
    for note in benchmark.notes(replace(results, failures=())):  # those were reported as they came
        print(textwrap.fill(note, width))


def _verdict(passed: bool) -> str:
    return "" if passed else "lost"
