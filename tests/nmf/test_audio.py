"""Sound: files, spectrograms, initialization, separation, the command."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

soundfile = pytest.importorskip("soundfile", reason="the extra audio")

from nmf import audio, cli  # noqa: E402
from nmf.audio import Spectrogram  # noqa: E402

RATE = 8000


def recording(seconds: float = 2.0) -> tuple[np.ndarray, np.ndarray, dict[str, list[float]]]:
    """Return a recording of noise bursts and low tones, its stems, and their onsets."""
    rng = np.random.default_rng(0)
    n = int(seconds * RATE)
    decay = np.exp(-np.arange(1200) / 200)
    sounds = {"hat": np.diff(rng.standard_normal(1201)) * decay, "kick": np.sin(np.arange(1200) * 0.06) * decay * 2}
    onsets = {"hat": [0.1, 0.5, 0.9, 1.3], "kick": [0.3, 0.9, 1.5]}
    stems = np.zeros((2, n), np.float32)
    for stem, name in zip(stems, sounds, strict=True):
        for onset in onsets[name]:
            start = int(onset * RATE)
            stem[start : start + 1200] += 0.3 * sounds[name]
    return stems.sum(0), stems, onsets


@pytest.mark.parametrize("shape", [(1,), (100,), (4001,), (2, 3000), (8, 1000)])
def test_the_inverse_transform_restores_the_signal(shape):
    y = torch.from_numpy(np.random.default_rng(0).standard_normal(shape))
    transform = Spectrogram(256, 64)
    torch.testing.assert_close(transform.inverse(transform(y), shape[-1]), y)
    with pytest.raises(ValueError, match="hop must be"):
        Spectrogram(256, 200)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_written_files_are_read_back(tmp_path, suffix, channels):
    y = 0.5 * np.sin(np.arange(4000) * 0.01 * np.arange(1, channels + 1)[:, None]).astype(np.float32)
    y = y if channels > 1 else y[0]
    audio.write(tmp_path / f"a.{suffix}", y, 44100)
    back, rate = audio.read(tmp_path / f"a.{suffix}")
    assert rate == 44100
    assert back.shape == y.shape
    assert np.abs(back - y).mean() < {"wav": 1e-7, "flac": 1e-3, "ogg": 0.05}[suffix]
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{suffix}"]


def test_files_without_sound(tmp_path):
    (tmp_path / "text.wav").write_text("no sound")
    audio.write(tmp_path / "empty.wav", np.zeros(0, np.float32), RATE)
    with pytest.raises(ValueError, match="cannot be read as sound"):
        audio.read(tmp_path / "text.wav")
    with pytest.raises(ValueError, match="no samples"):
        audio.read(tmp_path / "empty.wav")
    with pytest.raises(FileNotFoundError, match="no such file"):
        audio.read(tmp_path / "none.wav")
    with pytest.raises(ValueError, match="unknown sound format"):
        audio.write(tmp_path / "a.txt", np.zeros(5), RATE)
    with pytest.raises(ValueError, match="rate must be positive"):
        audio.write(tmp_path / "a.wav", np.zeros(5), 0)


def test_templates_and_activations():
    pitched = audio.init_templates(1024, pitches=[69], rate=RATE)
    peaks = (pitched[:, 0] > 0).nonzero().ravel() * RATE / 1024
    assert all(float((peaks - k * 440).abs().min()) < 20 for k in range(1, 9))
    assert float((pitched == 0).float().mean()) > 0.5
    kick, hat = audio.init_templates(1024, drums=["kick", "hihat"], taps=6, rate=44100).unbind(1)
    centers = [float((W.sum(1) * torch.arange(513)).sum()) for W in (kick, hat)]
    assert centers[0] < centers[1] / 3
    assert (kick.diff(dim=1) <= 0).all()
    torch.testing.assert_close(audio.init_templates(64, components=2, taps=3).sum((0, 2)), torch.ones(2))
    H = audio.init_activations(10, notes=[[(0.2, 0.4)], [(0.0, 0.0), (2.0, 3.0)]], rate=10, hop=1, floor=0.0)
    assert H.nonzero().tolist() == [[0, 2], [0, 3], [0, 4], [1, 0]]
    for function, argument in ((audio.init_templates, 64), (audio.init_activations, 5)):
        with pytest.raises(ValueError, match="give one of components"):
            function(argument)
    with pytest.raises(ValueError, match="drums must be of"):
        audio.init_templates(64, drums=["gong"])
    with pytest.raises(ValueError, match="decay must be"):
        audio.nema(H, 1.0)


def test_onsets_tell_the_instruments_apart():
    mixture, stems, onsets = recording()
    parts = audio.separate(mixture, RATE, onsets=onsets, transform=Spectrogram(512, 128), taps=8)
    assert parts.names == ["hat", "kick"]
    np.testing.assert_allclose(parts.signals.sum(0), mixture, atol=1e-5)
    for stem, signal in zip(stems, parts.signals, strict=True):
        assert 10 * np.log10((stem**2).sum() / ((stem - signal) ** 2).sum()) > 8  # decibels


@pytest.mark.parametrize("shape", [(1,), (50,), (2, 900), (8, 900)])
def test_any_recording_is_the_sum_of_its_parts(shape):
    for y in (np.random.default_rng(0).standard_normal(shape), np.zeros(shape)):
        parts = audio.separate(y, RATE, 2, transform=Spectrogram(256, 64), max_iter=5, taps=2)
        assert parts.signals.shape == (2, *shape)
        np.testing.assert_allclose(parts.signals.sum(0), y, atol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((2, 3, 4)), RATE), "samples must be"),
        ((np.array([np.nan, 1.0]), RATE), "NaN or infinity"),
        ((np.ones(0), RATE), "samples is empty"),
        ((np.ones(9), 0), "rate must be positive"),
        ((np.ones(9), float("nan")), "rate must be positive"),
        ((np.ones(9), None), "rate must be positive"),
    ],
)
def test_bad_recordings(arguments, message):
    with pytest.raises(ValueError, match=message):
        audio.separate(*arguments)
    with pytest.raises(ValueError, match="onsets is empty"):
        audio.separate(np.ones(9), RATE, onsets={})


def test_functions_for_scripts(rng):
    V = rng.random((9, 20))
    W, _, parts, result = audio.nmfd(V, 2, 3, max_iter=10)
    assert isinstance(W, np.ndarray)
    assert parts.shape == (2, 9, 20)
    assert result.n_iter == 10
    X = V * np.exp(1j * V)
    np.testing.assert_allclose(audio.alpha_wiener_filter(X, list(parts)).sum(0), X)


def test_command(tmp_path, capsys, monkeypatch):
    mixture, _, onsets = recording()
    audio.write(tmp_path / "loop.wav", mixture, RATE)
    lines = [f"{t} {name}" for name, times in onsets.items() for t in times]
    (tmp_path / "onsets.txt").write_text("\n".join(lines) + "\n\n")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nmf", "separate", *map(str, arguments)])
        try:
            cli.main()
        except SystemExit as stop:
            return stop.code
        return 0

    options = ("--n-fft", 512, "--hop", 128, "--iterations", 10, "-o", tmp_path / "out")
    assert run(tmp_path / "loop.wav", "--onsets", tmp_path / "onsets.txt", *options) == 0
    parts = [audio.read(tmp_path / "out" / f"loop-{name}.wav")[0] for name in onsets]
    np.testing.assert_allclose(sum(parts), mixture, atol=1e-5)
    with Image.open(tmp_path / "out" / "loop-factors.png") as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 200
    assert "loop.wav" in capsys.readouterr().err  # the progress bar
    assert run(tmp_path / "loop.wav", "--onsets", tmp_path / "onsets.txt", *options) == 2
    assert capsys.readouterr().err.strip().endswith("exists already; --force replaces it")
    assert run(tmp_path / "loop.wav", "--components", 2, *options, "--force") == 0
    (tmp_path / "bad.txt").write_text("kick 0.1")
    for arguments, message in (
        ((tmp_path / "none.wav",), "no such file"),
        ((tmp_path / "onsets.txt",), "cannot be read as sound"),
        ((tmp_path / "loop.wav", "--onsets", tmp_path / "bad.txt"), "line 1: expected seconds and a name"),
        ((tmp_path / "loop.wav", "--components", 0), "--components"),
    ):
        capsys.readouterr()
        assert run(*arguments) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") <= 2


def test_the_module_is_a_command():
    done = subprocess.run([sys.executable, "-m", "nmf", "--help"], capture_output=True, text=True, check=True)
    assert "separate" in done.stdout


def test_import_is_light():
    heavy = {"torch", "sklearn", "soundfile", "matplotlib", "librosa"}
    code = f"import sys, nmf, nmf.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_drum_loop(data_dir):
    """The 808 loop with its stems: every instrument comes out, and better than from matrix factorization."""
    folder = data_dir / "audio" / "drums"
    if not folder.is_dir():
        pytest.skip("real data: the drum loop")
    names = ("Kick", "Snare", "Hihat")
    mixture, rate = audio.read(folder / "runningExample_808Mixture.wav")
    stems = [audio.read(folder / f"runningExample_808{name}.wav")[0] for name in names]
    strokes = np.loadtxt(folder / "runningExample_808Drums.txt")
    onsets = {name: strokes[strokes[:, 1] == i + 1, 0].tolist() for i, name in enumerate(names)}
    levels = {}
    for taps in (1, 8):
        parts = audio.separate(mixture, rate, onsets=onsets, taps=taps)
        np.testing.assert_allclose(parts.signals.sum(0), mixture, atol=1e-4)
        levels[taps] = [
            10 * np.log10((s**2).sum() / ((s - p) ** 2).sum()) for s, p in zip(stems, parts.signals, strict=True)
        ]
    assert all(better > worse for better, worse in zip(levels[8], levels[1], strict=True))
    assert levels[8][0] > 25
    assert min(levels[8]) > 2
