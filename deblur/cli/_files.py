"""Where the results are written, and what can be known to go wrong before anything is computed."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from deblur.cli._names import METHOD, naming_for
from deblur.cli._sources import Skipped, find_sources, is_folder
from deblur.photo import WRITABLE_SUFFIXES


@dataclass(frozen=True)
class Job:
    """A picture to restore, and where to write the result.

    Attributes
    ----------
    source, target : pathlib.Path
        The files.
    methods : tuple of str
        The methods that may be chosen for it, where the name of its result waits for that; else none.
    """

    source: Path
    target: Path
    methods: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the target, or the nearest above whose name is known."""
        folder = self.target.parent
        while self.methods and METHOD in str(folder):
            folder = folder.parent
        return folder

    def target_by(self, method: str) -> Path:
        """Return the target, with the method that restored the picture in its name where it waits for that."""
        return Path(str(self.target).replace(METHOD, method)) if self.methods else self.target

    def possible_targets(self) -> list[Path]:
        """Return the targets that there may be."""
        return [self.target_by(method) for method in self.methods or (METHOD,)]

    def exists(self) -> bool:
        """Whether a result of the picture is there."""
        return any(target.exists() for target in self.possible_targets())

    def refuse_existing(self, *, force: bool) -> None:
        """Raise `FileExistsError` if every result that there may be exists, and may not be replaced."""
        targets = self.possible_targets()
        if all(_is_taken(target) for target in targets):
            refuse_existing(targets[0], force=force)

    def absolute(self) -> Job:
        """Return the job for a process in another folder."""
        return replace(self, source=self.source.absolute(), target=self.target.absolute())


@dataclass(frozen=True)
class Output:
    """What a run writes, and where.

    Attributes
    ----------
    path : str or None
        A file for one picture, a folder, or a template, see `deblur.cli._names`; a path that does not exist is a folder
        if there are several pictures or if it ends in a slash. By default results lie beside their pictures.
    suffix : str or None
        Of the results, with its dot; None for that of each picture.
    quality : int or None
        Of lossy formats, 1 to 100.
    compression : str or None
        Of TIFF files.
    recursive : bool
        Whether folders in folders are entered.
    force : bool
        Whether existing files may be replaced.
    skip_existing : bool
        Whether pictures are left out whose results exist.
    as_json : bool
        Whether to print one JSON list on standard output, and the rest on standard error.
    save_psf : pathlib.Path or None
        Where to write the estimated PSF of the only picture.
    log : pathlib.Path or None
        Where to append a line for every picture.
    """

    path: str | None = None
    suffix: str | None = None
    quality: int | None = None
    compression: str | None = None
    recursive: bool = False
    force: bool = False
    skip_existing: bool = False
    as_json: bool = False
    save_psf: Path | None = None
    log: Path | None = None


def plan(
    images: list[Path], output: Output, method: str, likely: tuple[str, ...], all_methods: tuple[str, ...]
) -> tuple[list[Job], list[Skipped]]:
    """Say which file is restored into which, and what is left out.

    Parameters
    ----------
    images : list of pathlib.Path
        Files and folders; a folder means the pictures in it, but not the results of earlier runs on them.
    output : Output
        Where results go.
    method : str
        The method.
    likely : tuple of str
        Those that it may turn out to be, if it is chosen for each picture; else none.
    all_methods : tuple of str
        Those that earlier runs may have chosen.

    Raises
    ------
    FileExistsError, FileNotFoundError
        If a target exists and may not be replaced, or its folder does not exist.
    ValueError
        If a folder has no pictures, one file is given for several pictures, a template is wrong, two pictures have one
        target, or the target of one is another.
    """
    sources, skipped = find_sources(images, recursive=output.recursive)
    several = len(sources) > 1 or is_folder(images[0])
    naming = naming_for(output.path, output.suffix, several=several, recursive=output.recursive)
    sources, results = naming.leave_out_results(sources, all_methods)
    if not sources:
        raise ValueError(f"{images[0]} holds nothing but results of earlier runs")
    waits_for = likely if "method" in naming.fields else ()
    jobs = [
        Job(source.path, naming.target(source, number, METHOD if waits_for else method), waits_for)
        for number, source in enumerate(sources, 1)
    ]
    _check(jobs, force=output.force or output.skip_existing, may_use_fields=naming.is_template)
    return jobs, skipped + results


def _check(jobs: list[Job], *, force: bool, may_use_fields: bool) -> None:
    source_of: dict[str, Path] = {}
    real_sources = {os.path.realpath(job.source) for job in jobs}
    numbered = "number the results, as with -o '{n}-{stem}.png'"
    remedy = "put {stem}, {parent} or {n} into the name" if may_use_fields else numbered
    for job in jobs:
        target = os.path.realpath(job.target)
        other = source_of.setdefault(target, job.source)
        if other is not job.source:
            raise ValueError(f"{other} and {job.source} would both be written to {job.target}; {remedy}")
        job.refuse_existing(force=force)
        if target in real_sources - {os.path.realpath(job.source)}:
            raise ValueError(f"{job.target} is to be restored itself, and would be replaced first; leave it out")


def refuse_existing(target: Path, *, force: bool) -> None:
    """Raise `FileExistsError` if `target` exists and may not be replaced."""
    if _is_taken(target) and not force:
        raise FileExistsError(f"{target} exists already; --force replaces it")


def _is_taken(target: Path) -> bool:
    """Return whether something is there: a link that points at itself counts, one whose file is missing does not."""
    return os.path.lexists(os.path.realpath(target))


def check_target(target: Path, suffixes: tuple[str, ...] = WRITABLE_SUFFIXES) -> None:
    """Raise an error unless a picture can be written to `target`: now, and not after minutes of computing."""
    if target.suffix.lower() not in suffixes:
        raise ValueError(f"cannot write {target}: its suffix must be one of {', '.join(suffixes)}")
    check_folder(target)


def check_folder(target: Path) -> None:
    """Raise an error unless a file can be written where `target` is to be."""
    for parent in target.parents:
        if parent.is_symlink() and not parent.exists():
            raise FileNotFoundError(
                f"cannot write {target}: {parent} is a link to {os.readlink(parent)}, which is missing"
            )
    folder = next(parent for parent in target.parents if parent.exists())
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(f"cannot write {target}: {folder}: {error.strerror}") from error
