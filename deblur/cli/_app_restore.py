"""The command `deblur restore`: its signature and explanations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from deblur.cli import _restore_options as opt
from deblur.cli._options import Device, Force, PsfSize, check_not_empty
from deblur.cli._verbosity import Command, reporter_of

RESTORE_EPILOG = """\b
Examples:
  deblur restore photo.jpg
  deblur restore photo.jpg --blur focus
  deblur restore photo.jpg --psf "motion:length=15,angle=30"
  deblur restore photo.jpg --psf psf.tif --method richardson-lucy -o sharp.png
  deblur restore shots/ more/*.tif --psf "gaussian:sigma=2" -o restored/
  deblur restore shots/ --recursive --format png -o restored/ --log restored.jsonl
  deblur restore shots/ -o "sharp/{stem}-{method}{ext}" --quality 85
  deblur restore badge.png --psf disk:radius=4 --mask inside.png --noise-level 2%
  deblur restore stack.tif --psf "gaussian:sigma=3x1x1" --json
  deblur restore cells.ome.tif --psf psf3d.tif --method richardson-lucy -o cells.zarr
  deblur restore mosaic.tif --psf psf.tif --method wiener --memory 4G
  deblur restore scans/ --psf psf.tif -o sharp/ --scheduler tcp://10.0.0.1:8786
  deblur restore - --psf psf.tif < photo.jpg > sharp.jpg"""


class RestoreCommand(Command):
    """A command whose help lists methods and formats, imported only when that help is shown."""

    def get_help(self, ctx: Any) -> str:
        """Return the help, with the methods of the registry and the formats."""
        from deblur.cli._settings import method_help
        from deblur.cli._sources import helps

        texts = {"method": method_help(), **helps()}
        for parameter in self.params:
            if parameter.name in texts:
                parameter.help = texts[parameter.name]  # type: ignore[attr-defined]
        return super().get_help(ctx)


def restore(
    context: typer.Context,
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE",
            callback=check_not_empty,
            help="Pictures to restore, and folders of them.",
            show_default=False,
        ),
    ],
    psf: opt.Psf = None,
    method: opt.Method = "auto",
    blur: opt.Blur = "auto",
    noise_level: opt.NoiseLevel = "auto",
    iterations: opt.Iterations = None,
    linear: opt.Linear = None,
    kind: opt.Kind = None,
    mask: opt.Mask = None,
    bad_pixels: opt.BadPixels = None,
    background: opt.Background = None,
    gain: opt.Gain = None,
    read_noise: opt.ReadNoise = None,
    psf_size: PsfSize = "auto",
    save_psf: opt.SavePsf = None,
    output: opt.Output = None,
    file_format: opt.Format = None,
    quality: opt.Quality = None,
    compression: opt.Compression = None,
    recursive: opt.Recursive = False,
    memory: opt.Memory = None,
    float32: opt.Float32 = False,
    force: Force = False,
    skip_existing: opt.SkipExisting = False,
    jobs: opt.Jobs = 1,
    scheduler: opt.Scheduler = None,
    device: Device = "auto",
    log: opt.Log = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON list.")] = False,
) -> None:
    """Restore blurred pictures.

    Without --psf the blur is found out, for photographs: whether the camera shook or moved straight, whether the lens
    was out of focus, or the picture is a little soft. The result says which, and the confidence in the estimate: high,
    medium or low, and its value in --json. A picture that is sharp, that has too little detail, or that would only get
    worse, is left as it was: its result is the same file, and the line says why and what to try.

    Clipped highlights of 8-bit and 16-bit photographs are treated as brighter than they are, so that they do not ring.

    OME-TIFF, ImageJ hyperstacks and OME-Zarr are read and written in windows, each channel and time separately; axes,
    voxel sizes and channel names are kept. Samples keep their unit: 16-bit counts stay counts, clipped at 65535, and
    the output line says how many were clipped.

    Metadata (EXIF, color profile, resolution, transparency) and bit depth are kept. A bad file does not stop the
    others; the exit code is then 1. It is 2 for a wrong option, or if the only file is bad. A picture that is left as
    it was counts as done, with exit code 0; in --json and in --log FILE.jsonl it has "changed": false. What is left out
    of a folder, and why, is printed at the end, and listed by --json.
    """
    from deblur.cli._files import Output
    from deblur.cli._pipe import STANDARD, restore_standard_input
    from deblur.cli._restore import restore_files
    from deblur.cli._settings import Data, Settings
    from deblur.cli._sources import check_compression, suffix_of

    if scheduler is not None and jobs != 1:
        raise ValueError("--jobs starts processes here, and --scheduler has its own; leave out one")
    if skip_existing and force:
        raise ValueError("--skip-existing leaves results alone, and --force replaces them; leave out one")
    data = Data.parse(kind, mask, bad_pixels, background, gain, read_noise)
    settings = Settings.parse(
        method, noise_level, iterations, linear, psf_size, memory, floats=float32, device=device, data=data, blur=blur
    )
    settings.check_psf(given=psf is not None)
    wanted = Output(
        output,
        None if file_format is None else suffix_of(file_format),
        quality=quality,
        compression=check_compression(compression),
        recursive=recursive,
        force=force,
        skip_existing=skip_existing,
        as_json=as_json,
        save_psf=None if save_psf is None else Path(save_psf),
        log=None if log is None else Path(log),
    )
    report = reporter_of(context)
    if STANDARD in images:
        if len(images) > 1 or as_json:
            raise ValueError("- is one picture, from standard input: it goes with no other, and not with --json")
        if skip_existing or recursive or scheduler is not None or jobs != 1:
            raise ValueError(
                "--skip-existing, --recursive, --jobs and --scheduler are for files; - is one picture, restored here"
            )
        raise typer.Exit(restore_standard_input(psf, settings, wanted, report=report))
    paths = [Path(image) for image in images]
    cluster = jobs if scheduler is None else scheduler
    raise typer.Exit(restore_files(paths, psf, settings, wanted, cluster=cluster, report=report))
