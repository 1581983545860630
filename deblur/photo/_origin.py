"""The file that a photograph was read from, so that one that was left as it is can be the same file again."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from deblur._core.atomic import atomic_path
from deblur.photo._formats import format_of


@dataclass(frozen=True)
class Origin:
    """A file as it was when it was read.

    Attributes
    ----------
    path : pathlib.Path
        The file, absolute.
    size, time : int
        Its bytes, and when it was last changed, in nanoseconds.
    """

    path: Path
    size: int
    time: int

    @classmethod
    def of(cls, path: Path, descriptor: int) -> Origin:
        """Return the state of an open file."""
        state = os.fstat(descriptor)
        return cls(path.absolute(), state.st_size, state.st_mtime_ns)

    def fits(self, suffix: str) -> bool:
        """Whether the file has this suffix, or another of the same format, and is still as it was read."""
        kind = format_of(suffix)
        if kind is None or kind is not format_of(self.path.suffix):
            return False
        try:
            state = self.path.stat()
        except OSError:  # it is gone, and the samples in memory are all there is
            return False
        return (state.st_size, state.st_mtime_ns) == (self.size, self.time)

    def copy(self, target: str | os.PathLike[str], *, overwrite: bool) -> None:
        """Write the same bytes to another path, whole or not at all."""
        with atomic_path(target, overwrite=overwrite) as temporary:
            shutil.copyfile(self.path, temporary)
