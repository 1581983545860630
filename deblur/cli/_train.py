"""`deblur train`."""

from __future__ import annotations

import difflib
import math
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deblur.cli._progress import progress_bar

if TYPE_CHECKING:
    import torch

    from deblur.networks.training import Photographs, Recipe

HELD_OUT_EVERY = 50
_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp")


def train_network(
    kind: str,
    output: Path | None,
    *,
    resume: Path | None,
    config: Path | None,
    steps: int | None,
    minutes: float | None,
    images: Path | None,
    device: str | None,
) -> None:
    """Train a network, show how it goes, and write it; see the help of `deblur train`."""
    from deblur.networks.training import Trainer, export, plot, recipe_from, resumed

    if resume is not None and (output is not None or config is not None):
        raise ValueError("--resume goes on in its folder with its settings: leave --output and --config out")
    if resume is not None:
        recipe, folder = resumed(resume, kind, steps=steps), resume
    else:
        settings = {} if config is None else _read_config(config)
        recipe = recipe_from(kind, settings if steps is None else settings | {"steps": steps})
        folder = output or Path(f"deblur-{kind}")
        if (folder / "checkpoint.safetensors").exists():
            raise FileExistsError(
                f"{folder} holds a training; go on with --resume {folder}, or choose another --output"
            )
    chosen = _device(device)
    photographs, held_out = _photographs(images)
    trainer = Trainer(recipe, photographs, held_out, folder, chosen)
    print(f"{kind}: step {trainer.step} of {recipe.steps}, in {folder}, on {chosen}", file=sys.stderr, flush=True)
    _run(trainer, recipe, minutes)
    picture = plot(folder)
    print(f"curve: {picture}" if picture else "no curve.png: pip install matplotlib", file=sys.stderr)
    if trainer.step < recipe.steps:
        print(f"stopped at step {trainer.step} of {recipe.steps}; go on with --resume {folder}", file=sys.stderr)
        return
    print(f"{export(folder)}")


def _run(trainer: Any, recipe: Recipe, minutes: float | None) -> None:
    start, first = time.monotonic(), trainer.step
    with progress_bar(recipe.steps) as show:

        def tell(entry: dict[str, Any]) -> None:
            if "loss" in entry:
                left = (time.monotonic() - start) / max(entry["step"] - first, 1) * (recipe.steps - entry["step"])
                show(entry["step"], f"loss {entry['loss']:.2f} dB, {left / 60:.0f} min left")
            else:
                scores = ", ".join(f"{name} {value:.2f}" for name, value in entry.items() if name != "step")
                print(f"step {entry['step']}: {scores} dB", file=sys.stderr, flush=True)

        trainer.run(minutes=math.inf if minutes is None else minutes, progress=tell)


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


def _device(name: str | None) -> torch.device:
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        close = difflib.get_close_matches(name, ("cpu", "cuda", "mps"), n=1)
        hint = f"; did you mean {close[0]}?" if close and close[0] != name else ""
        raise ValueError(f"--device {name!r} is not on this machine{hint}: {str(error).splitlines()[0]}") from None
    return device
