"""`deblur restore`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur._core.progress import Progress, Stopwatch
from deblur.cli._errors import complain, in_options
from deblur.cli._files import Job, Output, check_target, plan, refuse_existing
from deblur.cli._log import Log, check_log, open_log
from deblur.cli._names import METHOD
from deblur.cli._progress import label
from deblur.cli._psf import check_psf_target, read_psf_file
from deblur.cli._report import decisions_of, line_of, record_of, tally_of
from deblur.cli._settings import METHODS, Settings
from deblur.cli._sources import REASONS, TARGET_SUFFIXES, ZARR, summary
from deblur.cli._verbosity import Reporter

if TYPE_CHECKING:
    from deblur.psf import PsfFile

Outcome = dict[str, Any] | Exception


def restore_files(
    images: list[Path],
    psf_text: str | None,
    settings: Settings,
    output: Output,
    *,
    cluster: str | int = 1,
    report: Reporter | None = None,
    hidden: str = "",
) -> int:
    """Restore pictures, print what was done, and return the exit code.

    Parameters
    ----------
    images : list of pathlib.Path
        Files and folders.
    psf_text : str, optional
        File or text, see `deblur.cli._psf.read_psf_file`; without it the PSF of each picture is estimated.
    settings : Settings
        Method and options.
    output : Output
        What is written, and where.
    cluster : str or int
        How many processes to restore on, or the address of a Dask scheduler.
    report : Reporter, optional
        What is printed besides errors and JSON.
    hidden : str
        The start of temporary paths, to be left out of the log.
    """
    report = report or Reporter()
    psf = None if psf_text is None else read_psf_file(psf_text)
    if psf is not None and psf.psf.ndim == 1:
        raise ValueError(f"{psf_text}: a PSF for pictures has 2 axes, or 3 for stacks; it has 1")
    likely = settings.likely_methods(None if psf is None else psf.psf.ndim)
    jobs, left_out = plan(images, output, settings.method, likely, METHODS)
    if output.save_psf is not None:
        _check_save_psf(output.save_psf, psf_text, jobs, force=output.force)
    if output.log is not None:
        check_log(output.log)
    skipped = [{"input": str(each.path), "skipped": REASONS[each.why]} for each in left_out]
    planned = len(jobs)
    if output.skip_existing:
        skipped += [{"input": str(job.source), "skipped": "its result exists"} for job in jobs if job.exists()]
        jobs = [job for job in jobs if not job.exists()]
        report.say(f"deblur: {planned - len(jobs)} of {planned} are there already", to_stderr=True)
    if isinstance(cluster, int):
        settings = replace(settings, processes=cluster)
    if output.save_psf is not None:
        output = replace(output, save_psf=output.save_psf.absolute())
    restore = partial(_restore_file, psf=psf, settings=settings, output=output)
    with open_log(output.log, hidden) as log, report.progress_bar(len(jobs)) as show:
        if log is not None:
            for record in skipped:
                log.write(record)
        if cluster == 1 or not jobs:
            outcomes = _restore_here(restore, jobs, show)
        else:
            from deblur.cli._cluster import restore_on_cluster

            outcomes = restore_on_cluster(restore, jobs, show, cluster, force=output.force)
        results, failures = _collect(outcomes, jobs, report, log, as_json=output.as_json)
    if len(results) > 1 and (tally := tally_of(results)):
        report.say(f"deblur: {tally}", to_stderr=True)
    if left_out:
        report.say(f"deblur: {summary(left_out)}", to_stderr=True)
    if output.as_json:
        print(json.dumps(results + skipped, indent=2))
    if failures:
        return 2 if planned == 1 else 1
    return int(log is not None and log.failed)


def _collect(
    outcomes: Iterator[tuple[int, Outcome]], jobs: list[Job], report: Reporter, log: Log | None, *, as_json: bool
) -> tuple[list[dict[str, Any]], int]:
    """Print the outcome of every picture as it comes; return all records, and how many failed."""
    results: list[dict[str, Any]] = [{"input": str(job.source)} for job in jobs]
    failures = 0
    for index, outcome in outcomes:
        result, job = results[index], jobs[index]
        if isinstance(outcome, Exception):
            result["error"] = complain(outcome, about=job.source)
            failures += 1
        else:
            result |= {"output": str(job.target_by(outcome.get("method", METHOD))), **outcome}
            report.say(line_of(result), to_stderr=as_json)
            for line in decisions_of(result):
                report.detail(line)
        if log is not None:
            log.write(result)
    return results, failures


def _restore_here(
    restore: Callable[[Job, Progress], dict[str, Any]], jobs: list[Job], show: Callable[[float, str], None]
) -> Iterator[tuple[int, Outcome]]:
    """Restore pictures one after the other, and give the facts about each, or what went wrong."""
    for index, job in enumerate(jobs):

        def advance(part: float, stage: str, job: Job = job, before: int = index) -> None:
            show(before + part, label(before, len(jobs), job.source.name, stage))

        outcome: Outcome
        try:
            outcome = restore(job, advance)
        except Exception as error:
            outcome = error
        yield index, outcome


def _restore_file(
    job: Job, advance: Progress, *, psf: PsfFile | None, settings: Settings, output: Output
) -> dict[str, Any]:
    """Restore one picture or stack into its target, and return its record for the JSON."""
    watch = Stopwatch()

    def report(part: float, stage: str) -> None:
        watch(part, stage)
        advance(part, stage)

    report(0.0, "reading")
    try:
        record = _restored(job, report, psf, settings, output)
        return record | {"stages": {stage: round(seconds, 2) for stage, seconds in watch.stages().items()}}
    except (ValueError, TypeError) as error:
        message = in_options(str(error))
        if message == str(error):
            raise
        raise ValueError(message) from error


def _restored(job: Job, advance: Progress, psf: PsfFile | None, settings: Settings, output: Output) -> dict[str, Any]:
    import deblur
    from deblur import photo
    from deblur.restoration._kinds import kind_of_photo

    options: dict[str, Any] = {"progress": advance, **settings.options()}
    if psf is not None and _by_windows(job, settings):
        options |= {"memory": settings.memory, "processes": settings.processes, "float32": settings.floats}
        return _restore_stack(job, psf, settings, options, output)
    _check_photo(job, settings)
    blurred = photo.read(job.source)
    if psf is None and output.save_psf is not None and blurred.pages > 1:
        raise ValueError("--save-psf needs a picture of one page: every page has a PSF of its own")
    check_target(job.target)
    if job.methods:
        kind, _ = kind_of_photo(blurred, settings.data.kind)
        space = blurred.pixels.shape if blurred.channel_axis is None else blurred.pixels.shape[:-1]
        refuse_existing(job.target_by(_chosen(space, psf, kind)), force=output.force)
    made = deblur.restore_photo(blurred, psf, **options)
    target = job.target_by(made.method)
    refuse_existing(target, force=output.force)
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = made.is_copy(target)
    record = record_of(
        made,
        lost=() if kept or made.photo is None else photo.losses(target, made.photo),
        kept=blurred.notes if kept else (),  # a copy has what reading leaves out
    )
    advance(1.0, "writing")
    made.save(target, overwrite=output.force, quality=output.quality, compression=output.compression)
    if output.save_psf is not None:
        deblur.psf.save(output.save_psf, made.psf, overwrite=output.force)
    return record


def _restore_stack(
    job: Job, psf: PsfFile, settings: Settings, options: dict[str, Any], output: Output
) -> dict[str, Any]:
    """Restore a stack by windows, and move it where its method says if its name waits for that."""
    import deblur
    from deblur._core.atomic import atomic_folder, atomic_path
    from deblur.restoration._kinds import kind_of_stack
    from deblur.stack import open_stack

    check_target(job.target, TARGET_SUFFIXES)
    if output.compression not in (None, "none"):
        raise ValueError(f"{job.source} is a stack, and written in parts without compression; leave --compression out")
    job.folder.mkdir(parents=True, exist_ok=True)
    if not job.methods:
        job.target.parent.mkdir(parents=True, exist_ok=True)
        return record_of(deblur.restore_stack(job.source, psf, job.target, overwrite=output.force, **options))
    stack = open_stack(job.source)
    space = tuple(size for axis, size in zip(stack.axes, stack.shape, strict=True) if axis in "ZYX")
    refuse_existing(job.target_by(_chosen(space, psf, kind_of_stack(stack, settings.data.kind)[0])), force=output.force)
    with tempfile.TemporaryDirectory(prefix=".deblur-", dir=job.folder) as folder:
        made = Path(folder, job.target.name)
        record = record_of(deblur.restore_stack(job.source, psf, made, **options))
        target = job.target_by(record["method"])
        refuse_existing(target, force=output.force)
        target.parent.mkdir(parents=True, exist_ok=True)
        with (atomic_folder if made.is_dir() else atomic_path)(target, overwrite=output.force) as place:
            os.replace(made, place)
    return record


def _chosen(space: tuple[int, ...], psf: PsfFile | None, kind: str) -> str:
    """Return the method that auto stands for, to refuse at once what exists already."""
    from deblur.restoration._registry import default_method

    axes = None if psf is None else psf.psf.ndim
    return default_method(space if axes is None else space[-axes:], axes, kind).name


def _by_windows(job: Job, settings: Settings) -> bool:
    """Whether a file is restored by windows, its axes and sizes kept, and not as a photograph."""
    from deblur.stack import TIFF_SUFFIXES, is_stack

    is_tiff = job.source.suffix.lower() in TIFF_SUFFIXES
    return is_stack(job.source) or (is_tiff and (settings.memory is not None or job.target.suffix.lower() == ZARR))


def _check_photo(job: Job, settings: Settings) -> None:
    """Raise an error where an option for stacks is given for a file that is restored as a photograph."""
    if job.source.suffix.lower() == ZARR:
        raise ValueError(f"cannot restore {job.source} without --psf: the PSF is estimated for photographs")
    if job.target.suffix.lower() == ZARR:
        raise ValueError(f"cannot write {job.target}: zarr folders are written from TIFF files and zarr, with --psf")
    if settings.memory is not None:
        raise ValueError(f"{job.source} is restored whole: --memory is for TIFF files and stacks; leave it out")
    if settings.floats:
        raise ValueError(f"{job.source} keeps its depth: --float32 is for stacks (OME, ImageJ, zarr); leave it out")


def _check_save_psf(target: Path, psf_text: str | None, jobs: list[Job], *, force: bool) -> None:
    if psf_text is not None:
        raise ValueError("--save-psf is for a PSF that is estimated; leave --psf out")
    if len(jobs) > 1:
        raise ValueError(f"--save-psf {target} is one file, and there are several pictures to restore")
    check_psf_target(target, force=force)
