"""The files of data sets: located, downloaded where missing, and verified."""

from __future__ import annotations

import contextlib
import errno
import functools
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import filelock
import pooch
import requests

from deblur._core.progress import Progress, silent

from ._cards import Card, File, card

TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and seconds without a single byte."""
RETRIES = 2
"""How often a failed download is repeated before giving up."""
_TRANSIENT = (408, 416, 429)
"""Client errors that a retry can cure; any other means that the server will not send the file."""

_CHUNK = 1 << 14
"""Bytes per write: at most this much is lost when a connection breaks."""


class DownloadError(OSError):
    """A data set cannot be downloaded. What has arrived is kept, and the next attempt resumes there.

    Examples
    --------
    >>> from deblur.benchmark import DownloadError
    >>> issubclass(DownloadError, OSError)  # one except clause for it and for a full disk
    True
    """


def folder_of(name: str, *, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the data folder that contains the files of a data set, without downloading.

    Searches the folder in the environment variable ``DEBLUR_DATA``, then the cache: the folder in ``DEBLUR_CACHE``, or
    the platform's. Files are checked by size; `verify` checks their content.

    Parameters
    ----------
    name : str
        The name of the data set.
    folder : path-like, optional
        The only data folder to search.

    Returns
    -------
    pathlib.Path
        The paths of the card's files are relative to it.

    Raises
    ------
    ValueError
        If there is no such data set.
    FileNotFoundError
        If files are missing or have the wrong size.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import folder_of
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     folder_of("set5", folder=empty)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: set5: 5 of 5 files are missing or cut short in ...; get them with: deblur datasets get set5
    """
    found = card(name)
    place = _best_place(found, folder)
    absent = _absent(found, place)
    if absent:
        raise FileNotFoundError(
            f"{name}: {len(absent)} of {len(found.files)} files are missing or cut short in {place} (the first is "
            f"{absent[0].path}); get them with: deblur datasets get {name}"
        )
    return place


def get(name: str, *, to: str | os.PathLike[str] | None = None, progress: Progress | None = None) -> Path:
    """Return the data folder that contains a data set, verified by SHA-256; download what is missing.

    A file appears under its name only when it is complete and its SHA-256 is right. An interrupted download leaves a
    hidden ``.part`` file, and the next one resumes there if the server supports it.

    Parameters
    ----------
    name : str
        The name of the data set.
    to : path-like, optional
        Folder to download to instead of the cache; created if missing. ``DEBLUR_DATA`` is not searched then; without
        `to` it is searched and never written to.
    progress : callable, optional
        ``progress(fraction, stage)``: the downloaded fraction of the bytes, which falls when a file has to start again,
        and the file being downloaded.

    Returns
    -------
    pathlib.Path
        The data folder.

    Raises
    ------
    ValueError
        If there is no such data set.
    DownloadError
        If there is no network, the server does not have the file or has another one, the disk is full, or the folder
        cannot be written. One line that says which.

    Examples
    --------
    >>> from deblur.benchmark import get
    >>> folder = get("set5")  # doctest: +SKIP
    >>> get("set6")
    Traceback (most recent call last):
    ...
    ValueError: no data set is called 'set6'; did you mean 'set5'?
    """
    found = card(name)
    report = progress or silent
    places = _places(to)
    for place in places:
        if not _absent(found, place) and not verify(name, folder=place):
            report(1.0, name)
            return place
    done = 0
    with _lock(places[-1]):
        for file in found.files:
            _fetch(file, places[-1], _bytes_of(file, done, found.bytes, report))
            done += file.bytes
            report(done / found.bytes, file.path)
    return places[-1]


def verify(name: str, *, folder: str | os.PathLike[str] | None = None) -> list[str]:
    """Compare every file of a data set with its card, by size and SHA-256.

    Parameters
    ----------
    name : str
        The name of the data set.
    folder : path-like, optional
        The data folder; by default those that `folder_of` searches.

    Returns
    -------
    list of str
        One line per missing or wrong file; empty if all are correct.

    Raises
    ------
    ValueError
        If there is no such data set.

    Examples
    --------
    >>> import tempfile
    >>> from deblur.benchmark import verify
    >>> with tempfile.TemporaryDirectory() as empty:
    ...     verify("set5", folder=empty)[0]
    'set5/baby_GT.bmp is missing'
    """
    found = card(name)
    place = _best_place(found, folder)
    return [fault for file in found.files if (fault := _fault(file, place))]


def _places(folder: str | os.PathLike[str] | None) -> list[Path]:
    """Return the folders to search; the last one is downloaded to."""
    if folder is not None:
        return [Path(folder).expanduser().absolute()]
    cache = os.environ.get("DEBLUR_CACHE") or pooch.os_cache("deblur-toolkit")
    named = [os.environ["DEBLUR_DATA"]] if os.environ.get("DEBLUR_DATA") else []
    return [Path(place).expanduser().absolute() for place in (*named, cache)]


def _best_place(found: Card, folder: str | os.PathLike[str] | None) -> Path:
    return min(_places(folder), key=lambda place: len(_absent(found, place)))


def _absent(found: Card, place: Path) -> list[File]:
    return [file for file in found.files if _size(place / file.path) != file.bytes]


def _fault(file: File, place: Path) -> str | None:
    path = place / file.path
    size = _size(path)
    if size is None:
        return f"{file.path} is missing"
    if size != file.bytes:
        return f"{file.path} has {size} bytes, its card says {file.bytes}"
    if (sha256 := pooch.file_hash(str(path))) != file.sha256:
        return f"{file.path} has the SHA-256 {sha256}, its card says {file.sha256}"
    return None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _bytes_of(file: File, before: int, total: int, progress: Progress) -> Callable[[int], None]:
    """Return a function that reports the downloaded bytes of one file, after `before` bytes of others."""
    return lambda done: progress((before + done) / total, file.path)


@contextlib.contextmanager
def _lock(place: Path) -> Iterator[None]:
    """Let one process at a time download to a folder: two would append to the same partial files."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(place / ".deblur-download.lock")
        lock.acquire()
    except OSError as error:
        raise DownloadError(f"cannot write to {place}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _fetch(file: File, place: Path, report: Callable[[int], None]) -> None:
    """Download a file with pooch unless it exists, and turn every failure into a one-line `DownloadError`."""
    host = urlsplit(file.url).netloc
    source = pooch.create(
        path=place,
        base_url="",
        registry={file.path: f"sha256:{file.sha256}"},
        urls={file.path: file.url},
        retry_if_failed=RETRIES,
    )
    try:
        with _silenced(pooch.get_logger()):
            source.fetch(file.path, downloader=functools.partial(_resume, file, report))
    except DownloadError:
        raise
    except requests.HTTPError as error:
        raise DownloadError(f"cannot download {file.path}: {host} responds with {error}; try again later") from error
    except requests.RequestException as error:
        raise DownloadError(
            f"cannot download {file.path}: no connection to {host}, or it broke ({type(error).__name__}); "
            "the part that has arrived is kept: run this again to resume"
        ) from error
    except ValueError as error:  # a wrong size, or a wrong SHA-256 found by pooch
        raise DownloadError(
            f"{host} sends a {file.path} that differs from its card ({file.bytes} bytes, SHA-256 "
            f"{file.sha256[:12]}...); it was deleted"
        ) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DownloadError(f"no space left in {place} for {file.path} ({file.bytes} bytes)") from error
        raise DownloadError(f"cannot write {place / file.path}: {error.strerror or error}") from error


def _resume(file: File, report: Callable[[int], None], url: str, output: str, _: pooch.Pooch) -> None:
    """Download `url` to `output` for pooch, which checks it: first into a ``.part`` file that survives failures."""
    Path(output).unlink()  # pooch's empty placeholder: after a kill, only the partial file may remain
    target = Path(output).parent / Path(file.path).name
    part = target.with_name(f".{target.name}.{file.sha256[:16]}.part")
    if _size(part) != file.bytes:
        _append(file, report, url, part)
    os.replace(part, output)


def _append(file: File, report: Callable[[int], None], url: str, part: Path) -> None:
    """Complete a partial file, from its current size if the server supports ranges."""
    start = _size(part) or 0
    if start > file.bytes:  # not a beginning of this file
        start = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        status = response.status_code
        if (
            status == 416
        ):  # range not satisfiable: the partial file is longer than the server's, so it is of another file
            part.unlink()
        if 400 <= status < 500 and status not in _TRANSIENT:
            raise DownloadError(f"cannot download {file.path}: {urlsplit(url).netloc} responds with {status} for {url}")
        if status not in (200, 206):
            raise requests.HTTPError(str(status))
        resumes = status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        with part.open("ab" if resumes else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                stream.write(chunk)
                report(stream.tell())
                if stream.tell() > file.bytes:
                    break
    size = part.stat().st_size  # a broken connection has raised already: this is all that the server sends
    if size != file.bytes:
        part.unlink()
        raise ValueError(f"{url} has {size} bytes")


@contextlib.contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    """Suppress the line that pooch logs for every file."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
