"""Which files to restore, where to write them, and what can be known to go wrong before anything is computed."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deblur.photo import SUFFIXES

ZARR = ".zarr"
"""The suffix of a folder that is one picture."""

IMAGE_SUFFIXES = (*SUFFIXES, ZARR)


@dataclass(frozen=True)
class Job:
    """A picture to restore, and where to write the result."""

    source: Path
    target: Path


def plan(images: list[Path], output: str | None, *, force: bool) -> list[Job]:
    """Say which file is restored into which.

    Parameters
    ----------
    images : list of pathlib.Path
        Files and folders; a folder means the pictures in it, but not the results of earlier runs on them.
    output : str, optional
        A file for one picture, or a folder; a path that does not exist is a folder if there are several pictures or if
        it ends in a slash. By default, results lie beside their pictures.
    force : bool
        Whether existing files may be replaced.

    Raises
    ------
    FileExistsError, FileNotFoundError
        If a target exists and `force` is false, or its folder does not exist.
    ValueError
        If a folder has no pictures, `output` is a file for several pictures, two pictures have one target, or the
        target of one is another.
    """
    sources = [file for image in images for file in (_images_in(image) if _is_folder(image) else [image])]
    several = len(sources) > 1 or _is_folder(images[0])
    if output is None:
        jobs = [Job(source, restored_name(source)) for source in sources]
    elif _is_folder(Path(output)) or output.endswith(("/", os.sep)) or several:
        folder = Path(output)
        if several and (folder.is_file() or folder.suffix.lower() in IMAGE_SUFFIXES):
            raise ValueError(f"-o {output} is one file, and there are several pictures to restore; give a folder")
        jobs = [Job(source, folder / restored_name(source).name) for source in sources]
    else:
        jobs = [Job(sources[0], Path(output))]
        if not jobs[0].target.parent.is_dir():
            raise FileNotFoundError(f"cannot write {output}: the folder {jobs[0].target.parent} does not exist")

    source_of: dict[str, Path] = {}
    real_sources = {os.path.realpath(job.source) for job in jobs}
    for job in jobs:
        target = os.path.realpath(job.target)
        other = source_of.setdefault(target, job.source)
        if other is not job.source:
            raise ValueError(f"{other} and {job.source} would both be written to {job.target}; restore one at a time")
        refuse_existing(job.target, force=force)
        if target in real_sources - {os.path.realpath(job.source)}:
            raise ValueError(f"{job.target} is to be restored itself, and would be replaced first; leave it out")
    return jobs


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise `FileExistsError` if `target` exists and may not be replaced."""
    if target.exists() and not force:
        raise FileExistsError(f"{target} exists already; --force replaces it")


def check_target(target: Path, suffixes: tuple[str, ...] = SUFFIXES) -> None:
    """Raise an error unless a picture can be written to `target`: now, and not after minutes of computing."""
    if target.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {target}: its suffix must be one of {', '.join(suffixes)}")
    check_folder(target)


def check_folder(target: Path) -> None:
    """Raise an error unless a file can be written where `target` is to be."""
    folder = next(parent for parent in target.parents if parent.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"cannot write {target}: {folder}: {error.strerror}") from error


def restored_name(source: Path) -> Path:
    """Return ``name-restored.suffix`` beside ``name.suffix``; ``.ome.tif`` is one suffix."""
    stem, suffix = source.stem, source.suffix
    if stem.lower().endswith(".ome"):
        stem, suffix = stem[:-4], stem[-4:] + suffix
    return source.with_name(f"{stem}-restored{suffix}")


def _is_folder(path: Path) -> bool:
    return path.is_dir() and path.suffix.lower() != ZARR


def _images_in(folder: Path) -> list[Path]:
    files = {
        file
        for file in folder.iterdir()
        if file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".") and not _is_folder(file)
    }
    if not files:
        raise ValueError(f"{folder} has no pictures in it ({', '.join(IMAGE_SUFFIXES)})")
    return sorted(files - {restored_name(file) for file in files})
