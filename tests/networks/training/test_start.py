"""Trainings that start from trained weights, and cool-downs that branch off."""

import json
from pathlib import Path

import pytest
import torch

from deblur.networks import UDN, Denoiser, _tensors, pretrained, save
from deblur.networks.training import (
    Photographs,
    Start,
    Trainer,
    _checkpoint,
    branched,
    export,
    read_start,
    resumed,
)
from deblur.networks.training._start import start_from

from ..cases import TINY, lively, rand
from . import cases

LARGER = [
    {"widths": (8, 16), "depths": (1, 1), "decoder_depth": 1},
    {"widths": (12, 16), "depths": (1, 1), "decoder_depth": 1},
    {"widths": (8, 24), "depths": (1, 3), "decoder_depth": 1},
    {"widths": (12, 20), "depths": (2, 2), "decoder_depth": 2},
]


def tiny(**changes) -> Denoiser:
    torch.manual_seed(3)
    return lively(Denoiser(**(TINY | changes)))


@pytest.mark.parametrize("sizes", LARGER, ids=["same", "wider", "deeper", "both"])
def test_a_larger_network_computes_the_same_and_all_of_it_learns(sizes: dict) -> None:
    small, large = tiny(), lively(Denoiser(**sizes))
    start_from(large, small)
    x, level = rand(2, 1, 33, 40), torch.tensor([0.02, 0.1])
    torch.testing.assert_close(large(x, level), small(x, level), rtol=0, atol=1e-5)
    optimizer = torch.optim.Adam(large.parameters(), 1e-3)
    for _ in range(2):  # the first step lets the trained part see what is new, the second trains that too
        optimizer.zero_grad()
        large(x, level).square().mean().backward()
        optimizer.step()
    assert [name for name, p in large.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(
    ("sizes", "name"),
    [
        ({"widths": (6, 16)}, "unet.head.weight"),
        ({"widths": (8, 12)}, "unet.encoder.1.first.0.weight"),
        ({"decoder_depth": 0}, "unet.decoder.0.first.0.weight"),
        ({"channels": 3}, "unet.head.weight"),
        ({"widths": (8, 16, 16), "depths": (1, 1, 1)}, "unet.down.1.weight"),
    ],
)
def test_weights_that_do_not_fit(sizes: dict, name: str) -> None:
    model = Denoiser(**(TINY | sizes))
    with pytest.raises(ValueError, match=f"the trained weights do not fit into this network: .*{name}"):
        start_from(model, tiny())


def test_the_shipped_denoiser_fits_into_the_recipe() -> None:
    start = read_start("pretrained", "denoiser")
    model = cases.DenoiserRecipe().model()
    start_from(model, start.model)
    x, level = rand(1, 1, 40, 48), torch.tensor([0.1])
    with torch.no_grad():
        torch.testing.assert_close(model(x, level), pretrained("denoiser")(x, level), rtol=0, atol=1e-5)
    assert (start.steps, start.pixels) == (15_000, 0)


def test_weights_of_another_kind(tmp_path: Path) -> None:
    save(tmp_path / "a.safetensors", tiny(), TINY)
    assert read_start(tmp_path / "a.safetensors", "denoiser").steps == 0
    save(tmp_path / "udn.safetensors", UDN(2, width=4), {"depth": 2, "width": 4})
    model = UDN(2, width=4)
    start_from(model, read_start(tmp_path / "udn.safetensors", "udn").model)
    assert all(p.equal(p.half().float()) for p in model.parameters())
    with pytest.raises(ValueError, match=r"a\.safetensors holds weights of denoiser, not of unrolled"):
        read_start(tmp_path / "a.safetensors", "unrolled")


def trainer(photographs: Photographs, folder: Path, start: Start | None, **changes) -> Trainer:
    return Trainer(cases.denoiser(**changes), photographs, photographs, folder, cases.CPU, start=start)


def test_steps_and_pixels_are_counted_on(photographs: Photographs, tmp_path: Path) -> None:
    first = trainer(photographs, tmp_path / "first", None, steps=2)
    first.run()
    start = read_start(export(tmp_path / "first"), "denoiser")
    per_step = 8 * 96**2
    assert (start.steps, start.pixels) == (2, 2 * per_step)
    second = trainer(photographs, tmp_path / "second", start, steps=5)
    for mine, average, theirs in zip(
        second.model.parameters(), second.averaged.parameters(), start.model.parameters(), strict=True
    ):
        assert torch.equal(mine, theirs)
        assert torch.equal(average, theirs)
    assert second.step == 2
    assert not second.optimizer.state
    assert second.recipe.rate(2) == second.recipe.learning_rate / 2  # it warms up again
    second.run()
    facts = json.loads(_tensors.read_tensors(export(tmp_path / "second"))[0]["facts"])
    assert (facts["steps"], facts["pixels"]) == (5, 5 * per_step)
    with pytest.raises(ValueError, match="steps must be more than the 2 that the weights have had, got 2"):
        trainer(photographs, tmp_path / "third", start, steps=2)


def test_a_started_training_is_resumed_to_the_bit(photographs: Photographs, tmp_path: Path) -> None:
    start = Start(tiny(), 7, 1000)
    trainer(photographs, tmp_path / "whole", start, steps=11).run()
    half = trainer(photographs, tmp_path / "half", start, steps=11)
    half._advance(half.recipe.batch(photographs, 7))
    half.save()
    again = resumed(tmp_path / "half", "denoiser")
    assert again.first_step == 7
    Trainer(again, photographs, photographs, tmp_path / "half", cases.CPU).run()
    (whole, tensors), (meta, others) = (_checkpoint.read(tmp_path / name) for name in ("whole", "half"))
    assert meta == whole
    assert [name for name, t in tensors.items() if not torch.equal(t, others[name])] == []


def test_a_cool_down_branches_off(photographs: Photographs, tmp_path: Path) -> None:
    trainer(photographs, tmp_path / "run", Start(tiny(), 7, 0), steps=10, cool_down=0.0).run()
    before = (tmp_path / "run/checkpoint.safetensors").read_bytes()
    recipe = branched(tmp_path / "run", "denoiser", tmp_path / "cool", steps=4)
    rates = [recipe.rate(step) for step in range(10, 15)]
    assert rates == pytest.approx([recipe.learning_rate * part for part in (1, 0.75, 0.5, 0.25, 0)])
    work = Trainer(recipe, photographs, photographs, tmp_path / "cool", cases.CPU)
    assert work.step == 10
    work.run()
    assert work.step == 14
    assert (tmp_path / "run/checkpoint.safetensors").read_bytes() == before
    with pytest.raises(FileExistsError):
        branched(tmp_path / "run", "denoiser", tmp_path / "cool", steps=4)
    with pytest.raises(ValueError, match="run holds a training of denoiser, not of udn"):
        branched(tmp_path / "run", "udn", tmp_path / "other", steps=4)
