"""`deblur datasets`."""

from __future__ import annotations

import shutil
import textwrap

from rich.filesize import decimal

from deblur.benchmark import Card, card, cards, folder_of, get, verify
from deblur.cli._errors import complain
from deblur.cli._verbosity import Reporter


def list_datasets() -> None:
    """Print a line per data set."""
    lines = [(each.name, str(len(each.files)), decimal(each.bytes), _is_here(each), each.title) for each in cards()]
    lines.insert(0, ("name", "files", "size", "here", "title"))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, files, size, here, title in lines:
        print(f"{name:{widths[0]}}  {files:>{widths[1]}}  {size:>{widths[2]}}  {here:{widths[3]}}  {title}")


def describe_dataset(name: str) -> None:
    """Print the card of a data set, and where its files are."""
    found = card(name)
    try:
        place = str(folder_of(name))
    except FileNotFoundError as error:
        place = str(error)
    print(f"{name}: {found.title}")
    facts = {
        "license": found.license,
        "permits": found.permits,
        "files": f"{len(found.files)}, {decimal(found.bytes)}",
        "folder": place,
    }
    for fact, text in facts.items():
        print(_wrapped(text, f"{fact:9}"))
    print("traps" if found.traps else "no known traps")
    for trap in found.traps:
        print(_wrapped(trap, "       - "))
    print("citation")
    print(textwrap.indent(found.citation.strip(), " " * 9))


def get_dataset(name: str, to: str | None, report: Reporter) -> None:
    """Download what is missing, and print where it is."""
    found = card(name)
    with report.progress_bar(1) as show:

        def progress(fraction: float, stage: str) -> None:
            show(fraction, f"{name}: {decimal(round(fraction * found.bytes))} of {decimal(found.bytes)}")

        place = get(name, to=to, progress=progress)
    report.say(f"{name}: {len(found.files)} files, {decimal(found.bytes)}, in {place}")


def verify_dataset(name: str, report: Reporter) -> int:
    """Print a line per fault, and return the exit code."""
    faults = verify(name)
    for fault in faults:
        print(fault)
    try:
        place = folder_of(name)
    except FileNotFoundError as error:
        complain(error)
        return 1
    files = len(card(name).files)
    if faults:
        complain(ValueError(f"{name}: {len(faults)} of {files} files in {place} differ from its card"))
        return 1
    report.say(f"{name}: all {files} files in {place} match its card")
    return 0


def _is_here(found: Card) -> str:
    try:
        folder_of(found.name)
    except FileNotFoundError:
        return "no"
    return "yes"


def _wrapped(text: str, label: str) -> str:
    width = max(40, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(
        text, width, initial_indent=label, subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False
    )
