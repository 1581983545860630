"""`deblur psf`, and the PSF of `deblur restore`."""

from __future__ import annotations

import math
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deblur import psf
from deblur.cli._files import check_folder, check_target, refuse_existing
from deblur.cli._options import parse_psf_size, sizes_in
from deblur.cli._verbosity import Reporter

if TYPE_CHECKING:
    import numpy as np

_WRITTEN = (".npy", ".tif", ".tiff", ".png")
PICTURE_SIDE = 512
"""Smallest length of the longer side of an enlarged picture, in pixels."""


def by(shape: tuple[object, ...]) -> str:
    """Write a shape as ``31 x 21``."""
    return " x ".join(map(str, shape))


def read_psf_file(text: str) -> psf.PsfFile:
    """Read a PSF from a file with all that the file says, or make it from a text such as ``disk:radius=4``.

    Parameters
    ----------
    text : str
        A file if there is one of that name, or if it ends as PSF files do, or is ``file.mat:name``.

    Raises
    ------
    OSError, ModuleNotFoundError, ValueError
        As `deblur.psf.read` and `deblur.psf.parse` raise.
    """
    from deblur.psf._io import names_file

    if names_file(text):
        return psf.read(text)
    return psf.PsfFile(psf.parse(text), "", {})


def make_psf(spec: str, output: Path, *, force: bool, report: Reporter) -> None:
    """Write the PSF that `spec` describes to a file, and print its size."""
    refuse_existing(output, force=force)
    made = psf.parse(spec)
    psf.save(output, made, overwrite=force)
    report.say(f"{output}: {by(made.shape)} pixels")


def check_psf_target(target: Path, *, force: bool) -> None:
    """Raise an error unless a PSF can be written to `target`: now, and not after minutes of computing."""
    if target.suffix.lower() not in _WRITTEN:
        raise ValueError(f"cannot write {target}: its suffix must be one of {', '.join(_WRITTEN)}")
    refuse_existing(target, force=force)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {target.parent} does not exist")
    check_folder(target)


def estimate_psf(image: Path, output: Path, psf_size: str, *, device: str, force: bool, report: Reporter) -> None:
    """Estimate the PSF of a blurred photograph, write it, and print the confidence in it."""
    from deblur import photo, restore

    size = parse_psf_size(psf_size)
    check_psf_target(output, force=force)
    blurred = photo.read(image)
    if blurred.pixels.ndim - (blurred.channel_axis is not None) > 2:
        raise ValueError(f"{image} is a stack; give a picture of one page")
    with report.progress_bar(1) as show:
        result = restore(
            blurred.pixels,
            psf_shape="auto" if size is None else size,
            channel_axis=blurred.channel_axis,
            device=device,
            progress=show,
        )
    psf.save(output, result.psf, overwrite=force)
    found = f"{by(result.psf.shape)} pixels, confidence {result.certainty}" if result.changed else "no blur was found"
    report.say(f"{output}: {found}, {result.seconds:.1f} s")
    if result.reason:
        report.say(f"{image}: {result.reason}")
    if result.changed:
        report.say(_drawing(_flat(result.psf)))


def measure_psf(
    image: Path, output: Path, size: str, *, threshold: float, symmetrize: bool, force: bool, report: Reporter
) -> None:
    """Measure the PSF from a picture or a stack of beads, write it, and print how many beads it is made of."""
    from deblur import photo

    sizes = sizes_in(size)
    if not 1 <= len(sizes) <= 3:
        raise ValueError(f"--size must be voxels such as 31 or 31x65x65, got {size!r}")
    check_psf_target(output, force=force)
    picture = photo.read(image)
    if picture.channel_axis is not None:
        raise ValueError(f"{image} is in color; give one channel")
    shape = sizes[0] if len(sizes) == 1 else sizes
    beads = psf.from_beads(picture.pixels, shape, threshold=threshold, symmetrize=symmetrize)
    psf.save(output, beads.psf, overwrite=force)
    report.say(f"{output}: {by(beads.psf.shape)} pixels, the mean of {len(beads.positions)} beads of {beads.found}")
    report.say(_drawing(_flat(beads.psf)))


def show_psf(text: str, output: Path | None, *, force: bool) -> None:
    """Print what a PSF is and what of it would be mended, draw it, and write an enlarged picture if asked to."""
    if output is not None:
        refuse_existing(output, force=force)
        check_target(output)
    file = read_psf_file(text)
    given, (shown, mended) = file.psf, psf.mend(file.psf)
    if not mended:
        shown = given  # with its dark rims
    if output is not None:
        _write_picture(output, _flat(shown), force=force)
    axes = {1: "columns", 2: "rows x columns", 3: "planes x rows x columns"}[given.ndim]
    support = psf.estimate_support(shown)
    print(f"size      {by(given.shape)} ({axes})")
    print(f"sum       {given.sum():.6g}")
    for note in mended:
        print(f"mended    {note}")
    if mended:
        print(f"used      {by(shown.shape)} ({axes}), as below")
    print(f"centroid  {', '.join(f'{distance:+.2f}' for distance in _centroid(shown))} pixels from the center")
    print(f"support   {by(tuple(part.stop - part.start for part in support))} holds 99.9 % of the light")
    if file.voxel_size:
        axes = ", ".join(file.voxel_size).lower()
        print(f"voxels    {by(tuple(f'{size:.4g}' for size in file.voxel_size.values()))} µm ({axes})")
    if file.format:
        print(f"format    {'; '.join((file.format, *file.notes))}")
    print(_drawing(_flat(shown)))


def _centroid(shown: np.ndarray) -> list[float]:
    """Return how far the centroid is from the center k//2 along each axis."""
    import numpy as np

    offsets = np.indices(shown.shape) - np.reshape([size // 2 for size in shown.shape], (-1,) + (1,) * shown.ndim)
    distances = [float((offset * shown).sum() / shown.sum()) for offset in offsets]
    return [round(distance, 6) + 0.0 for distance in distances]  # adding 0 turns -0.0 into 0.0


def _flat(shown: np.ndarray) -> np.ndarray:
    """Bring a PSF to two axes, the planes of a 3-D one added up."""
    return shown.sum(axis=0) if shown.ndim == 3 else shown.reshape(-1, shown.shape[-1])


def _drawing(values: np.ndarray) -> str:
    """Draw with block characters, two for a pixel, or for several pixels where the terminal is too narrow."""
    import numpy as np

    from deblur._core.drawing import brightness

    shades = " ░▒▓█"
    try:
        shades.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        shades = " .+#@"
    step = math.ceil(values.shape[1] / max(1, (shutil.get_terminal_size().columns - 2) // 2))
    values = np.pad(values, [(0, -size % step) for size in values.shape])
    values = values.reshape(values.shape[0] // step, step, -1, step).sum(axis=(1, 3))
    levels = np.rint(brightness(values) * (len(shades) - 1)).astype(int)
    return "\n".join("".join(2 * shades[level] for level in row).rstrip() for row in levels)


def _write_picture(output: Path, values: np.ndarray, *, force: bool) -> None:
    from deblur import photo
    from deblur._core.drawing import psf_image

    enlarged = psf_image(values, min_side=PICTURE_SIDE, margin=0)
    photo.write(output, photo.Photo(enlarged / 255), overwrite=force)
