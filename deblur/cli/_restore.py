"""`deblur restore`."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.cli._errors import complain
from deblur.cli._files import Job, check_target, plan
from deblur.cli._progress import progress_bar
from deblur.cli._psf import by, check_psf_target, read_psf
from deblur.cli._settings import CLIPPED, LINEAR_DTYPES, STEPWISE, Settings

if TYPE_CHECKING:
    import numpy as np

    from deblur import Restoration
    from deblur.photo import Photo


def restore_files(
    images: list[Path],
    psf_text: str | None,
    settings: Settings,
    output: str | None,
    *,
    force: bool,
    as_json: bool,
    save_psf: Path | None = None,
) -> int:
    """Restore pictures, print what was done, and return the exit code.

    Parameters
    ----------
    images : list of pathlib.Path
        Files and folders.
    psf_text : str, optional
        File or text, see `deblur.cli._psf.read_psf`; without it the PSF of each picture is estimated.
    settings : Settings
        How.
    output : str, optional
        File or folder, see `deblur.cli._files.plan`.
    force : bool
        Whether existing files may be replaced.
    as_json : bool
        Whether to print one JSON list on standard output, and the rest on standard error.
    save_psf : pathlib.Path, optional
        Where to write the estimated PSF of the only picture.
    """
    jobs = plan(images, output, force=force)
    if save_psf is not None:
        _check_save_psf(save_psf, psf_text, jobs, force=force)
    psf = None if psf_text is None else read_psf(psf_text)
    if psf is not None and psf.ndim == 1:
        raise ValueError(f"{psf_text}: a PSF for pictures has 2 axes, or 3 for stacks; it has 1")
    results, failures = [], 0
    with progress_bar(len(jobs)) as show:
        for index, job in enumerate(jobs):

            def advance(part: float, job: Job = job, before: int = index) -> None:
                show(before + part, job.source.name)

            result: dict[str, Any] = {"input": str(job.source)}
            results.append(result)
            advance(0.0)
            try:
                result |= _restore_file(job, psf, settings, advance, save_psf, force=force)
            except Exception as error:
                result["error"] = complain(error, about=job.source)
                failures += 1
            else:
                # At once: whoever reads a pipe or a log wants to see how far it is.
                print(_line(result), file=sys.stderr if as_json else sys.stdout, flush=True)
    if as_json:
        print(json.dumps(results, indent=2))
    if failures:
        return 2 if len(jobs) == 1 else 1
    return 0


def _restore_file(
    job: Job,
    psf: np.ndarray | None,
    settings: Settings,
    advance: Callable[[float], None],
    save_psf: Path | None,
    *,
    force: bool,
) -> dict[str, Any]:
    """Restore one picture, and return what the JSON says of it."""
    import deblur
    from deblur import photo

    if psf is not None and _by_parts(job, settings):
        from deblur.cli._stacks import restore_stack

        check_target(job.target)
        job.target.parent.mkdir(parents=True, exist_ok=True)
        return {"output": str(job.target)} | restore_stack(job.source, job.target, psf, settings, advance, force=force)
    blurred = photo.read(job.source)
    if psf is None and save_psf is not None and _pages(blurred) > 1:
        raise ValueError("--save-psf needs a picture of one page: every page has a PSF of its own")
    if psf is not None:
        _check_fit(blurred, psf)
    check_target(job.target)
    # The blind method was tuned on the values that files have.
    linear = (psf is not None and _is_encoded(blurred)) if settings.linear is None else settings.linear

    pixels = photo.to_linear(blurred.pixels) if linear else blurred.pixels
    if psf is None:
        pixels, facts, found = _restore_blindly(pixels, blurred.channel_axis, settings, advance)
    else:
        scale = float(psf.sum())  # a measured PSF has any; left as it is, it would change the brightness
        saturation = _saturation(blurred, linear) if psf.ndim == 2 else None
        pixels, facts = _restore_pixels(pixels, psf / scale, blurred.channel_axis, saturation, settings, advance)
        facts |= {"psf_shape": psf.shape, "psf_sum": scale}
    sharp = replace(blurred, pixels=photo.from_linear(pixels) if linear else pixels)

    job.target.parent.mkdir(parents=True, exist_ok=True)
    photo.write(job.target, sharp, overwrite=force)
    if save_psf is not None:
        deblur.psf.save(save_psf, found, overwrite=force)
    return {"output": str(job.target), **facts, "linear": linear}


def _by_parts(job: Job, settings: Settings) -> bool:
    """Whether a file is restored by parts, and its axes and sizes kept, and not as a photograph."""
    from deblur.stack import is_stack

    is_tiff = job.source.suffix.lower() in (".tif", ".tiff")
    return is_stack(job.source) or (is_tiff and (settings.memory is not None or job.target.suffix.lower() == ".zarr"))


def _restore_blindly(
    pixels: np.ndarray, channel_axis: int | None, settings: Settings, advance: Callable[[float], None]
) -> tuple[np.ndarray, dict[str, Any], np.ndarray]:
    """Restore an image, or each page of a stack, with PSFs estimated from them; the last PSF comes back."""
    import deblur

    def restore(page: np.ndarray, done: Callable[[float], None]) -> Restoration:
        options = settings.blind_options(lambda part, what: done(part))
        return deblur.restore(page, channel_axis=channel_axis, **options)

    restored, pages = _page_by_page(restore, pixels, 2 + (channel_axis is not None), advance)
    least = min(pages, key=lambda each: each.confidence or 0.0)
    facts = {"psf_shape": pages[-1].psf.shape, "psf_sum": 1.0, "reason": least.reason}
    facts |= {"method": least.method, "confidence": round(least.confidence or 0.0, 3)}
    return restored, _facts(pages) | facts, pages[-1].psf


def _restore_pixels(
    pixels: np.ndarray,
    psf: np.ndarray,
    channel_axis: int | None,
    saturation: float | None,
    settings: Settings,
    advance: Callable[[float], None],
) -> tuple[np.ndarray, dict[str, Any]]:
    """Restore an image, a volume, or the pages of a stack one by one, and say how."""
    import deblur
    from deblur._restore import METHODS

    most = settings.iterations or 1
    if settings.iterations is None and settings.method in STEPWISE:
        most = inspect.signature(METHODS[settings.method]).parameters["num_iter"].default

    def restore(page: np.ndarray, done: Callable[[float], None]) -> Restoration:
        options = settings.options(lambda iteration, estimate, objective: done((iteration + 1) / most))
        return deblur.restore(page, psf, saturation=saturation, channel_axis=channel_axis, **options)

    restored, pages = _page_by_page(restore, pixels, psf.ndim + (channel_axis is not None), advance)
    return restored, _facts(pages)


def _page_by_page(
    restore: Callable[[np.ndarray, Callable[[float], None]], Restoration],
    pixels: np.ndarray,
    ndim: int,
    advance: Callable[[float], None],
) -> tuple[np.ndarray, list[Restoration]]:
    """Restore arrays of `ndim` axes, of which there are several if there is one axis more."""
    import numpy as np

    pages = pixels if pixels.ndim > ndim else pixels[np.newaxis]
    restorations = []
    for number, page in enumerate(pages):

        def done(part: float, number: int = number) -> None:
            advance((number + part) / len(pages))

        restorations.append(restore(page, done))
        done(1.0)
    restored = np.stack([each.image for each in restorations])
    return restored if pixels.ndim > ndim else restored[0], restorations


def _facts(pages: list[Restoration]) -> dict[str, Any]:
    levels = [each.noise_level for each in pages if each.noise_level is not None]
    return {
        "method": pages[0].method,
        "noise_level": sum(levels) / len(levels) if levels else None,
        "seconds": round(sum(each.seconds for each in pages), 3),
    }


def _check_fit(blurred: Photo, psf: np.ndarray) -> None:
    shape = blurred.pixels.shape if blurred.channel_axis is None else blurred.pixels.shape[:-1]
    if psf.ndim > len(shape):
        raise ValueError("it has one page, and a PSF of 3 axes is for stacks; give one of 2 axes")
    shape = shape[len(shape) - psf.ndim :]
    if any(taps > size for taps, size in zip(psf.shape, shape, strict=True)):
        raise ValueError(f"the PSF is larger than the picture: {by(psf.shape)} against {by(shape)} pixels")


def _pages(blurred: Photo) -> int:
    return len(blurred.pixels) if blurred.pixels.ndim - (blurred.channel_axis is not None) == 3 else 1


def _check_save_psf(target: Path, psf_text: str | None, jobs: list[Job], *, force: bool) -> None:
    if psf_text is not None:
        raise ValueError("--save-psf is for a PSF that is estimated; leave --psf out")
    if len(jobs) > 1:
        raise ValueError(f"--save-psf {target} is one file, and there are several pictures to restore")
    check_psf_target(target, force=force)


def _is_encoded(blurred: Photo) -> bool:
    """Guess whether the values follow the sRGB curve: those of photographs do, those of instruments do not."""
    is_stack = blurred.pixels.ndim - (blurred.channel_axis is not None) == 3
    return blurred.dtype.name in LINEAR_DTYPES and not is_stack


def _saturation(blurred: Photo, linear: bool) -> float | None:
    """Return from which value on a photograph is clipped; None for what instruments measured."""
    import numpy as np

    from deblur import photo

    if not _is_encoded(blurred):
        return None
    return float(photo.to_linear(np.array(CLIPPED))) if linear else CLIPPED


def _line(result: dict[str, Any]) -> str:
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
