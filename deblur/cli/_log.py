"""The log of a run: a line for every file, with the time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from deblur.cli._errors import complain
from deblur.cli._report import line_of
from deblur.cli._sources import IMAGE_SUFFIXES

JSON_LINES = ".jsonl"


class Log:
    """A file that a line is appended to for every picture.

    Parameters
    ----------
    file : file
        Opened for appending.
    path : pathlib.Path
        Its name, for errors; if it ends in .jsonl, the lines are JSON.
    hidden : str
        The start of temporary paths, to be left out.
    """

    def __init__(self, file: IO[str], path: Path, hidden: str = "") -> None:
        self._file, self._path, self._hidden = file, path, hidden
        self.failed = False

    def write(self, record: dict[str, Any]) -> None:
        """Append the record of a picture; print an error, once, if the disk takes no more."""
        if self._hidden:
            record = {
                name: value.replace(self._hidden, "") if isinstance(value, str) else value
                for name, value in record.items()
            }
        time = datetime.now().astimezone().isoformat(timespec="seconds")
        if self._path.suffix.lower() == JSON_LINES:
            line = json.dumps({"time": time, **record})
        else:
            line = f"{time} {' '.join(line_of(record).splitlines())}"
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            if not self.failed:
                complain(error, about=self._path)
            self.failed = True


@contextmanager
def open_log(path: Path | None, hidden: str = "") -> Iterator[Log | None]:
    """Open a log for appending, or none; see `Log`.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if path is None:
        yield None
        return
    try:
        file = path.open("a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OSError(f"cannot write the log {path}: {error.strerror}") from error
    log = Log(file, path, hidden)
    try:
        yield log
    finally:
        try:
            file.close()
        except OSError:  # the last line again, which `write` has reported
            log.failed = True


def check_log(path: Path) -> None:
    """Raise `ValueError` if a log of this name would be appended to a picture."""
    if path.suffix.lower() in IMAGE_SUFFIXES:
        raise ValueError(f"--log {path} is the name of a picture; give one such as restore.log or restore{JSON_LINES}")
