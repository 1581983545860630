"""Which pictures are meant: files, folders of them, and what in those is left out."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deblur.photo import SUFFIXES, TIFF_COMPRESSIONS, WRITABLE_SUFFIXES
from deblur.photo._formats import NAMES

ZARR = ".zarr"
"""The suffix of a folder that is one picture."""

IMAGE_SUFFIXES = (*SUFFIXES, ZARR)
TARGET_SUFFIXES = (*WRITABLE_SUFFIXES, ZARR)

FOLDER, HIDDEN, LINK, OTHER, RESULT, UNREADABLE = "folder", "hidden", "link", "other", "result", "unreadable"

REASONS = {
    OTHER: "it is not a picture",
    FOLDER: "it is a folder: --recursive enters folders",
    HIDDEN: "it is hidden",
    LINK: "it is a link to a folder: name it to enter it",
    UNREADABLE: "it may not be read",
    RESULT: "it is the result of an earlier run",
}
"""Why something in a folder is left out, for the JSON."""


def suffix_of(file_format: str) -> str:
    """Return the suffix for ``--format``, or raise `ValueError` with those that there are."""
    suffix = f".{file_format.lower().removeprefix('.')}"
    if suffix not in TARGET_SUFFIXES:
        raise ValueError(f"--format must be one of {_formats()}, got {file_format!r}")
    return suffix


def check_compression(name: str | None) -> str | None:
    """Return the name of a compression for ``--compression``, or raise `ValueError` with those that there are."""
    if name is not None and name not in TIFF_COMPRESSIONS:
        raise ValueError(f"--compression must be one of {', '.join(TIFF_COMPRESSIONS)}, got {name!r}")
    return name


def helps() -> dict[str, str]:
    """Return the help of the options that list formats, by the name of the parameter."""
    return {
        "images": f"Pictures to restore ({NAMES}; OME-Zarr), and folders of them. A single - reads one picture from "
        "standard input and writes the result to standard output in the same format.",
        "file_format": f"Format of the results: {_formats()}. By default that of each picture; TIFF for camera RAW.",
        "compression": f"Compression of TIFF files, without loss: {', '.join(TIFF_COMPRESSIONS)}. By default that of "
        "the picture.",
    }


def _formats() -> str:
    return ", ".join(suffix[1:] for suffix in TARGET_SUFFIXES)


@dataclass(frozen=True)
class Source:
    """A picture to restore.

    Attributes
    ----------
    path : pathlib.Path
        The file, or the folder of a zarr picture.
    tree : pathlib.Path or None
        The folder that was given, and that it was found in; None if the picture itself was given.
    """

    path: Path
    tree: Path | None = None

    @property
    def below(self) -> Path:
        """Its folder, as seen from `tree`."""
        return self.path.parent.relative_to(self.tree) if self.tree is not None else Path()


@dataclass(frozen=True)
class Skipped:
    """Something in a folder that is left out: its path, and why, a key of `REASONS`."""

    path: Path
    why: str


def find_sources(images: list[Path], *, recursive: bool) -> tuple[list[Source], list[Skipped]]:
    """Return the pictures that are meant, and what the folders hold besides.

    Parameters
    ----------
    images : list of pathlib.Path
        Files, and folders, which mean the pictures in them. Hidden files, hidden folders and links to folders inside
        are left out; so links that lead in circles do no harm.
    recursive : bool
        Whether the folders in a folder are entered too.

    Raises
    ------
    ValueError
        If a folder holds no picture.
    """
    sources: list[Source] = []
    skipped: list[Skipped] = []
    for image in images:
        if not is_folder(image):
            sources.append(Source(image))
            continue
        inside = list(_walk(image, image, recursive))
        found = [each for each in inside if isinstance(each, Source)]
        left_out = [each for each in inside if isinstance(each, Skipped)]
        if not found:
            closed = any(each.why == FOLDER for each in left_out)
            hint = "; --recursive enters the folders in it" if closed else ""
            raise ValueError(f"{image} has no pictures in it ({NAMES}; OME-Zarr){hint}")
        sources += found
        skipped += left_out
    return sources, skipped


def is_folder(path: Path) -> bool:
    """Whether a path is a folder of pictures; that of a zarr picture is none."""
    return path.is_dir() and path.suffix.lower() != ZARR


def summary(skipped: list[Skipped]) -> str:
    """Return a line on what is left out, and why; empty if there is nothing to say."""
    count = Counter(each.why for each in skipped)
    suffixes = sorted({each.path.suffix.lower() or "no suffix" for each in skipped if each.why == OTHER})
    shown = ", ".join(suffixes[:5]) + (", ..." if len(suffixes) > 5 else "")
    texts = {
        OTHER: ("file that is not a picture", "files that are not pictures", f" ({shown})"),
        FOLDER: ("folder", "folders", " (--recursive enters folders)"),
        HIDDEN: ("hidden", "hidden", ""),
        LINK: ("link to a folder", "links to folders", " (name a folder to enter it)"),
        UNREADABLE: ("folder that may not be read", "folders that may not be read", ""),
        RESULT: ("result of an earlier run", "results of earlier runs", ""),
    }
    parts = [f"{count[why]} {one if count[why] == 1 else many}{more}" for why, (one, many, more) in texts.items()
             if count[why]]  # fmt: skip
    return f"skipped {', '.join(parts)}" if parts else ""


def _walk(folder: Path, tree: Path, recursive: bool) -> Iterator[Source | Skipped]:
    """Yield the pictures in a folder, then those in its folders, each in the order of their names."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        if folder == tree:
            raise
        yield Skipped(folder, UNREADABLE)
        return
    real = os.path.realpath(folder)
    folders = []
    for path in (folder / name for name in names):
        is_picture = path.suffix.lower() in IMAGE_SUFFIXES and not is_folder(path)
        if path.name.startswith("."):
            if is_picture or (recursive and path.is_dir()):
                yield Skipped(path, HIDDEN)
        elif is_picture:
            yield Source(path, tree)
        elif not path.is_dir():
            yield Skipped(path, OTHER)
        elif not recursive:
            yield Skipped(path, FOLDER)
        elif os.path.realpath(path) != os.path.join(real, path.name):
            yield Skipped(path, LINK)
        else:
            folders.append(path)
    for path in folders:
        yield from _walk(path, tree, recursive)
