"""`deblur restore -`: a picture from standard input, restored, to standard output."""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from deblur.cli._files import Output
from deblur.cli._restore import restore_files
from deblur.cli._settings import Settings
from deblur.cli._verbosity import Reporter
from deblur.web._limits import MEGA, Limits

STANDARD = "-"
"""What stands for standard input."""


def restore_standard_input(
    psf_text: str | None, settings: Settings, output: Output, *, report: Reporter | None = None
) -> int:
    """Restore the picture that standard input holds, and return the exit code.

    The result goes to standard output, in the same format or in that of `output`, or to the file that `output` names;
    messages go to standard error, so that nothing else is in the stream. Parameters are those of
    `deblur.cli._restore.restore_files`.

    Raises
    ------
    ValueError
        If standard input or output is a terminal or closed, or holds no picture, or more than the page accepts.
    """
    from deblur.photo import detect_suffix, written_suffix

    if sys.stdin is None or sys.stdin.isatty():
        raise ValueError("there is no picture on standard input; give one: deblur restore - < photo.jpg > sharp.jpg")
    if output.path is None and sys.stdout.isatty():
        raise ValueError("a picture cannot be shown on a terminal; redirect standard output, or give -o FILE")
    if output.path is None and sys.stdout.name == os.devnull:  # which `main` has put in the place of a closed one
        raise ValueError("standard output is closed; redirect it, or give -o FILE")
    data = sys.stdin.buffer.read(Limits.file_bytes + 1)
    if len(data) > Limits.file_bytes:
        raise ValueError(f"standard input holds more than {Limits.file_bytes // MEGA} MB; give the name of a file")
    try:
        suffix = detect_suffix(data)
    except ValueError as error:
        raise ValueError(f"cannot read standard input: {error}") from None
    with tempfile.TemporaryDirectory(prefix="deblur-") as folder:
        source = Path(folder, f"standard-input{suffix}")
        target = Path(folder, f"standard-output{output.suffix or written_suffix(suffix)}")
        source.write_bytes(data)
        messages: Any = _WithoutFolder(sys.stderr, folder)
        wanted = replace(output, path=os.fspath(target)) if output.path is None else output
        with redirect_stdout(messages), redirect_stderr(messages):
            code = restore_files([source], psf_text, settings, wanted, report=report, hidden=folder + os.sep)
        if output.path is None and code == 0:
            sys.stdout.buffer.write(target.read_bytes())
            sys.stdout.buffer.flush()
    return code


class _WithoutFolder:
    """A stream that leaves out the name of a folder that the user knows nothing of."""

    def __init__(self, stream: Any, folder: str) -> None:
        self._stream, self._folder = stream, folder + os.sep

    def write(self, text: str) -> int:
        return self._stream.write(text.replace(self._folder, ""))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
