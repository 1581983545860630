"""The training loop: it learns, and it resumes from any interruption as if there had been none."""

import errno
import json
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from deblur.networks import UDN, Denoiser, UnrolledHQS, _tensors, load
from deblur.networks.training import (
    DenoiserRecipe,
    Photographs,
    Recipe,
    Trainer,
    UDNRecipe,
    UnrolledRecipe,
    _checkpoint,
    export,
    resumed,
)
from deblur.networks.training._runs import read_log

from . import cases

CHECKPOINT = "checkpoint.safetensors"


class _StopsAt3:
    """Ctrl-C during the fourth step."""

    def loss(self, model, batch, progress):
        loss = super().loss(model, batch, progress)
        if round(progress * self.steps) == 3:
            raise KeyboardInterrupt
        return loss


@dataclass(frozen=True)
class StoppingDenoiser(_StopsAt3, DenoiserRecipe):
    pass


@dataclass(frozen=True)
class StoppingUnrolled(_StopsAt3, UnrolledRecipe):
    pass


@dataclass(frozen=True)
class StoppingUDN(_StopsAt3, UDNRecipe):
    pass


def trainer(recipe: Recipe, photographs: Photographs, folder: Path) -> Trainer:
    return Trainer(recipe, photographs, photographs, folder, cases.CPU)


def checkpoint(folder: Path) -> dict[str, bytes]:
    meta, tensors = _checkpoint.read(folder)
    return {name: t.numpy().tobytes() for name, t in tensors.items()} | {k: v.encode() for k, v in meta.items()}


@pytest.mark.parametrize(
    ("make", "stopping"),
    [(cases.denoiser, StoppingDenoiser), (cases.unrolled, StoppingUnrolled), (cases.udn, StoppingUDN)],
)
def test_interrupted_and_resumed_it_is_the_same_to_the_bit(
    make, stopping: type[Recipe], photographs: Photographs, tmp_path: Path
) -> None:
    recipe = make(steps=6)
    trainer(recipe, photographs, tmp_path / "whole").run()
    with pytest.raises(KeyboardInterrupt):
        trainer(stopping(**vars(recipe)), photographs, tmp_path / "halves").run()
    assert _checkpoint.read(tmp_path / "halves")[0]["step"] == "3"
    again = resumed(tmp_path / "halves", recipe.kind)
    assert again == recipe
    second = trainer(again, photographs, tmp_path / "halves")
    assert second.step == 3
    second.run()
    whole, halves = checkpoint(tmp_path / "whole"), checkpoint(tmp_path / "halves")
    assert {name.split("/")[0] for name in whole} == {
        *("model", "averaged", "exp_avg", "exp_avg_sq"),
        *("recipe", "step", "pixels"),
    }
    assert halves.keys() == whole.keys()
    assert [name for name in whole if whole[name] != halves[name]] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_an_update(
    number: int, photographs: Photographs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, stop)
    try:
        work = trainer(cases.denoiser(), photographs, tmp_path / "a")
        update = work.optimizer.step

        def interrupted() -> None:
            if work.step == 2:
                signal.raise_signal(number)
            update()

        monkeypatch.setattr(work.optimizer, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            work.run()
        assert signal.getsignal(number) is stop
    finally:
        signal.signal(number, before)
    assert _checkpoint.read(tmp_path / "a")[0]["step"] == "3"
    trainer(cases.denoiser(), photographs, tmp_path / "a").run()
    trainer(cases.denoiser(), photographs, tmp_path / "b").run()
    assert checkpoint(tmp_path / "a") == checkpoint(tmp_path / "b")


def test_it_learns_to_denoise(photographs: Photographs, tmp_path: Path) -> None:
    recipe = cases.denoiser(steps=250, learning_rate=3e-3, warm_up=20, average=0.97)
    scores = trainer(recipe, photographs, tmp_path).run()
    entries = read_log(tmp_path)
    losses = [entry["loss"] for entry in entries if "loss" in entry]
    assert [entry["step"] for entry in entries if "loss" in entry] == [50, 100, 150, 200, 250]
    assert losses[-1] < losses[0] - 2  # dB
    assert entries[-1] == {"step": 250, **{name: round(value, 4) for name, value in scores.items()}}
    for level in (25, 50):  # the noisy pictures have 20.2 and 14.2 dB, and a little more where they are clipped
        assert scores[f"noise {level}"] > -20 * torch.log10(torch.tensor(level / 255)) + 2.5


def test_the_average_moves_slowly(photographs: Photographs, tmp_path: Path) -> None:
    work = trainer(cases.denoiser(average=0.3), photographs, tmp_path)
    expected = [p.detach().double() for p in work.averaged.parameters()]
    for step in range(4):
        work._advance(work.recipe.batch(photographs, step))
        decay = min(0.3, (2 + step) / (11 + step))
        current = [p.detach().double() for p in work.model.parameters()]
        expected = [decay * e + (1 - decay) * p for e, p in zip(expected, current, strict=True)]
    for average, e, p in zip(work.averaged.parameters(), expected, work.model.parameters(), strict=True):
        torch.testing.assert_close(average.double(), e, rtol=1e-5, atol=1e-7)
        assert not torch.equal(average, p)
        assert not average.requires_grad


def test_the_learning_rate_warms_up_stays_and_cools_down() -> None:
    recipe = cases.denoiser(steps=1000, learning_rate=0.5, warm_up=100, cool_down=0.2)
    rates = [recipe.rate(step) for step in range(1001)]
    assert rates[:100] == pytest.approx([0.5 * (step + 1) / 100 for step in range(100)])
    assert set(rates[100:801]) == {0.5}
    assert rates[800:] == pytest.approx([0.5 * (1000 - step) / 200 for step in range(800, 1001)])
    assert cases.denoiser(warm_up=0, cool_down=0.0).rate(5) == cases.denoiser().learning_rate
    later = cases.denoiser(steps=1500, first_step=500, learning_rate=0.5, warm_up=100, cool_down=0.2)
    assert [later.rate(step) for step in range(500, 1501)] == rates


def test_the_average_reaches_back_over_less_at_both_ends() -> None:
    recipe = cases.denoiser(steps=10_000, cool_down=0.2, average=0.999)
    reach = [1 / (1 - recipe.decay(step)) for step in (1, 80, 5000, 7999, 9500, 9900, 10_000)]
    assert reach == pytest.approx([11 / 9, 10, 5010 / 9, 8009 / 9, 500, 200, 200])
    assert cases.denoiser(steps=10**6, average=0.999).decay(500_000) == 0.999
    assert cases.denoiser(average=0.0).decay(6) == 0


def test_steps_parameters_learn_five_times_as_fast() -> None:
    recipe = cases.unrolled()
    model = recipe.model()
    others, steps = recipe.groups(model)
    assert {id(p) for p in steps["params"]} == {id(p) for p in (model.level, model.weight, model.gain)}
    assert len(others["params"]) + len(steps["params"]) == len(list(model.parameters()))
    assert (others["factor"], steps["factor"], steps["weight_decay"]) == (1.0, 5.0, 0.0)


@pytest.fixture
def halfway(photographs: Photographs, tmp_path: Path) -> Path:
    """A training that stopped after three of six steps."""
    with pytest.raises(KeyboardInterrupt):
        trainer(StoppingDenoiser(**vars(cases.denoiser())), photographs, tmp_path / "run").run()
    return tmp_path / "run"


@pytest.mark.parametrize("how", ["python", "system"])
def test_a_full_disk_leaves_the_last_checkpoint(
    how: str, halfway: Path, photographs: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path.name: path.read_bytes() for path in halfway.iterdir()}
    work = trainer(cases.denoiser(), photographs, halfway)
    work.step = 5
    if how == "python":

        def half(tensors: dict, path: Path, meta: dict) -> None:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(_tensors, "save_file", half)
        with pytest.raises(OSError, match="No space left on device"):
            work.save()
    else:
        resource = pytest.importorskip("resource", reason="needs limits on the size of a file")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        try:
            with pytest.raises(OSError, match=r"cannot write .*checkpoint\.safetensors: .*File too large"):
                work.save()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in halfway.iterdir()} == before
    assert trainer(cases.denoiser(), photographs, halfway).step == 3


def test_a_loss_that_is_not_finite_leaves_the_last_checkpoint(
    halfway: Path, photographs: Photographs, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (halfway / CHECKPOINT).read_bytes()
    monkeypatch.setattr(DenoiserRecipe, "loss", lambda self, model, *_: model.unet.tail.bias.sum() * torch.inf)
    with pytest.raises(ValueError, match="the loss is not finite at step 3: lower the learning_rate"):
        trainer(cases.denoiser(), photographs, halfway).run()
    assert (halfway / CHECKPOINT).read_bytes() == before


def no_checkpoint(folder: Path) -> None:
    (folder / CHECKPOINT).unlink()


def cut(folder: Path) -> None:
    path = folder / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1000])


def a_network(folder: Path) -> None:
    export(folder).replace(folder / CHECKPOINT)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_checkpoint, "no training to resume in .*run: it has no checkpoint.safetensors"),
        (cut, "checkpoint.safetensors is damaged"),
        (a_network, "checkpoint.safetensors is no checkpoint of a training"),
    ],
)
def test_a_folder_that_cannot_be_resumed(halfway: Path, spoil, message: str) -> None:
    spoil(halfway)
    with pytest.raises(ValueError, match=message):
        resumed(halfway, "denoiser")


def test_another_training_is_refused(halfway: Path, photographs: Photographs) -> None:
    with pytest.raises(ValueError, match="run holds a training of denoiser, not of unrolled"):
        resumed(halfway, "unrolled")
    with pytest.raises(ValueError, match="run holds another training: its seed is 0, not 1"):
        trainer(cases.denoiser(seed=1), photographs, halfway)
    with pytest.raises(ValueError, match=r"run holds another training: its widths is \[8, 16\], not \[8, 24\]"):
        trainer(cases.denoiser(widths=(8, 24)), photographs, halfway)
    with pytest.raises(ValueError, match="run holds another training: its crop_size is 96, not None"):
        trainer(cases.udn(average=0.9998, learning_rate=8e-4), photographs, halfway)


def test_a_training_can_be_made_longer(halfway: Path, photographs: Photographs) -> None:
    work = trainer(resumed(halfway, "denoiser", steps=8), photographs, halfway)
    work.run()
    assert work.step == 8
    assert resumed(halfway, "denoiser").steps == 8


@pytest.mark.parametrize(
    ("recipe", "kind", "names"),
    [
        (cases.denoiser(steps=1), Denoiser, {"noise 15", "noise 25", "noise 50"}),
        (cases.unrolled(steps=1), UnrolledHQS, {f"{b} {n} %" for b in ("unknown", "circular") for n in (1, 5)}),
        (cases.udn(steps=1), UDN, {f"{b} {n} %" for b in ("unknown", "circular") for n in (1, 5)}),
    ],
)
def test_the_average_is_what_is_validated_and_exported(
    recipe: Recipe, kind: type, names: set[str], photographs: Photographs, tmp_path: Path
) -> None:
    entries: list[dict] = []
    work = trainer(recipe, photographs, tmp_path)
    scores = work.run(on_entry=entries.append)
    assert scores.keys() == names
    assert scores == work.validate()  # the same pictures, PSFs and noise at every call
    assert entries == read_log(tmp_path)
    assert [set(entry) for entry in entries] == [{"step", "loss", "seconds"}, {"step", *names}]
    path = export(tmp_path)
    assert path == tmp_path / f"{recipe.kind}.safetensors"
    network = load(path)
    assert type(network) is kind
    for name, value in work.averaged.state_dict().items():
        assert torch.equal(network.state_dict()[name], value.half().to(value))
    facts = json.loads(_tensors.read_tensors(path)[0]["facts"])
    pixels = recipe.batch(photographs, 0)["sharp"].numel()
    assert facts == {"steps": 1, "pixels": pixels, "scores": {name: round(value, 4) for name, value in scores.items()}}


def test_minutes_stop_it(photographs: Photographs, tmp_path: Path) -> None:
    work = trainer(cases.denoiser(steps=10**6), photographs, tmp_path)
    work.run(minutes=0.005)
    assert 0 < work.step < 10**6
    assert _checkpoint.read(tmp_path)[0]["step"] == str(work.step)
