"""Recipes from settings and folders; export and plot of trainings."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deblur._core.errors import did_you_mean
from deblur.networks._weights import save

from . import _checkpoint
from ._denoiser import DenoiserRecipe
from ._recipe import Recipe
from ._trainer import LOG, describe
from ._unrolled import UDNRecipe, UnrolledRecipe

RECIPES: dict[str, type[Recipe]] = {each.kind: each for each in (DenoiserRecipe, UnrolledRecipe, UDNRecipe)}


def recipe_from(kind: str, settings: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a kind of network, with some settings changed.

    Parameters
    ----------
    kind : {"denoiser", "unrolled", "udn"}
        The kind of network.
    settings : mapping
        Fields of the recipe to change, by name.

    Returns
    -------
    Recipe
        To be given to a `Trainer`.

    Raises
    ------
    ValueError
        If a kind or setting is unknown (the message suggests one), or a value has the wrong type or is out of range.

    Examples
    --------
    >>> from deblur.networks.training import recipe_from
    >>> recipe_from("denoiser", {"steps": 10}).steps
    10
    """
    if kind not in RECIPES:
        near = did_you_mean(kind, RECIPES)
        raise ValueError(f"the network must be {', '.join(RECIPES)}, got {kind!r}{'; ' * bool(near)}{near}")
    recipe = RECIPES[kind]()
    known = [field.name for field in dataclasses.fields(recipe)]
    for name in settings:
        if name not in known:
            hint = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise ValueError(f"{kind} has no setting {name!r}; {hint}")
    changes = {name: _like(getattr(recipe, name), value, name) for name, value in settings.items()}
    return dataclasses.replace(recipe, **changes)


def _like(default: Any, value: Any, name: str) -> Any:
    """Convert a value from JSON or TOML to the type of the default."""
    if isinstance(default, tuple) and isinstance(value, list | tuple):
        return tuple(_like(default[0], each, name) for each in value)
    if isinstance(default, float) and type(value) is int:
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"the setting {name} must be like {default!r}, got {value!r}")
    return value


def resumed(folder: Path, kind: str, *, steps: int | None = None) -> Recipe:
    """Return the recipe of the training in a folder, optionally with another number of steps.

    Parameters
    ----------
    folder : pathlib.Path
        Of the training.
    kind : {"denoiser", "unrolled", "udn"}
        The expected kind of network.
    steps : int, optional
        Optimizer steps in all; unchanged if None.

    Returns
    -------
    Recipe
        To be given to a `Trainer` of the same folder.

    Raises
    ------
    ValueError
        If there is none, its checkpoint is damaged, or it is of another kind.

    Examples
    --------
    >>> import pathlib, skimage, tempfile
    >>> import torch
    >>> from deblur.networks.training import Photographs, Trainer, recipe_from, resumed
    >>> photographs = Photographs([pathlib.Path(skimage.__file__).parent / "data/astronaut.png"])
    >>> recipe = recipe_from("denoiser", {"steps": 1, "widths": [8, 16], "depths": [1, 1], "decoder_depth": 1})
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     scores = Trainer(recipe, photographs, photographs, folder, torch.device("cpu")).run()
    ...     resumed(folder, "denoiser", steps=5).steps
    5
    """
    described: dict[str, Any] = json.loads(_checkpoint.read(folder)[0]["recipe"])
    found = described.pop("kind")
    if found != kind:
        raise ValueError(f"{folder} holds a training of {found}, not of {kind}")
    return recipe_from(kind, described if steps is None else described | {"steps": steps})


def branched(folder: Path, kind: str, output: Path, *, steps: int) -> Recipe:
    """Branch a cool-down off the training in a folder, which stays as it is, and return its recipe.

    Parameters
    ----------
    folder : pathlib.Path
        Of the training.
    kind : {"denoiser", "unrolled", "udn"}
        The expected kind of network.
    output : pathlib.Path
        Folder for the cool-down, made if missing.
    steps : int
        Steps from the checkpoint on, over which the learning rate falls linearly to zero.

    Returns
    -------
    Recipe
        To be given to a `Trainer` of `output`.

    Raises
    ------
    ValueError
        If there is no training, its checkpoint is damaged, or it is of another kind.
    OSError
        If `output` has a checkpoint, or cannot be written.

    Examples
    --------
    >>> import pathlib, skimage, tempfile
    >>> import torch
    >>> from deblur.networks.training import Photographs, Trainer, branched, recipe_from
    >>> photographs = Photographs([pathlib.Path(skimage.__file__).parent / "data/astronaut.png"])
    >>> settings = {"steps": 1, "warm_up": 1, "widths": [8, 16], "depths": [1, 1], "decoder_depth": 1}
    >>> recipe = recipe_from("denoiser", settings)
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     scores = Trainer(recipe, photographs, photographs, folder, torch.device("cpu")).run()
    ...     cooling = branched(folder, "denoiser", folder / "cool", steps=4)
    >>> cooling.steps, cooling.rate(3) / cooling.learning_rate
    (5, 0.5)
    """
    whole = resumed(folder, kind)
    last = int(_checkpoint.read(folder)[0]["step"]) + steps
    recipe = dataclasses.replace(whole, steps=last, cool_down=steps / (last - whole.first_step))
    _checkpoint.branch(folder, describe(recipe), output)
    return recipe


def export(folder: Path) -> Path:
    """Write the averaged network of a training in half precision, beside its checkpoint, and return the path.

    Parameters
    ----------
    folder : pathlib.Path
        Of the training.

    Returns
    -------
    pathlib.Path
        The weights file, readable by `deblur.networks.load`.

    Raises
    ------
    ValueError
        If the folder has no training, or its checkpoint is damaged.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, skimage, tempfile
    >>> import torch
    >>> from deblur.networks.training import Photographs, Trainer, export, recipe_from
    >>> photographs = Photographs([pathlib.Path(skimage.__file__).parent / "data/astronaut.png"])
    >>> recipe = recipe_from("denoiser", {"steps": 1, "widths": [8, 16], "depths": [1, 1], "decoder_depth": 1})
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     scores = Trainer(recipe, photographs, photographs, folder, torch.device("cpu")).run()
    ...     export(folder).name
    'denoiser.safetensors'
    """
    meta, tensors = _checkpoint.read(folder)
    described = json.loads(meta["recipe"])
    kind = described.pop("kind")
    recipe = recipe_from(kind, described | ({"from_denoiser": False} if "from_denoiser" in described else {}))
    model = recipe.model()
    model.load_state_dict(_checkpoint.part(tensors, "averaged"))
    facts = {"steps": int(meta["step"]), "pixels": int(meta.get("pixels", 0)), "scores": last_scores(folder)}
    path = folder / f"{kind}.safetensors"
    save(path, model, recipe.settings, facts, overwrite=True)
    return path


def last_scores(folder: Path) -> dict[str, float]:
    """Return the last validation in a training's log."""
    entries = read_log(folder)
    return next(({k: v for k, v in e.items() if k != "step"} for e in reversed(entries) if "loss" not in e), {})


def read_log(folder: Path) -> list[dict[str, float]]:
    """Return the entries of a training's log by their steps: losses, and validations.

    A line cut short by a kill is skipped; of steps that were repeated after one, the last entry counts.
    """
    path = folder / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    last = {(entry["step"], "loss" not in entry): entry for line in lines for entry in _entry(line)}
    return [last[key] for key in sorted(last)]


def _entry(line: str) -> list[dict[str, float]]:
    try:
        return [json.loads(line)]
    except json.JSONDecodeError:
        return []


def plot(folder: Path) -> Path | None:
    """Plot the log of a training into its folder; return the path, or None where matplotlib is not installed.

    Parameters
    ----------
    folder : pathlib.Path
        Of the training.

    Returns
    -------
    pathlib.Path or None
        The plot, ``curve.png``; None where matplotlib is not installed.

    Raises
    ------
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, skimage, tempfile
    >>> import torch
    >>> from deblur.networks.training import Photographs, Trainer, plot, recipe_from
    >>> photographs = Photographs([pathlib.Path(skimage.__file__).parent / "data/astronaut.png"])
    >>> recipe = recipe_from("denoiser", {"steps": 1, "widths": [8, 16], "depths": [1, 1], "decoder_depth": 1})
    >>> with tempfile.TemporaryDirectory() as name:
    ...     folder = pathlib.Path(name)
    ...     scores = Trainer(recipe, photographs, photographs, folder, torch.device("cpu")).run()
    ...     path = plot(folder)
    >>> path is None or path.name == "curve.png"
    True
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    entries = read_log(folder)
    figure = Figure(figsize=(8, 5), layout="constrained")
    losses, scores = figure.subplots(2, 1, sharex=True)
    training = [e for e in entries if "loss" in e]
    losses.plot([e["step"] for e in training], [e["loss"] for e in training], lw=0.8)
    losses.set_ylabel("training loss (dB)")
    for name in dict.fromkeys(name for e in entries if "loss" not in e for name in e if name != "step"):
        points = [(e["step"], e[name]) for e in entries if name in e]
        scores.plot(*zip(*points, strict=True), marker=".", label=name)
    scores.set_xlabel("step")
    scores.set_ylabel("validation PSNR (dB)")
    scores.legend(fontsize="small", loc="lower right")
    path = folder / "curve.png"
    figure.savefig(path, dpi=120)
    return path
