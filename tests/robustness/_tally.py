"""The count of cases and failures, and the report at the end."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

SHOWN = 200
"""Failures printed in full; the others are only counted."""


@dataclass
class Tally:
    """Cases tried, failures found, the slowest case and peak memory.

    Attributes
    ----------
    name, seed : str, int
        Of the run.
    tried : collections.Counter
        Cases of each kind.
    failures : list of str
        One line each.
    peak : int
        Peak memory of any process, in bytes.
    """

    name: str
    seed: int
    tried: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    peak: int = 0
    slowest: tuple[float, str] = (0.0, "none")
    began: float = field(default_factory=time.monotonic)

    def add(self, kind: str, case: str, seconds: float, fault: str | None, peak: int = 0) -> None:
        """Count a case; `fault` says in one line what is wrong with its outcome, None that nothing is."""
        self.tried[kind] += 1
        self.slowest = max(self.slowest, (seconds, f"{kind} {case}"))
        self.peak = max(self.peak, peak)
        if fault is not None:
            self.failures.append(f"{kind} {case}: {fault}")
            if len(self.failures) <= SHOWN:
                print(f"FAILED {self.failures[-1]}", flush=True)

    def report(self) -> int:
        """Print the figures, and return the exit code: 1 if anything failed."""
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.tried.items()))
        print(f"{self.name}, seed {self.seed}: {sum(self.tried.values())} cases ({kinds})")
        print(f"failures found {len(self.failures)}")
        print(f"peak memory {self.peak / 2**20:.0f} MB; slowest case {self.slowest[0]:.2f} s, {self.slowest[1]}")
        print(f"{time.monotonic() - self.began:.0f} s in all", flush=True)
        return 1 if self.failures else 0


def peak_bytes(pid: int | str = "self") -> int:
    """Return the peak memory of a process in bytes; 0 where the system does not report it, or the process is gone."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def descendants(pid: int) -> list[int]:
    """Return a process, its children, and theirs."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(each for child in listed for each in descendants(int(child)))]
