"""`deblur demo`."""

from __future__ import annotations

from pathlib import Path

from deblur.cli._verbosity import Reporter

FOLDER = "deblur-demo"


def run_demo(output: str | None, *, force: bool, report: Reporter) -> None:
    """Run the demonstration, and print what it wrote.

    Parameters
    ----------
    output : str, optional
        Folder to write to. The default folder belongs to the demonstration: its files are replaced.
    force : bool
        Whether existing files in another folder may be replaced.
    report : Reporter
        Where to print.
    """
    import torch

    from deblur._examples.demo import run

    folder = Path(output or FOLDER)
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file; give a folder")
    torch.set_num_threads(1)  # more do not help with images this small
    with report.progress_bar(1) as show:
        show(0.0, "restoring two photographs")
        try:
            results = run(folder, overwrite=force or output is None)
        except FileExistsError as error:
            raise FileExistsError(f"{folder} has pictures of the demo already; --force replaces them") from error
    for result in results:
        report.say(f"{result.name}: {result.story} ({result.seconds:.1f} s)")
        for name, quality in result.quality.items():
            report.say(f"  {name:9}PSNR {quality['psnr']:.1f} dB, SSIM {quality['ssim']:.2f}")
        for name in ("before", "after", "psf"):
            report.say(f"  {name:9}{result.files[name]}")
    report.say(f"Side by side: {results[0].files['comparison']}")
