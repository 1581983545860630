"""Devices: the command and the functions, with a CPU in place of an accelerator."""

import sys

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import nmf
from deblur._core import devices
from nmf.audio import Spectrogram, separate
from nmf.devices import to_device
from nmf.objective import divergence

Y = np.random.default_rng(0).standard_normal((2, 2000))
OPTIONS = {"transform": Spectrogram(128, 32), "max_iter": 5, "taps": 3}


def test_every_device_is_resolved_in_one_place(monkeypatch):
    requested = []

    def resolve(device, *, needed_bytes=0):
        requested.append((device, needed_bytes))
        return torch.device("cpu")

    monkeypatch.setattr("nmf.devices.resolve_device", resolve)
    here = separate(Y, 8000, 2, **OPTIONS)
    assert requested == []  # without a device it computes where the samples are
    there = separate(Y, 8000, 2, device="cuda:1", **OPTIONS)
    np.testing.assert_array_equal(there.signals, here.signals)
    (device, needed), *others = requested
    assert (device, others) == ("cuda:1", [])
    bins = 65 * 63
    assert 2 * 2 * 2 * 8 * bins <= needed <= 64 * 2 * 8 * bins  # at least the complex parts of both channels


def test_the_work_moves_to_an_accelerator_that_fits(monkeypatch):
    monkeypatch.setattr(devices, "accelerator", lambda: torch.device("meta"))
    monkeypatch.setattr(devices, "free_bytes", lambda device: 10_000)
    V = torch.rand(20, 30)
    assert to_device(V, "auto").device.type == "meta"
    assert to_device(V, "auto", needed_bytes=1_000_000).device.type == "cpu"
    assert to_device(V, "cpu").device.type == "cpu"
    # The separation needs more memory than the accelerator has, and runs on the CPU.
    parts = separate(Y, 8000, 2, device="auto", **OPTIONS)
    np.testing.assert_allclose(parts.signals.sum(0), Y, atol=1e-9)
    with pytest.warns(RuntimeWarning, match="computing on the CPU"):
        separate(Y, 8000, 2, device="meta", **OPTIONS)


def test_an_unknown_device_is_one_line():
    with pytest.raises(ValueError, match=r"device 'tpu9' is not on this machine") as caught:
        separate(Y, 8000, 2, device="tpu9", **OPTIONS)
    assert "\n" not in str(caught.value)


def test_the_model_takes_the_device_it_is_given():
    for model in (
        nmf.NMF((5, 6), 2, device="meta"),
        nmf.NMFD((5, 6), 2, 3, device="meta"),
        nmf.PLCA((5, 6), 2, device="meta"),
    ):
        assert {p.device.type for p in model.parameters()} == {"meta"}
        assert model().shape == (5, 6)


class NoFloat64(TorchDispatchMode):
    """Refuses float64, as MPS does."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for x in result if isinstance(result, tuple | list) else (result,):
            if isinstance(x, torch.Tensor) and x.dtype == torch.float64:
                raise TypeError(f"{func} made float64")
        return result


@pytest.mark.parametrize(
    ("kind", "beta"), [("NMF", 0), ("NMF", 1), ("NMF", 2), ("NMFD", 1), ("PLCA", 1), ("sparse", 1), ("sparse", 2)]
)
def test_a_device_without_float64_computes_in_float32(kind, beta, monkeypatch):
    """Sums are taken in float64 where there is one; elsewhere no tensor of the fit may have it."""
    V = torch.rand(9, 14, generator=torch.Generator().manual_seed(0)) + 0.1
    module = {"NMFD": lambda: nmf.NMFD(V.shape, 3, 4, seed=0), "PLCA": lambda: nmf.PLCA(V.shape, 3, seed=0)}.get(
        kind, lambda: nmf.NMF(V.shape, 3, seed=0)
    )
    options = {"max_iter": 6, "check_every": 2, "tol": 0}

    def fit(model):
        if kind == "PLCA":
            return model.fit(V, **options)
        if kind == "sparse":
            return model.sparse_fit(V, beta, sH=0.4, **options)
        return model.fit(V, beta, l1_W=0.01, l2_H=0.01, **options)

    expected = module()
    fit(expected)
    model = module()
    for name in (
        "fit.units",
        "fit.hals",
        "objective.penalties",
        "data.dense",
        "models.plca",
        "fit.sparse",
        "fit.projection",
    ):
        monkeypatch.setattr(f"nmf.{name}.accumulator", lambda device: torch.float32, raising=True)
    monkeypatch.setattr(divergence, "accumulator", lambda device: torch.float32)
    monkeypatch.setattr("nmf.fit.loop.to_host", lambda x: x)
    with NoFloat64():
        fit(model)
    torch.testing.assert_close(model.W, expected.W, rtol=1e-3, atol=1e-4)


def test_the_command_takes_a_device(tmp_path, monkeypatch, capsys):
    pytest.importorskip("soundfile", reason="the extra audio")
    from nmf import audio, cli

    audio.write(tmp_path / "a.wav", Y[0].astype(np.float32), 8000)
    requested = []
    monkeypatch.setattr(
        "nmf.devices.resolve_device", lambda device, **_: requested.append(device) or devices.resolve_device("cpu")
    )

    def run(*arguments):
        options = ("--n-fft", "128", "--hop", "32", "--iterations", "3", "--force", "-o", str(tmp_path / "out"))
        monkeypatch.setattr(sys, "argv", ["nmf", "separate", str(tmp_path / "a.wav"), *options, *arguments])
        try:
            cli.main()
        except SystemExit as stop:
            return stop.code
        return 0

    assert run() == 0
    assert run("--device", "cpu") == 0
    assert requested == ["auto", "cpu"]
    monkeypatch.undo()
    capsys.readouterr()
    assert run("--device", "tpu9") == 2
    error = capsys.readouterr().err
    assert "device 'tpu9' is not on this machine" in error
