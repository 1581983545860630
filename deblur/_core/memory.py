"""The memory of this process and of the machine."""

from __future__ import annotations

import ctypes
import math
import os
import re
import sys
from pathlib import Path

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_AMOUNT = r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*"
_M_MMAP_THRESHOLD = -3  # of malloc.h


def parse_bytes(amount: int | float | str) -> int:
    """Read an amount of memory: a number of bytes, or a text such as ``4G``, ``500M`` or ``1.5GiB``, in powers of 1024.

    Raises
    ------
    ValueError
        If it is no such text, or not a positive number.

    Examples
    --------
    >>> parse_bytes("1.5G")
    1610612736
    """
    if isinstance(amount, int | float) and not isinstance(amount, bool) and 0 < amount < math.inf:
        return int(amount)
    match = re.fullmatch(_AMOUNT, amount, re.IGNORECASE) if isinstance(amount, str) else None
    if match is None or float(match[1]) <= 0:
        raise ValueError(f"memory must be an amount such as 4G or 500M, got {amount!r}")
    return int(float(match[1]) * _UNITS[match[2].upper()])


def resident_bytes() -> int:
    """Return the resident memory of this process; without /proc its peak, and 0 where the system reports neither."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def available_bytes() -> int:
    """Return the free memory; 4 GB where the system does not report it."""
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        match = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
        if match:
            return int(match[1]) * 1024
    return 4 * 2**30


def give_back_freed_memory() -> None:
    """Make glibc return freed memory to the system at once, for a process with a memory limit.

    By default it keeps freed arrays of up to 32 MB, which raises the peak by half.
    """
    try:
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 2**20)
    except (AttributeError, OSError, TypeError):
        return  # another C library
