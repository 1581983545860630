"""`deblur restore`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.cli._errors import complain
from deblur.cli._files import IMAGE_SUFFIXES, ZARR, Job, check_target, plan
from deblur.cli._psf import by, check_psf_target, read_psf
from deblur.cli._settings import Settings
from deblur.cli._verbosity import Reporter

if TYPE_CHECKING:
    import numpy as np

    from deblur import Restoration


def restore_files(
    images: list[Path],
    psf_text: str | None,
    settings: Settings,
    output: str | None,
    *,
    force: bool,
    as_json: bool,
    save_psf: Path | None = None,
    cluster: str | int = 1,
    skip_existing: bool = False,
    report: Reporter | None = None,
) -> int:
    """Restore pictures, print what was done, and return the exit code.

    Parameters
    ----------
    images : list of pathlib.Path
        Files and folders.
    psf_text : str, optional
        File or text, see `deblur.cli._psf.read_psf`; without it the PSF of each picture is estimated.
    settings : Settings
        Method and options.
    output : str, optional
        File or folder, see `deblur.cli._files.plan`.
    force : bool
        Whether existing files may be replaced.
    as_json : bool
        Whether to print one JSON list on standard output, and the rest on standard error.
    save_psf : pathlib.Path, optional
        Where to write the estimated PSF of the only picture.
    cluster : str or int
        How many processes to restore on, or the address of a Dask scheduler.
    skip_existing : bool
        Whether to leave out the pictures whose results exist.
    report : Reporter, optional
        What is printed besides errors and JSON.
    """
    report = report or Reporter()
    jobs = plan(images, output, force=force or skip_existing)
    if save_psf is not None:
        _check_save_psf(save_psf, psf_text, jobs, force=force)
    psf = None if psf_text is None else read_psf(psf_text)
    if psf is not None and psf.ndim == 1:
        raise ValueError(f"{psf_text}: a PSF for pictures has 2 axes, or 3 for stacks; it has 1")
    planned = len(jobs)
    if skip_existing:
        jobs = [job for job in jobs if not job.target.exists()]
        report.say(f"deblur: {planned - len(jobs)} of {planned} are there already", to_stderr=True)
    if isinstance(cluster, int):
        settings = replace(settings, processes=cluster)
    restore = partial(_restore_file, psf=psf, settings=settings, save_psf=save_psf and save_psf.absolute(), force=force)
    with report.progress_bar(len(jobs)) as show:
        if cluster == 1 or not jobs:
            outcomes = _restore_here(restore, jobs, show)
        else:
            from deblur.cli._cluster import restore_on_cluster

            outcomes = restore_on_cluster(restore, jobs, show, cluster, force=force)
        results, failures = _collect(outcomes, jobs, report, as_json=as_json)
    if as_json:
        print(json.dumps(results, indent=2))
    if failures:
        return 2 if planned == 1 else 1
    return 0


def _collect(
    outcomes: Iterator[tuple[int, dict[str, Any] | Exception]], jobs: list[Job], report: Reporter, *, as_json: bool
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
            result |= {"output": str(job.target), **outcome}
            report.say(_line(result), to_stderr=as_json)
            report.detail(_decisions(result))
    return results, failures


def _restore_here(
    restore: Callable[[Job, Callable[[float], None]], dict[str, Any]],
    jobs: list[Job],
    show: Callable[[float, str], None],
) -> Iterator[tuple[int, dict[str, Any] | Exception]]:
    """Restore pictures one after the other, and give the facts about each, or what went wrong."""
    for index, job in enumerate(jobs):

        def advance(part: float, job: Job = job, before: int = index) -> None:
            show(before + part, job.source.name)

        advance(0.0)
        outcome: dict[str, Any] | Exception
        try:
            outcome = restore(job, advance)
        except Exception as error:
            outcome = error
        yield index, outcome


def _restore_file(
    job: Job,
    advance: Callable[[float], None],
    *,
    psf: np.ndarray | None,
    settings: Settings,
    save_psf: Path | None,
    force: bool,
) -> dict[str, Any]:
    """Restore one picture or stack into its target, and return its record for the JSON."""
    import deblur
    from deblur import photo

    def progress(fraction: float, stage: str) -> None:
        advance(fraction)

    options: dict[str, Any] = {"progress": progress, **settings.options()}
    if psf is not None and _by_windows(job, settings):
        check_target(job.target, IMAGE_SUFFIXES)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        options |= {"memory": settings.memory, "processes": settings.processes, "float32": settings.floats}
        return result_record(deblur.restore_stack(job.source, psf, job.target, overwrite=force, **options))
    _check_photo(job, settings)
    blurred = photo.read(job.source)
    if psf is None and save_psf is not None and blurred.pages > 1:
        raise ValueError("--save-psf needs a picture of one page: every page has a PSF of its own")
    check_target(job.target)
    made = deblur.restore_photo(blurred, psf, **options)
    job.target.parent.mkdir(parents=True, exist_ok=True)
    made.save(job.target, overwrite=force)
    if save_psf is not None:
        deblur.psf.save(save_psf, made.psf, overwrite=force)
    return result_record(made)


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


def result_record(made: Restoration) -> dict[str, Any]:
    """Return the record of a restoration for the JSON."""
    details = made.details
    record: dict[str, Any] = {
        "method": made.method,
        "changed": made.changed,
        "noise_level": made.noise_level,
        "seconds": round(made.seconds, 3),
        "psf_shape": made.psf.shape,
        "psf_sum": details["psf_sum"] if details["psf_sum"] is not None else 1.0,
    }
    if made.confidence is not None:
        record |= {"reason": made.reason, "confidence": round(made.confidence, 3)}
    elif made.reason:
        record["reason"] = made.reason
    shown = ("kind", "linear", "saturation", "device", "axes", "windows", "clipped", "options")
    return record | {name: details[name] for name in shown if name in details}


def _decisions(result: dict[str, Any]) -> str:
    """Return what the policy and the plan decided, for --verbose."""
    light = "linear light" if result.get("linear") else "values as stored"
    decided = [f"{result.get('kind', 'picture')} in {light}"]
    if result.get("saturation") is not None:
        decided.append(f"clipped from {result['saturation']:.3g}")
    decided += [f"{name} {value}" for name, value in result.get("options", {}).items()]
    if "windows" in result:
        decided.append(f"{result['windows']} window{'s' if result['windows'] != 1 else ''}")
    return f"  {', '.join(decided)}, on {result.get('device', 'cpu')}"


def _check_save_psf(target: Path, psf_text: str | None, jobs: list[Job], *, force: bool) -> None:
    if psf_text is not None:
        raise ValueError("--save-psf is for a PSF that is estimated; leave --psf out")
    if len(jobs) > 1:
        raise ValueError(f"--save-psf {target} is one file, and there are several pictures to restore")
    check_psf_target(target, force=force)


def _line(result: dict[str, Any]) -> str:
    if "method" not in result:  # the worker that restored it is gone, and its record with it
        return f"{result['input']} -> {result['output']}: {result['reason']}"
    facts = [result["method"]]
    if "confidence" in result:
        facts += [f"PSF {by(result['psf_shape'])}", f"confidence {result['confidence']:.2g}"]
    if result["noise_level"] is not None:
        facts.append(f"noise {result['noise_level']:.2g}")
    if abs(result["psf_sum"] - 1) > 1e-3:
        facts.append(f"PSF scaled from sum {result['psf_sum']:.4g} to 1")
    return f"{result['input']} -> {result['output']} ({', '.join(facts)}, {result['seconds']:.1f} s)" + (
        f": {result['reason']}" if result.get("reason") else ""
    )
