"""`deblur train` as it is used: to the end, stopped and resumed, interrupted, and with wrong options."""

import json
import re
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from safetensors.torch import save_file

from deblur.cli import _app
from deblur.cli._train import _read_config
from deblur.networks import Denoiser, load
from deblur.networks._tensors import read_tensors
from deblur.networks.training import recipe_from, resumed

from .conftest import Run, Start

TINY = "steps = 4\nwarm_up = 1\nwidths = [8, 16]\ndepths = [1, 1]\ndecoder_depth = 1\n"
TRAIN = ["train", "denoiser", "--images", "photographs", "--device", "cpu"]
NEW = [*TRAIN, "--config", "tiny.toml", "-o", "run"]
WRITTEN = {"checkpoint.safetensors", "log.jsonl", "curve.png", "denoiser.safetensors"}

pytest.importorskip("matplotlib", reason="the curve needs matplotlib")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photographs and a small configuration."""
    (tmp_path / "photographs").mkdir()
    for name in ("astronaut", "cat", "camera"):
        picture = getattr(skimage.data, name)()[50:200, 100:260]
        cv2.imwrite(str(tmp_path / f"photographs/{name}.png"), picture)
    (tmp_path / "tiny.toml").write_text(TINY)
    return tmp_path


def log(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "run/log.jsonl").read_text().splitlines()]


def test_a_training_to_its_end(run: Run, folder: Path) -> None:
    done = run(*NEW)
    assert done.stdout == "run/denoiser.safetensors\n"
    assert re.fullmatch(
        r"denoiser: step 0 of 4, in run, on cpu\n"
        r"step 4: noise 15 [\d.]+, noise 25 [\d.]+, noise 50 [\d.]+ dB\n"
        r"curve: run/curve.png\n",
        done.stderr,
    )
    assert {path.name for path in (folder / "run").iterdir()} == WRITTEN
    levels = {f"noise {level}" for level in (15, 25, 50)}
    assert [set(entry) for entry in log(folder)] == [{"step", "loss", "seconds"}, {"step", *levels}]
    network = load(folder / "run/denoiser.safetensors")
    assert isinstance(network, Denoiser)
    assert network.unet.multiple == 4


def test_stopped_and_resumed(run: Run, folder: Path) -> None:
    done = run(*NEW, "--minutes", "0", "--steps", "3")
    assert done.stdout == ""
    assert done.stderr.endswith("stopped at step 0 of 3; go on with --resume run\n")
    assert "denoiser.safetensors" not in {path.name for path in (folder / "run").iterdir()}
    done = run(*TRAIN, "--resume", "run", "--steps", "2")
    assert done.stderr.startswith("denoiser: step 0 of 2, in run, on cpu\n")
    assert done.stdout == "run/denoiser.safetensors\n"
    assert log(folder)[-1]["step"] == 2


def test_started_from_weights_and_cooled_down(run: Run, folder: Path) -> None:
    run(*NEW)
    done = run(*TRAIN, "--config", "tiny.toml", "--start", "run/denoiser.safetensors", "--steps", "6", "-o", "more")
    assert done.stderr.startswith("denoiser: step 4 of 6, in more, on cpu\n")
    done = run(*TRAIN, "--resume", "more", "--cool-down", "2", "-o", "cool")
    assert done.stderr.startswith("denoiser: step 6 of 8, in cool, on cpu\n")
    assert done.stdout == "cool/denoiser.safetensors\n"
    assert json.loads(read_tensors(folder / "cool/denoiser.safetensors")[0]["facts"])["steps"] == 8


def test_interrupted_it_can_be_resumed(start: Start, folder: Path) -> None:
    work = start(*NEW, "--steps", "1000000", text=True)
    while work.poll() is None and not (folder / "run/log.jsonl").exists():
        time.sleep(0.02)
    work.send_signal(signal.SIGINT)
    stdout, stderr = work.communicate()
    assert work.returncode == 130
    assert stdout == ""
    assert stderr.splitlines()[1:] == ["deblur: interrupted"]
    assert {path.name for path in (folder / "run").iterdir()} == {"checkpoint.safetensors", "log.jsonl"}
    meta, _ = read_tensors(folder / "run/checkpoint.safetensors")
    assert int(meta["step"]) >= log(folder)[0]["step"] == 50
    assert resumed(folder / "run", "denoiser").steps == 1_000_000


def test_the_help_teaches_with_examples(run: Run) -> None:
    shown = run("train", "--help").stdout
    assert re.search(r"^ +deblur train unrolled --resume runs/wide --minutes 60$", shown, re.MULTILINE)
    for word in ("denoiser", "unrolled", "udn", "--config", "--device", "learning_rate = 5e-4", "curve.png"):
        assert word in shown


def test_the_example_configuration_is_one(tmp_path: Path, run: Run) -> None:
    lines = run("train", "--help").stdout.splitlines()
    (tmp_path / "wide.toml").write_text("\n".join(line.strip() for line in lines if re.match(r" +\w+ = ", line)))
    settings = _read_config(tmp_path / "wide.toml")
    assert set(settings) == {"steps", "learning_rate", "widths"}
    recipe_from("unrolled", settings)


TABLE: list[tuple[list[str], str]] = [
    (["train"], "NETWORK"),
    (["train", "denoisr"], "the network must be denoiser, unrolled, udn, got 'denoisr'; did you mean 'denoiser'?"),
    ([*NEW, "--steps", "0"], "--steps"),
    ([*NEW, "--steps", "many"], "--steps"),
    ([*NEW, "--minutes", "-1"], "--minutes"),
    ([*NEW, "--minutes", "nan"], "--minutes"),
    ([*NEW, "--device", "gpu"], "device 'gpu' is not on this machine (here: auto, cpu"),
    ([*NEW, "--device", "cud"], "device 'cud' is not on this machine"),
    ([*NEW, "--images", ""], "--images"),
    ([*NEW, "--images", "missing"], "--images must be a folder, got missing"),
    ([*NEW, "--images", "tiny.toml"], "--images must be a folder, got tiny.toml"),
    ([*NEW, "--images", "one"], "one has 1 photographs; to train and to validate takes at least 2"),
    ([*NEW, "--images", "text"], "text.png as a photograph"),
    ([*NEW, "--images", "small"], "is too small to train on: 40 x 90 pixels, less than 64 per side"),
    ([*TRAIN, "--config", "missing.toml"], "missing.toml: No such file or directory"),
    ([*TRAIN, "--config", "photographs"], "photographs: Is a directory"),
    ([*TRAIN, "--config", "no.toml"], "no.toml is not a TOML file"),
    ([*TRAIN, "--config", "one/a.png"], "one/a.png is not a TOML file"),
    ([*TRAIN, "--config", "typo.toml"], "denoiser has no setting 'step'; did you mean 'steps'?"),
    ([*TRAIN, "--config", "wrong.toml"], "the setting learning_rate must be like 0.0008, got 'fast'"),
    ([*NEW, "-o", ""], "--output"),
    ([*NEW, "-o", "tiny.toml"], "tiny.toml"),
    ([*NEW, "-o", "tiny.toml/deep"], "tiny.toml/deep"),
    ([*NEW, "-o", "/proc/deblur"], "/proc/deblur"),
    ([*NEW, "-o", "damaged"], "damaged holds a training; go on with --resume damaged, or choose another --output"),
    ([*TRAIN, "--resume", "missing"], "no training to resume in missing: it has no checkpoint.safetensors"),
    ([*TRAIN, "--resume", "tiny.toml"], "no training to resume in tiny.toml"),
    ([*TRAIN, "--resume", "photographs"], "no training to resume in photographs"),
    ([*TRAIN, "--resume", "damaged"], "damaged/checkpoint.safetensors is damaged"),
    ([*TRAIN, "--resume", "another"], "another holds a training of udn, not of denoiser"),
    ([*TRAIN, "--resume", "foreign"], "foreign/checkpoint.safetensors is no checkpoint of a training"),
    ([*TRAIN, "--resume", "another", "-o", "run"], "--resume goes on in its folder with its settings"),
    ([*TRAIN, "--resume", "another", "--config", "tiny.toml"], "--resume goes on in its folder with its settings"),
    ([*TRAIN, "--resume", "another", "--start", "pretrained"], "leave --start out"),
    ([*TRAIN, "--resume", "another", "--cool-down", "5"], "--cool-down branches off a training: give its folder"),
    ([*NEW, "--cool-down", "5"], "--cool-down branches off a training: give its folder"),
    ([*NEW, "--start", ""], "--start"),
    ([*NEW, "--start", "missing"], "there is no file missing"),
    ([*NEW, "--start", "damaged/checkpoint.safetensors"], "damaged/checkpoint.safetensors is damaged"),
    ([*NEW, "--start", "pretrained"], "steps must be more than the 15000 that the weights have had, got 4"),
    ([*NEW, "--start", "pretrained", "--steps", "20000"], "the trained weights do not fit into this network"),
]


@pytest.fixture
def bad(folder: Path) -> Path:
    """Bad files and folders of every kind."""
    pictures = {"one/a.png": (90, 90), "text/a.png": (90, 90), "small/a.png": (90, 90), "small/b.png": (40, 90)}
    for name in ("one", "text", "small", "damaged", "another", "foreign"):
        (folder / name).mkdir()
    for name, shape in pictures.items():
        cv2.imwrite(str(folder / name), np.zeros(shape, np.uint8))
    (folder / "text/text.png").write_text("this is no picture\n")
    (folder / "no.toml").write_text("steps: 4\n")
    (folder / "typo.toml").write_text("step = 4\n")
    (folder / "wrong.toml").write_text('learning_rate = "fast"\n')
    (folder / "damaged/checkpoint.safetensors").write_bytes(b"damaged")
    save_file({}, folder / "foreign/checkpoint.safetensors")
    meta = {"recipe": json.dumps({"kind": "udn", "steps": 4}), "step": "0"}
    save_file({}, folder / "another/checkpoint.safetensors", meta)
    return folder


@pytest.mark.parametrize(
    ("arguments", "named"), TABLE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_one_line(
    bad: Path, arguments: list[str], named: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, where stderr of the decoders is captured too."""
    monkeypatch.chdir(bad)
    before = {path: path.is_file() and path.read_bytes() for path in bad.rglob("*")}
    assert _app._run(arguments) == 2
    stdout, stderr = capfd.readouterr()
    assert re.fullmatch(r"deblur: .*\n", stderr)
    assert named in stderr
    assert "internal error" not in stderr
    assert stdout == ""
    assert {path: path.is_file() and path.read_bytes() for path in bad.rglob("*")} == before


def test_an_unreadable_picture_is_one_line_of_the_command_too(run: Run, bad: Path) -> None:
    """Decoders print more, which must not reach the terminal."""
    done = run(*NEW, "--images", "text", code=2)
    assert done.stderr == "deblur: cannot read text/text.png as a photograph\n"
