"""Peak memory, as the growth of the resident set of a process of its own (Linux)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path


def resident_bytes() -> int:
    """Return the resident set of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def anonymous_bytes() -> int:
    """Return the memory that this process owns: without the pages of mapped files, which the system may drop."""
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024


def peak_growth(call: Callable[[], object], held: Callable[[], int] = resident_bytes) -> int:
    """Run a function in a thread, and return by how many bytes `held` grew at most meanwhile."""
    before = peak = held()
    worker = threading.Thread(target=call)
    worker.start()
    while worker.is_alive():
        peak = max(peak, held())
        time.sleep(0.0005)
    return peak - before


def printed_by_child(module: str, *arguments: str) -> str:
    """Run a module in a process of its own, and return what it prints.

    Raises
    ------
    RuntimeError
        If it fails; with the last line of its standard error.
    """
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError((done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout
