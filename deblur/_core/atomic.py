"""Atomic writing of files and folders: they appear whole or not at all."""

from __future__ import annotations

import atexit
import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path


@contextmanager
def atomic_path(target: str | os.PathLike[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes `target` when the block ends without an exception.

    The temporary file is empty, lies in the folder of `target` (so that the rename is atomic), is hidden, and
    has the suffix of `target` (so that libraries that choose the format by the suffix choose the right one). If the
    block raises, it is removed and `target` is unchanged. A replaced file passes on its permissions; a symbolic
    link is followed, not replaced.

    Parameters
    ----------
    target : str or path-like
        The file to write.
    overwrite : bool
        Whether an existing file may be replaced.

    Yields
    ------
    pathlib.Path
        Where to write.

    Raises
    ------
    FileExistsError
        If `target` exists and `overwrite` is false.
    OSError
        If the folder is missing or not writable, or `target` is a folder or a device.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_path(pathlib.Path(folder, "note.txt")) as temporary:
    ...         _ = temporary.write_text("whole")
    ...     [path.name for path in pathlib.Path(folder).iterdir()]
    ['note.txt']
    """
    path = Path(os.path.realpath(target))
    if path.is_dir():
        raise IsADirectoryError(f"{target} is a folder; give the path of a file")
    if path.exists() and not path.is_file():
        raise OSError(f"{target} is a device or a pipe; give the path of a file")
    _refuse_existing(path, target, overwrite)
    with _temporary(path) as temporary:
        # Within the block, because a signal may arrive between creating the file and registering it.
        try:
            temporary.touch(exist_ok=False)  # not tempfile, whose files only their owner may read
        except FileNotFoundError as error:
            raise FileNotFoundError(f"cannot write {target}: the folder {path.parent} does not exist") from error
        except OSError as error:
            raise type(error)(f"cannot write {target}: {error.strerror or error}") from error
        with _naming(target):
            yield temporary
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)


@contextmanager
def atomic_folder(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield the path of a folder, to be made, that becomes `target` when the block ends without an exception.

    As `atomic_path` for files; an existing folder is moved aside for a moment, as folders cannot be exchanged.
    """
    _refuse_existing(target, target, overwrite)
    with _temporary(target) as temporary:
        with _naming(target):
            yield temporary
        old = target.with_name(f"{temporary.name}.old")
        if target.exists():
            os.replace(target, old)
        os.replace(temporary, target)
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def written_whole(path: Path, least: int) -> Iterator[None]:
    """Raise the `OSError` of a full disk for writers that report it in other words, or not at all.

    Parameters
    ----------
    path : pathlib.Path
        The file being written.
    least : int
        Least size of the whole file in bytes.
    """
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    try:
        yield
    except OSError as error:
        if error.errno is None and str(error).endswith(" written"):  # NumPy's "2250000 requested and 524200 written"
            raise full from error
        raise
    if path.stat().st_size < least:
        raise full


def reserve(path: Path) -> None:
    """Allocate the disk space of a sparse file where possible: writing to a mapped file on a full disk crashes."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # file systems without allocation
                raise


@contextmanager
def _naming(target: str | os.PathLike[str]) -> Iterator[None]:
    """Name the target in errors of a full disk, which name the temporary file or none."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise OSError(error.errno, error.strerror, str(target)) from error
        raise


def _refuse_existing(path: Path, target: str | os.PathLike[str], overwrite: bool) -> None:
    if os.path.lexists(path) and not overwrite:  # a link that points at itself too
        raise FileExistsError(f"{target} exists already, and overwriting was not requested")


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    """Yield a hidden path in the folder of `target`, and remove what is left there at the end."""
    temporary = target.with_name(f".deblur-{secrets.token_hex(6)}{target.suffix}")
    remove = partial(_remove, temporary)
    atexit.register(remove)  # for daemon threads such as those of Dask's workers, which end without `finally`
    try:
        yield temporary
    finally:
        remove()
        atexit.unregister(remove)


def _remove(temporary: Path) -> None:
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    elif os.path.exists(temporary):  # unlink() raises if the folder is missing too
        temporary.unlink(missing_ok=True)
