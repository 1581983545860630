"""`deblur train`."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.cli._verbosity import Reporter

if TYPE_CHECKING:
    from deblur.networks.training import Photographs, Recipe, Trainer

HELD_OUT_EVERY = 50
_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


def train_network(
    kind: str,
    output: Path | None,
    *,
    resume: Path | None,
    start: str | None,
    cool_down: int | None,
    config: Path | None,
    steps: int | None,
    minutes: float | None,
    images: Path | None,
    device: str | None,
    report: Reporter,
) -> None:
    """Train a network, show its progress, and write it; see the help of `deblur train`."""
    from deblur._core.devices import resolve_device
    from deblur._core.extras import missing_extra
    from deblur.networks.training import Trainer, export, plot, read_start

    _check_options(output, resume=resume, start=start, cool_down=cool_down, config=config, steps=steps)
    weights = None if start is None else read_start(start, kind)
    settings: dict[str, Any] = {} if weights is None else {"first_step": weights.steps}
    settings |= {"from_denoiser": False} if weights is not None and kind == "unrolled" else {}
    settings |= {} if config is None else _read_config(config)
    settings |= {} if steps is None else {"steps": steps}
    chosen = resolve_device(device)
    recipe, folder = _recipe(kind, output, resume, cool_down, settings)
    photographs, held_out = _photographs(images)  # last, since it may download them
    trainer = Trainer(recipe, photographs, held_out, folder, chosen, start=weights)
    report.say(f"{kind}: step {trainer.step} of {recipe.steps}, in {folder}, on {chosen}", to_stderr=True)
    _run(trainer, minutes, report)
    picture = plot(folder)
    report.say(f"curve: {picture}" if picture else missing_extra("plot", "curve.png needs matplotlib"), to_stderr=True)
    if trainer.step < recipe.steps:
        report.say(f"stopped at step {trainer.step} of {recipe.steps}; go on with --resume {folder}", to_stderr=True)
        return
    report.say(str(export(folder)))


def _check_options(
    output: Path | None,
    *,
    resume: Path | None,
    start: str | None,
    cool_down: int | None,
    config: Path | None,
    steps: int | None,
) -> None:
    """Raise `ValueError` for options that exclude each other."""
    if cool_down is not None and (resume is None or output is None):
        raise ValueError("--cool-down branches off a training: give its folder by --resume, and another by --output")
    if cool_down is not None and steps is not None:
        raise ValueError("--cool-down says how many steps are left: leave --steps out")
    if resume is not None and start is not None:
        raise ValueError("--resume goes on from the folder's checkpoint: leave --start out")
    if resume is not None and (config is not None or (output is not None and cool_down is None)):
        raise ValueError("--resume goes on in its folder with its settings: leave --output and --config out")


def _recipe(
    kind: str, output: Path | None, resume: Path | None, cool_down: int | None, settings: dict[str, Any]
) -> tuple[Recipe, Path]:
    """Return the recipe, and the folder of the training."""
    from deblur.networks.training import branched, recipe_from, resumed

    if resume is not None and cool_down is None:
        return resumed(resume, kind, steps=settings.get("steps")), resume
    folder = output or Path(f"deblur-{kind}")
    if (folder / "checkpoint.safetensors").exists():
        raise FileExistsError(f"{folder} holds a training; go on with --resume {folder}, or choose another --output")
    if resume is not None and cool_down is not None:
        return branched(resume, kind, folder, steps=cool_down), folder
    return recipe_from(kind, settings), folder


def _run(trainer: Trainer, minutes: float | None, report: Reporter) -> None:
    start, first, last = time.monotonic(), trainer.step, trainer.recipe.steps
    with report.progress_bar(last) as show:

        def on_progress(fraction: float, stage: str) -> None:
            done = fraction * last
            left = (time.monotonic() - start) / max(done - first, 1) * (last - done)
            show(done, f"{stage}, {left / 60:.0f} min left")

        def print_scores(entry: dict[str, float]) -> None:
            if "loss" not in entry:
                scores = ", ".join(f"{name} {value:.2f}" for name, value in entry.items() if name != "step")
                report.say(f"step {entry['step']}: {scores} dB", to_stderr=True)

        trainer.run(minutes=math.inf if minutes is None else minutes, progress=on_progress, on_entry=print_scores)


def _photographs(folder: Path | None) -> tuple[Photographs, Photographs]:
    """Return the photographs to train on, and every fiftieth, by name, to validate on."""
    from deblur.networks.training import Photographs

    if folder is None:
        from deblur.benchmark import get

        folder = get("bsds500") / "bsds500"
    elif not folder.is_dir():
        raise ValueError(f"--images must be a folder, got {folder}")
    files = [path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".")]
    files.sort(key=lambda path: (path.name, path))
    if len(files) < 2:
        raise ValueError(f"{folder} has {len(files)} photographs; to train and to validate takes at least 2")
    held_out = files[::HELD_OUT_EVERY]
    return Photographs([path for path in files if path not in set(held_out)]), Photographs(held_out)


def _read_config(path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from None
