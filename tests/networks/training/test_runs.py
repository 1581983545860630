"""Recipes from settings; the curve of a training; initialization of networks."""

import json
import sys
from pathlib import Path

import pytest
import skimage.io
import torch

from deblur.networks import Denoiser
from deblur.networks.training import UnrolledRecipe, _unrolled, plot, recipe_from
from deblur.networks.training._runs import read_log

from ..cases import TINY
from . import cases


def test_a_log_cut_short_by_a_kill(tmp_path: Path) -> None:
    entries = [{"step": 50, "loss": -20.0}, {"step": 100, "loss": -21.0}, {"step": 100, "noise 15": 30.0}]
    again = [{"step": 50, "loss": -20.5}]
    (tmp_path / "log.jsonl").write_text("\n".join([*map(json.dumps, entries + again), '{"step": 51, "lo']))
    assert read_log(tmp_path) == [again[0], *entries[1:]]
    assert read_log(tmp_path / "none") == []


def test_the_curve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="the curve needs matplotlib")
    lines = [json.dumps({"step": s, "loss": -20 - s / 10, "seconds": s}) for s in range(1, 50)]
    lines.append(json.dumps({"step": 50, "noise 15": 31.2}))
    (tmp_path / "log.jsonl").write_text("\n".join([*lines, '{"step": 51, "lo']))
    assert len(read_log(tmp_path)) == 50
    path = plot(tmp_path)
    assert path == tmp_path / "curve.png"
    assert skimage.io.imread(path).shape == (600, 960, 4)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert plot(tmp_path) is None


def test_an_unrolled_network_starts_from_the_denoiser(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(5)
    denoiser = Denoiser(**TINY)
    monkeypatch.setattr(_unrolled, "pretrained", lambda name: {"denoiser": denoiser}[name])
    model = cases.unrolled(from_denoiser=True).model()
    assert torch.equal(model.unet.encoder[0].first[0].weight, denoiser.unet.encoder[0].first[0].weight)
    with pytest.raises(ValueError, match="the widths and depths of this network; or set from_denoiser = false"):
        cases.unrolled(from_denoiser=True, widths=(8, 24)).model()


def test_the_same_seed_is_the_same_network() -> None:
    for make in (cases.denoiser, cases.unrolled, cases.udn):
        one, same, other = (list(make(seed=seed).model().parameters()) for seed in (0, 0, 1))
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
        assert not all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("denoisr", {}, "the network must be denoiser, unrolled, udn, got 'denoisr'; did you mean 'denoiser'?"),
        ("denoiser", {"step": 3}, "denoiser has no setting 'step'; did you mean 'steps'?"),
        ("udn", {"widths": [8]}, "udn has no setting 'widths'; did you mean 'width'?"),
        ("udn", {"banana": 1}, "udn has no setting 'banana'; it has steps, learning_rate"),
        ("denoiser", {"steps": 2.5}, "the setting steps must be like 200000, got 2.5"),
        ("denoiser", {"steps": True}, "the setting steps must be like 200000, got True"),
        ("denoiser", {"steps": 0}, "steps must be at least 1, got 0"),
        ("denoiser", {"learning_rate": -1}, "learning_rate must be positive, got -1.0"),
        ("denoiser", {"learning_rate": float("nan")}, "learning_rate must be positive, got nan"),
        ("denoiser", {"cool_down": 1.5}, "cool_down must be between 0 and 1, got 1.5"),
        ("denoiser", {"steps": 7, "first_step": 7}, "steps must be more than the 7 that the weights have had, got 7"),
        ("denoiser", {"average": 1}, "average must be at least 0 and less than 1, got 1.0"),
        ("denoiser", {"seed": -1}, "seed must be at least 0, got -1"),
        ("denoiser", {"warm_up": -1}, "warm_up must be at least 0, got -1"),
        ("denoiser", {"widths": 8}, r"the setting widths must be like \(64, 96, 128\), got 8"),
        ("denoiser", {"widths": ["a"]}, "the setting widths must be like 64, got 'a'"),
    ],
)
def test_bad_settings(kind: str, settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        recipe_from(kind, settings)


def test_settings_come_in_the_types_of_a_file() -> None:
    recipe = recipe_from("unrolled", {"widths": [8, 16], "depths": [1, 1], "learning_rate": 1, "from_denoiser": False})
    assert recipe == UnrolledRecipe(widths=(8, 16), depths=(1, 1), learning_rate=1.0, from_denoiser=False)
    assert isinstance(recipe.learning_rate, float)
