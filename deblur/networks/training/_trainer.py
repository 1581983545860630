"""The training loop: prefetched batches, reduced precision, weight averaging, checkpoints, a log."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from deblur._core.progress import Progress, silent
from deblur.networks._precision import reduced_precision

from . import _checkpoint
from ._images import Photographs
from ._recipe import Batch, Recipe, moved
from ._start import Start, start_from

LOG = "log.jsonl"
_WEIGHT_DECAY = 1e-4
_CLIP = 5.0
_SAVE_EVERY = 180.0
_LOG_EVERY = 50
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

OnEntry = Callable[[dict[str, float]], None]


class Trainer:
    """A training whose state lives in a folder; it resumes from the folder's checkpoint if there is one.

    Every batch is a function of the seed and the step, so an interrupted and resumed training sees the same batches as
    an uninterrupted one and, on the same machine, ends with bit-identical weights.

    Parameters
    ----------
    recipe : Recipe
        The task, the network and the schedule.
    photographs, held_out : Photographs
        Training and validation images.
    folder : pathlib.Path
        Folder of the checkpoint and the log; created if missing.
    device : torch.device
        Device to compute on.
    start : Start, optional
        Weights to start from, where the folder has no checkpoint; see `read_start`. The optimizer is new, and warms up.

    Attributes
    ----------
    recipe : Recipe
        The recipe, with `first_step` set to the steps of the starting weights.
    step, pixels : int
        Steps done, and pixels of training crops seen, those of the starting weights included.
    model, averaged : torch.nn.Module
        The network, and a copy with the moving average of its weights.

    Raises
    ------
    ValueError
        If the folder's checkpoint is damaged or of another training, or the starting weights do not fit.

    Examples
    --------
    >>> import pathlib, skimage, tempfile
    >>> import torch
    >>> from deblur.networks.training import Photographs, Trainer, recipe_from
    >>> photographs = Photographs([pathlib.Path(skimage.__file__).parent / "data/astronaut.png"])
    >>> recipe = recipe_from("denoiser", {"steps": 2, "widths": [8, 16], "depths": [1, 1], "decoder_depth": 1})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     trainer = Trainer(recipe, photographs, photographs, pathlib.Path(folder), torch.device("cpu"))
    ...     list(trainer.run())
    ['noise 15', 'noise 25', 'noise 50']
    """

    def __init__(
        self,
        recipe: Recipe,
        photographs: Photographs,
        held_out: Photographs,
        folder: Path,
        device: torch.device,
        *,
        start: Start | None = None,
    ) -> None:
        self.recipe = recipe if start is None else dataclasses.replace(recipe, first_step=start.steps)
        self.photographs, self.held_out = photographs, held_out
        self.folder, self.device = folder, device
        self.model = recipe.model().to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.step, self.pixels = (0, 0) if start is None else (start.steps, start.pixels)
        if start is not None:
            start_from(self.model, start.model)
        self.averaged = copy.deepcopy(self.model).requires_grad_(False).eval()
        groups = recipe.groups(self.model)
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), weight_decay=_WEIGHT_DECAY)
        self._description = describe(self.recipe)
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / _checkpoint.NAME).exists():
            counts = _checkpoint.load(folder, self._description, self.model, self.averaged, self.optimizer)
            self.step, self.pixels = counts["step"], counts["pixels"]

    def run(
        self,
        *,
        minutes: float = math.inf,
        validate_every: int = 1000,
        progress: Progress | None = None,
        on_entry: OnEntry | None = None,
    ) -> dict[str, float]:
        """Train to the recipe's last step, or for some minutes; return the last validation.

        A checkpoint is written every three minutes, at the end, and when the run is interrupted.

        Parameters
        ----------
        minutes : float
            Time limit.
        validate_every : int
            Steps between validations.
        progress : callable, optional
            ``progress(fraction, stage)``: the completed fraction of all steps, and the last loss.
        on_entry : callable, optional
            Called with every entry of the log: ``step`` and ``loss`` (dB) and ``seconds``, or ``step`` and PSNRs (dB).

        Raises
        ------
        ValueError
            If the loss is not finite; the last checkpoint is kept.
        OSError
            If a checkpoint or the log cannot be written; the last checkpoint is kept.
        """
        start = saved = time.monotonic()
        report = progress or silent
        losses: list[torch.Tensor] = []
        scores: dict[str, float] = {}
        with ThreadPoolExecutor(1) as pool, _without_denormals():
            pending = pool.submit(self.recipe.batch, self.photographs, self.step)
            try:
                while self.step < self.recipe.steps and time.monotonic() < start + 60 * minutes:
                    batch = pending.result()
                    pending = pool.submit(self.recipe.batch, self.photographs, self.step + 1)
                    losses.append(self._advance(batch))
                    if self.step % _LOG_EVERY == 0 or self.step == self.recipe.steps:
                        loss = float(torch.stack(losses).mean())
                        losses.clear()
                        self._log(on_entry, loss=loss, seconds=time.monotonic() - start)
                        report(self.step / self.recipe.steps, f"loss {loss:.2f} dB")
                    if self.step % validate_every == 0 or self.step == self.recipe.steps:
                        scores = self.validate()
                        self._log(on_entry, **scores)
                    if time.monotonic() > saved + _SAVE_EVERY:
                        self.save()
                        saved = time.monotonic()
            except (KeyboardInterrupt, SystemExit):
                self.save()
                raise
        self.save()
        return scores

    def validate(self) -> dict[str, float]:
        """Return the PSNRs of the averaged weights on the held-out photographs."""
        with torch.inference_mode(), reduced_precision(self.device):
            return self.recipe.validate(self.averaged, self.held_out)

    def save(self) -> None:
        """Write the checkpoint: the state after the last completed step."""
        for buffer, whole in zip(self.model.buffers(), self.averaged.buffers(), strict=True):
            buffer.copy_(whole)  # batch statistics that the forward pass of an interrupted step has updated
        counts = {"step": self.step, "pixels": self.pixels}
        _checkpoint.save(self.folder, self._description, counts, self.model, self.averaged, self.optimizer)

    def _advance(self, batch: Batch) -> torch.Tensor:
        with reduced_precision(self.device):
            loss = self.recipe.loss(self.model, moved(batch, self.device), self.step / self.recipe.steps)
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), _CLIP)
        if not bool(torch.isfinite(loss + norm)):
            raise ValueError(f"the loss is not finite at step {self.step}: lower the learning_rate")
        with _uninterrupted():
            self._update()
            self.pixels += batch["sharp"].numel()
        return loss.detach()

    @torch.no_grad()
    def _update(self) -> None:
        rate = self.recipe.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.step()
        self.step += 1
        averaged, current = list(self.averaged.parameters()), list(self.model.parameters())
        torch._foreach_lerp_(averaged, current, 1 - self.recipe.decay(self.step))
        for kept, buffer in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            kept.copy_(buffer)

    def _log(self, on_entry: OnEntry | None, **entry: float) -> None:
        entry = {"step": self.step, **{name: round(value, 4) for name, value in entry.items()}}
        with (self.folder / LOG).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        if on_entry is not None:
            on_entry(entry)


def describe(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as it is stored in a checkpoint."""
    return {"kind": recipe.kind, **json.loads(json.dumps(dataclasses.asdict(recipe)))}


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Defer signals: a checkpoint in the middle of an update could not be resumed."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield
        return
    received: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in _SIGNALS}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    for number in received:
        signal.raise_signal(number)


@contextmanager
def _without_denormals() -> Iterator[None]:
    """Flush denormal numbers to zero: moments of vanished gradients decay into them, and arithmetic slows down."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
